import { chmod, lutimes, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EntryToStage } from '../../controller/stage-files';

/** A file, link or directory of a test's tree or archive. */
export type Planted =
  | { readonly path: string; readonly text: string; readonly mode?: number }
  | { readonly path: string; readonly link: string }
  | { readonly path: string; readonly directory: true; readonly mode?: number };

const mtime = 1_700_000_000;

/** Plants a tree below `root`; link targets that are absolute get the root in front. */
export async function plant(root: string, tree: readonly Planted[]): Promise<void> {
  for (const item of tree) {
    const path = join(root, item.path);
    await mkdir(dirname(path), { recursive: true });
    if ('link' in item) {
      await symlink(item.link.startsWith('/') ? join(root, item.link) : item.link, path);
      await lutimes(path, mtime, mtime);
      continue;
    }
    if ('directory' in item) await mkdir(path, { recursive: true });
    else await writeFile(path, item.text);
    await chmod(path, item.mode ?? ('directory' in item ? 0o755 : 0o644));
  }
  for (const item of [...tree].reverse()) {
    if (!('link' in item)) await utimes(join(root, item.path), mtime + 5, mtime + 5);
  }
}

/** The same as entries of a root.tar; owners are those of this process unless given. */
export function entriesOf(
  tree: readonly Planted[],
  change: Partial<Pick<EntryToStage, 'uid' | 'gid'>> = {},
): EntryToStage[] {
  return tree.map((item) => {
    const text = 'text' in item ? item.text : '';
    return {
      path: item.path,
      type: 'link' in item ? 'symlink' : 'directory' in item ? 'directory' : 'file',
      mode: ('mode' in item ? item.mode : undefined) ?? ('directory' in item ? 0o755 : 0o644),
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      ...change,
      mtime: 'link' in item ? mtime : mtime + 5,
      link: 'link' in item ? item.link : undefined,
      async *read() {
        yield Buffer.from(text.slice(0, 3));
        yield Buffer.from(text.slice(3));
      },
    };
  });
}

const data = 'var/lib/juju';

/** What a controller has before a restore. */
export const liveTree: readonly Planted[] = [
  { path: `${data}/tools`, directory: true },
  { path: `${data}/tools/3.0`, directory: true },
  { path: `${data}/tools/3.0/jujud`, text: 'newer', mode: 0o755 },
  { path: `${data}/tools/machine-0`, link: `/${data}/tools/3.0` },
  { path: `${data}/agents/machine-0`, directory: true, mode: 0o700 },
  { path: `${data}/agents/machine-0/agent.conf`, text: 'live conf', mode: 0o600 },
  { path: `${data}/agents/unit-mysql-0/agent.conf`, text: 'not swapped' },
  { path: `${data}/server.pem`, text: 'live pem', mode: 0o600 },
  { path: `${data}/db/WiredTiger`, text: 'never touched' },
];

/** What the archive holds: other content, one link, and paths the host does not have. */
export const archivedTree: readonly Planted[] = [
  { path: `${data}/tools`, directory: true },
  { path: `${data}/tools/machine-0`, link: `/${data}/tools/2.9` },
  { path: `${data}/tools/2.9`, directory: true, mode: 0o555 },
  { path: `${data}/tools/2.9/jujud`, text: 'the old program', mode: 0o755 },
  { path: `${data}/tools/2.9/juju-run`, link: 'jujud' },
  { path: `${data}/agents/machine-0`, directory: true },
  { path: `${data}/agents/machine-0/agent.conf`, text: 'archived conf', mode: 0o600 },
  { path: `${data}/server.pem`, text: 'archived pem', mode: 0o600 },
  { path: `${data}/nonce.txt`, text: 'nonce', mode: 0o600 },
  { path: 'home/ubuntu/.ssh/authorized_keys', text: 'ssh-rsa', mode: 0o600 },
];
