import type { BackupReport } from '../../core/messages';
import { hasOption, textOption, type CommandRun } from './command-spec';
import { conclude, withClient } from './operation';
import { usageError } from './report-error';
import { showBackup } from './show-report';

/** `holdfast create [NOTES]`. Exit status 3 for a partial backup. */
export const create: CommandRun = (context, input) => {
  const notes = input.arguments[0] ?? '';
  const metadataFormat = formatOption(textOption(input, 'metadata-format'));
  const { terminal } = context;
  return withClient(
    context,
    async (client) => {
      const handle = await client.startBackup({
        notes,
        wait: hasOption(input, 'wait'),
        attach: hasOption(input, 'attach'),
        ...(metadataFormat === undefined ? {} : { metadataFormat }),
      });
      const show = (report: BackupReport) => showBackup(terminal, report, notes);
      return conclude(context, client, handle, show, { detach: hasOption(input, 'detach') });
    },
    textOption(input, 'storage'),
  );
};

function formatOption(text: string | undefined): 0 | 1 | 2 | undefined {
  switch (text) {
    case undefined:
      return undefined;
    case '0':
      return 0;
    case '1':
      return 1;
    case '2':
      return 2;
    default:
      throw usageError(`--metadata-format takes 0, 1 or 2, not ${text}`, 'create');
  }
}
