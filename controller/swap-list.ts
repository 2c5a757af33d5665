import { lstat, readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '../config/durable-file';
import { errorText, HoldfastError } from '../core/errors';
import { openDirectory } from '../config/open-directory';
import { exists, isMissing, nameProblem, underRoot } from './root-path';
import { topLevelPath, topLevelPaths, type EntryPlace } from './top-level-paths';

const name = z.string().refine((value) => nameProblem(value) === undefined, 'is no name');

const swapItemSchema = z.object({
  /** What is swapped, relative to `controller.root`. */
  path: name,
  /** Where its new content waits: a sibling, so on the same file system. */
  stage: name,
  /** Where what was there before goes: a sibling. */
  old: name,
  /** Whether the path existed when the swap began; known from phase `swapping` on. */
  existed: z.boolean().optional(),
});

const swapListSchema = z.object({
  v: z.literal(1),
  run: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  root: z.string().startsWith('/'),
  dataDir: z.string().startsWith('/'),
  /**
   * planned -> staged -> swapping -> swapped -> removing -> done, and from every one before
   * `removing` -> rolled-back.
   */
  phase: z.enum(['planned', 'staged', 'swapping', 'swapped', 'rolled-back', 'removing', 'done']),
  items: z.array(swapItemSchema),
  /** Parent directories that were missing and are made by staging, outermost first. */
  made: z.array(name),
});

/** One path to swap, in a `SwapList`. */
export type SwapItem = z.infer<typeof swapItemSchema>;

/**
 * The journal of a file swap: which paths, where their new and old content lies, and how far it
 * came. Kept in the operation's run directory, replaced atomically and fsynced at every change of
 * phase, so that any later process goes on or goes back from it alone.
 */
export type SwapList = z.infer<typeof swapListSchema>;

/**
 * Decides what will be swapped and writes the list, before anything is staged. An existing list of
 * the same run is taken as it is.
 * @param file where the list is kept.
 * @param run names the staged paths (`.hf-stage-<run>-<n>`): letters, digits and hyphens, up to 64.
 * @param root `controller.root`, absolute.
 * @param entries the entries of root.tar.
 * @throws HoldfastError HF-FILES-001 for a name that may not be restored, or when a list of another
 * run is there.
 */
export async function planSwap(
  file: string,
  options: {
    readonly run: string;
    readonly root: string;
    readonly dataDir: string;
    readonly entries: Iterable<EntryPlace>;
  },
): Promise<SwapList> {
  const { run, root, dataDir, entries } = options;
  if (await exists(file)) {
    const known = await readSwapList(file);
    if (known.run === run && known.root === root) return known;
    throw listError(file, 'planned', `it belongs to run ${known.run}`);
  }
  const paths = topLevelPaths(entries, dataDir);
  const items = paths.map((path, index): SwapItem => {
    const beside = (kind: string): string =>
      posix.join(posix.dirname(path), `.hf-${kind}-${run}-${index + 1}`);
    return { path, stage: beside('stage'), old: beside('old') };
  });
  const made = new Set<string>();
  for (const path of paths) {
    for (const parent of parentsOf(path)) {
      if (await isDirectory(underRoot(root, parent))) continue;
      made.add(parent);
    }
  }
  const list: SwapList = { v: 1, run, root, dataDir, phase: 'planned', items, made: [...made] };
  await writeSwapList(file, list);
  return list;
}

/** @throws HoldfastError HF-FILES-001 when the list is missing or can't be read. */
export async function readSwapList(file: string): Promise<SwapList> {
  try {
    return swapListSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw listError(file, 'read', errorText(error), error);
  }
}

/** Replaces the list atomically; on disk when it returns. */
export async function writeSwapList(file: string, list: SwapList): Promise<void> {
  try {
    await writeFileDurably(file, `${JSON.stringify(list)}\n`);
  } catch (error) {
    throw listError(file, 'written', errorText(error), error);
  }
}

/** The item an entry of root.tar belongs to; undefined for a directory that is only a parent. */
export function itemOf(list: SwapList, entry: EntryPlace): SwapItem | undefined {
  const top = topLevelPath(entry, list.dataDir);
  if (top === undefined) return undefined;
  const item = list.items.find((each) => each.path === top);
  if (item === undefined) {
    throw listError(
      underRoot(list.root, entry.path),
      'staged',
      'the plan of this restore lacks it',
    );
  }
  return item;
}

/** Opens the directory in which an item is swapped, contained in the root. */
export function openParent(list: SwapList, item: SwapItem): ReturnType<typeof openDirectory> {
  const parent = posix.dirname(item.path);
  return openDirectory(list.root, parent === '.' ? '' : parent);
}

/** The parents of a relative path, outermost first, without the root. */
export function parentsOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    const stat = await lstat(path);
    // A link may lead to a directory on another volume; openDirectory judges where it leads.
    return stat.isDirectory() || stat.isSymbolicLink();
  } catch (error) {
    if (isMissing(error)) return false;
    throw listError(path, 'looked at', errorText(error), error);
  }
}

function listError(path: string, action: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF-FILES-001', { path, action, reason }, { cause });
}
