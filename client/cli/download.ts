import { formatSize } from '../../core/sizes';
import { hasOption, textOption, type CommandRun } from './command-spec';
import { withBackups } from './with-backups';

/** `holdfast download ID [FILE]`: prints the path of the file. */
export const download: CommandRun = (context, input) => {
  const { terminal } = context;
  const [id = '', path] = input.arguments;
  return withBackups(
    context,
    async (client) => {
      const found = await client.download(id, {
        ...(path === undefined ? {} : { path }),
        force: hasOption(input, 'force'),
        singleMember: hasOption(input, 'single-member'),
        onProgress: (done, total) =>
          terminal.progress(`downloading: ${formatSize(done)} of ${formatSize(total)}`),
      });
      if (terminal.json) terminal.outJson(found);
      else {
        if (found.resumed > 0) {
          terminal.note(`${formatSize(found.resumed)} of it were there already, and are proven`);
        }
        terminal.out(found.file);
        terminal.note(`${formatSize(found.size)}, SHA-256 ${found.sha256}`);
      }
      return 0;
    },
    textOption(input, 'storage'),
  );
};
