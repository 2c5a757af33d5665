import { formatSize } from '../../core/sizes';
import type { StoredBackups } from '../stored-backups';
import type { Uploaded } from '../upload';
import { formatCount } from '../render/units';
import { textOption, type CommandRun } from './command-spec';
import type { Terminal } from './terminal';
import { withBackups } from './with-backups';

/** `holdfast upload FILE`: prints the id of the backup that was made of it. */
export const upload: CommandRun = (context, input) =>
  withBackups(
    context,
    async (client) => {
      const { terminal } = context;
      const added = await uploadShown(terminal, client, input.arguments[0] ?? '');
      if (terminal.json) terminal.outJson(added);
      else terminal.out(added.id);
      return 0;
    },
    textOption(input, 'storage'),
  );

/** Adds a file to the storage, and says on stderr how it goes and what came of it. */
export async function uploadShown(
  terminal: Terminal,
  client: StoredBackups,
  file: string,
): Promise<Uploaded> {
  const added = await client.upload(file, {
    onProgress: (phase, done, total) =>
      terminal.progress(`${phase}: ${formatSize(done)} of ${formatSize(total)}`),
  });
  const { archive, entries, documents } = added;
  terminal.note(
    `added as a backup: ${formatCount(entries)} files, ${formatCount(documents)} documents, ${formatSize(archive.size)}`,
  );
  return added;
}
