import { sameNames } from '../core/namespace-selection';
import { rawId } from './bson-frames';
import { OplogUnfolder } from './oplog-unfold';
import { firstRaw } from './raw-find';
import { rawDocuments } from './raw-stream';
import type { ReplayOptions } from './oplog-replay';

/**
 * Where the window's inserts begin to matter to each capped stage: the `_id` of its first document, by
 * the stage's number, for those whose first document was inserted in the window.
 *
 * A capped collection keeps the order of inserts, and a scan of it is a contiguous piece of that order.
 * If the piece begins with a document that the window inserts, then everything the window inserts
 * before it had been pushed out when the scan came by: replayed, it would stand behind newer documents.
 * If the piece begins with an older one, all that the window inserts is either in the piece, where an
 * insert replaces in place, or behind it.
 */
export async function cappedHeads({
  client,
  plan,
  read,
  signal,
  names = sameNames,
}: ReplayOptions): Promise<Map<number, Buffer>> {
  const heads = new Map<string, { n: number; id: Buffer }>();
  for (const { database, name, stage, capped, n } of plan.collections) {
    const first = capped ? await firstRaw(client, database, stage) : undefined;
    const id = first === undefined ? undefined : rawId(first);
    if (id !== undefined) heads.set(names.source(`${database}.${name}`), { n, id });
  }
  const found = new Map<number, Buffer>();
  if (heads.size === 0) return found;
  const unfolder = new OplogUnfolder();
  for await (const group of rawDocuments(read(signal))) {
    signal.throwIfAborted();
    for (const { op, namespace, o } of group.flatMap((raw) => unfolder.unfold(raw))) {
      const head = op === 'i' ? heads.get(namespace) : undefined;
      if (head !== undefined && rawId(o)?.equals(head.id) === true) found.set(head.n, head.id);
    }
  }
  return found;
}
