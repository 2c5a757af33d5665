import { formatCount } from '../render/units';
import { textOption, type CommandRun } from './command-spec';
import { withBackups } from './with-backups';

/** `holdfast catalog rebuild`. */
export const catalogRebuild: CommandRun = (context, input) => {
  const { terminal } = context;
  return withBackups(
    context,
    async (client) => {
      const { entered, added, removed } = await client.rebuildCatalog();
      const storage = client.config.storage.name;
      if (terminal.json) terminal.outJson({ v: 1, storage, entered, added, removed });
      else if (!terminal.quiet) {
        terminal.out(
          `${formatCount(entered)} backups of storage ${storage} are in the catalog: ${formatCount(added)} new, ${formatCount(removed)} gone`,
        );
      }
      return 0;
    },
    textOption(input, 'storage'),
  );
};
