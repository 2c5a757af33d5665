import { rename, rm, rmdir } from 'node:fs/promises';
import { posix } from 'node:path';
import { errorText, HoldfastError, isHoldfastError } from '../core/errors';
import { openDirectory } from '../config/open-directory';
import { exists, hasCode, isMissing, underRoot } from './root-path';
import { removeStage } from './stage-files';
import { openParent, readSwapList, writeSwapList } from './swap-list';
import type { SwapItem, SwapList } from './swap-list';

/**
 * Puts the staged paths in place: each live path is renamed aside, then its staged content renamed
 * in. Resumable at any point from the list in `file`; repeated when done it does nothing.
 * @throws HoldfastError HF-FILES-001 when the files are not staged, or somebody made a path anew
 * in the middle of the swap.
 */
export async function swapFiles(file: string): Promise<void> {
  let list = await readSwapList(file);
  if (list.phase === 'swapped') return;
  if (list.phase === 'staged') {
    const items: SwapItem[] = [];
    for (const item of list.items) {
      items.push(
        await inParent(list, item, 'swapped', async (at) => {
          if (!(await exists(at.stage))) throw new Error('its staged content is gone');
          return { ...item, existed: await exists(at.live) };
        }),
      );
    }
    // From here on the list says what was there before: no rename happens without it.
    list = { ...list, items, phase: 'swapping' };
    await writeSwapList(file, list);
  }
  if (list.phase !== 'swapping') throw refused(file, 'swapped', `the swap is ${list.phase}`);
  for (const item of list.items) {
    await inParent(list, item, 'swapped', async (at) => {
      if (!(await exists(at.stage))) return;
      if (await exists(at.live)) {
        if (item.existed !== true || (await exists(at.old))) {
          throw new Error('somebody made it anew during the swap');
        }
        await rename(at.live, at.old);
        await at.sync();
      }
      await rename(at.stage, at.live);
      await at.sync();
    });
  }
  await writeSwapList(file, { ...list, phase: 'swapped' });
}

/**
 * The swap backwards, from any phase before `removing`: every path is what it was before, paths
 * that did not exist are gone again. The new content returns to its stage; `removeStagedFiles`
 * removes it. Resumable and repeatable.
 * @throws HoldfastError HF-FILES-001 when the old files are removed already.
 */
export async function rollbackFiles(file: string): Promise<void> {
  const list = await readSwapList(file);
  if (list.phase === 'rolled-back') return;
  if (list.phase === 'removing' || list.phase === 'done') {
    throw refused(file, 'rolled back', 'the files from before the restore are removed');
  }
  if (list.phase === 'swapping' || list.phase === 'swapped') {
    for (const item of [...list.items].reverse()) {
      await inParent(list, item, 'rolled back', async (at) => {
        const staged = await exists(at.stage);
        if (item.existed === true) {
          if (!(await exists(at.old))) return;
          if (await exists(at.live)) {
            // Between the two renames of the swap somebody else may have made the path anew.
            if (staged) await rm(at.live, { recursive: true });
            else await rename(at.live, at.stage);
            await at.sync();
          }
          await rename(at.old, at.live);
        } else if (!staged && (await exists(at.live))) {
          await rename(at.live, at.stage);
        }
        await at.sync();
      });
    }
  }
  await writeSwapList(file, { ...list, phase: 'rolled-back' });
}

/**
 * Removes what was renamed aside, once the restore is proven good. There is no way back after it.
 * @throws HoldfastError HF-FILES-001 when the swap is not done.
 */
export async function removeOldFiles(file: string): Promise<void> {
  const list = await readSwapList(file);
  if (list.phase === 'done') return;
  if (list.phase !== 'swapped' && list.phase !== 'removing') {
    throw refused(file, 'removed', `the swap is ${list.phase}`);
  }
  await writeSwapList(file, { ...list, phase: 'removing' });
  for (const item of list.items) {
    await inParent(list, item, 'removed', async (at) => {
      await rm(at.old, { recursive: true, force: true });
      await at.sync();
    });
  }
  await writeSwapList(file, { ...list, phase: 'done' });
}

/**
 * Removes what was staged and the parent directories staging made, as long as they are empty.
 * Repeatable; a no-op when the swap is done, and when no list is there.
 * @throws HoldfastError HF-FILES-001 in the middle of a swap: roll back first.
 */
export async function removeStagedFiles(file: string): Promise<void> {
  if (!(await exists(file))) return;
  const list = await readSwapList(file);
  if (['swapped', 'removing', 'done'].includes(list.phase)) return;
  if (list.phase === 'swapping') throw refused(file, 'removed', 'the swap is under way');
  for (const item of list.items) await removeStage(list, item);
  for (const name of [...list.made].reverse()) {
    const above = posix.dirname(name);
    try {
      const parent = await openDirectory(list.root, above === '.' ? '' : above);
      try {
        await rmdir(`${parent.path}/${posix.basename(name)}`);
        await parent.sync();
      } finally {
        await parent.close();
      }
    } catch (error) {
      const cause = isHoldfastError(error) ? error.cause : error;
      // Somebody else's file in it: the directory has become theirs.
      if (isMissing(cause) || hasCode(cause, 'ENOTEMPTY')) continue;
      throw refused(underRoot(list.root, name), 'removed', errorText(error), error);
    }
  }
}

interface Place {
  readonly live: string;
  readonly stage: string;
  readonly old: string;
  sync(): Promise<void>;
}

/** Works on an item through its opened parent directory, so that no exchanged link leads elsewhere. */
async function inParent<T>(
  list: SwapList,
  item: SwapItem,
  action: string,
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const parent = await openParent(list, item);
  const at = (name: string): string => `${parent.path}/${posix.basename(name)}`;
  try {
    return await work({
      live: at(item.path),
      stage: at(item.stage),
      old: at(item.old),
      sync: () => parent.sync(),
    });
  } catch (error) {
    throw refused(underRoot(list.root, item.path), action, errorText(error), error);
  } finally {
    await parent.close();
  }
}

function refused(path: string, action: string, reason: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF-FILES-001', { path, action, reason }, { cause });
}
