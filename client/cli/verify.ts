import { renderVerification } from '../render/report';
import { resolveBackup } from './backup-argument';
import { hasOption, type CommandRun } from './command-spec';
import { conclude, withClient } from './operation';

/** `holdfast verify ID`. */
export const verify: CommandRun = (context, input) => {
  const { terminal } = context;
  return withClient(context, async (client) => {
    const id = await resolveBackup(client, input.arguments[0] ?? '');
    const handle = await client.startVerify(id, { wait: hasOption(input, 'wait') });
    return conclude(context, client, handle, (report) => {
      if (!terminal.json) {
        const lines = terminal.quiet ? [report.backupId] : renderVerification(report);
        lines.forEach((line) => terminal.out(line));
      }
      return 0;
    });
  });
};
