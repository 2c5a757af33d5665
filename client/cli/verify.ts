import type { VerifyReport } from '../../core/messages';
import { resolveBackup } from './backup-argument';
import { hasOption, type CommandRun } from './command-spec';
import { conclude, withClient } from './operation';
import { showVerification } from './show-report';

/** `holdfast verify ID`. */
export const verify: CommandRun = (context, input) =>
  withClient(context, async (client) => {
    const id = await resolveBackup(client, input.arguments[0] ?? '');
    const handle = await client.startVerify(id, { wait: hasOption(input, 'wait') });
    const show = (report: VerifyReport) => showVerification(context.terminal, report);
    return conclude(context, client, handle, show, { detach: hasOption(input, 'detach') });
  });
