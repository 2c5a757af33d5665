import type { CopyReport } from '../../core/messages';
import { resolveBackup } from './backup-argument';
import { hasOption, textOption, type CommandRun } from './command-spec';
import { conclude, withClient } from './operation';
import { usageError } from './report-error';
import { showCopy } from './show-report';

/** `holdfast copy ID --to NAME [--from NAME]`. */
export const copy: CommandRun = (context, input) => {
  const to = textOption(input, 'to');
  if (to === undefined) throw usageError('say where to: pass --to NAME', 'copy');
  return withClient(
    context,
    async (client) => {
      const id = await resolveBackup(client, input.arguments[0] ?? '');
      const handle = await client.startCopy(id, { to, wait: hasOption(input, 'wait') });
      const show = (report: CopyReport): number => showCopy(context.terminal, report);
      return conclude(context, client, handle, show, { detach: hasOption(input, 'detach') });
    },
    textOption(input, 'from'),
  );
};
