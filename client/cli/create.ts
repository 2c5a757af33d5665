import { renderBackup } from '../render/report';
import { textOption, type CommandRun } from './command-spec';
import { conclude, withClient } from './operation';
import { usageError } from './report-error';

/** `holdfast create [NOTES]`. Exit status 3 for a partial backup. */
export const create: CommandRun = (context, input) => {
  const notes = input.arguments[0] ?? '';
  const metadataFormat = formatOption(textOption(input, 'metadata-format'));
  const { terminal } = context;
  return withClient(context, async (client) => {
    const wait = input.options.get('wait') === true;
    const handle = await client.startBackup({
      notes,
      wait,
      ...(metadataFormat === undefined ? {} : { metadataFormat }),
    });
    return conclude(context, client, handle, (report) => {
      if (!terminal.json) {
        if (!terminal.quiet) renderBackup(report, notes).forEach((line) => terminal.out(line));
        terminal.out(report.backupId);
      }
      return report.outcome === 'partial' ? 3 : 0;
    });
  });
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
