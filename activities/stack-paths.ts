import { basename, dirname } from 'node:path';

/** What holds the rooms: `dist` of the installed package, or the sources. */
const house = dirname(__dirname);
const houseName = basename(house) === 'dist' ? 'holdfast/dist' : 'holdfast';

/**
 * Makes the stacks of a failure fit for a history, in place: no frame tells where anything is installed,
 * but `holdfast/dist/mongo/dump.js:12:3`, `mongodb/lib/cmap/connection.js:1:2`, and of files of nobody's
 * package only the name. With `causes: 'messages'` its causes keep no stack at all.
 */
export function trimStacks(failure: Error, causes: 'stacks' | 'messages'): void {
  const seen = new Set<unknown>();
  let next: unknown = failure;
  while (next instanceof Error && !seen.has(next)) {
    seen.add(next);
    const kept = next === failure || causes === 'stacks' ? (next.stack ?? '') : '';
    // An error may be frozen; it is sent all the same.
    Reflect.set(next, 'stack', withoutInstallPaths(kept));
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
