import { basename, dirname } from 'node:path';

/** What holds the rooms: `dist` of the installed package, or the sources. */
const house = dirname(__dirname);
const houseName = basename(house) === 'dist' ? 'holdfast/dist' : 'holdfast';

/**
 * Rewrites the stack of an error and of its causes, in place, so that no frame tells where anything
 * is installed: `holdfast/dist/mongo/dump.js:12:3`, `mongodb/lib/cmap/connection.js:1:2`, and of files of
 * nobody's package only the name. A failure is sent with its stack and kept in the history.
 */
export function hideInstallPaths(error: unknown): void {
  const seen = new Set<unknown>();
  let next = error;
  while (next instanceof Error && !seen.has(next)) {
    seen.add(next);
    // An error may be frozen; it is sent all the same.
    if (next.stack !== undefined) Reflect.set(next, 'stack', withoutInstallPaths(next.stack));
    next = next.cause;
  }
}

/** Only the frames are rewritten: a message tells of the paths it is about. */
function withoutInstallPaths(stack: string): string {
  return stack
    .split('\n')
    .map((line) =>
      /^\s+at /.test(line)
        ? line.replace(
            /(?<=[\s(])(?:file:\/\/)?(\/[^()]*?)(?=:\d+(?::\d+)?\)?$)/,
            (_, path: string) => packagePath(path),
          )
        : line,
    )
    .join('\n');
}

function packagePath(path: string): string {
  if (path.startsWith(`${house}/`)) return `${houseName}${path.slice(house.length)}`;
  const [, inPackage] = /.*\/node_modules\/(.+)$/.exec(path) ?? [];
  return inPackage ?? basename(path);
}
