import { HoldfastError } from '../core/errors';
import type { ServerCollection } from './server-listing';
import type { SwapEntry } from './swap-journal';

/** A rename within a database. */
export interface Move {
  readonly database: string;
  readonly from: string;
  readonly to: string;
}

function elsewhere(
  { database, name }: SwapEntry,
  found: string | undefined,
  known: string | null,
): HoldfastError {
  return new HoldfastError('HF-SWAP-002', {
    namespace: `${database}.${name}`,
    found: found ?? 'none',
    known: known ?? 'none',
  });
}

/**
 * Renames that are still to be done, in order, by where the UUIDs of the journal are now: forwards
 * live -> old and stage -> live, backwards live -> stage and old -> live.
 *
 * @throws HoldfastError HF-SWAP-002 when a collection of the journal is gone or somewhere else, or a
 * stranger has a name that is needed
 */
export function movesLeft(
  entries: readonly SwapEntry[],
  listing: readonly ServerCollection[],
  direction: 'forwards' | 'backwards',
): Move[] {
  const byUuid = new Map<string, ServerCollection>();
  const byName = new Map<string, ServerCollection>();
  for (const collection of listing) {
    if (collection.uuid !== undefined) byUuid.set(collection.uuid, collection);
    byName.set(`${collection.database}.${collection.name}`, collection);
  }
  const moves: Move[] = [];
  const place = (
    entry: SwapEntry,
    uuid: string | null,
    from: string | null,
    to: string | null,
  ): void => {
    if (uuid === null || from === null || to === null) return;
    const at = byUuid.get(uuid);
    if (at?.name !== from && at?.name !== to) throw elsewhere(entry, at?.name, uuid);
    if (at.name === from) moves.push({ database: entry.database, from, to });
  };
  for (const entry of entries) {
    const { database, name, stage, stageUuid, old, liveUuid } = entry;
    const occupant = byName.get(`${database}.${name}`);
    const stranger =
      occupant !== undefined && occupant.uuid !== liveUuid && occupant.uuid !== stageUuid;
    if (stranger) throw elsewhere(entry, occupant.uuid ?? occupant.type, liveUuid);
    if (direction === 'forwards') {
      place(entry, liveUuid, name, old);
      place(entry, stageUuid, stage, name);
    } else {
      place(entry, stageUuid, name, stage);
      place(entry, liveUuid, old, name);
    }
  }
  return moves;
}
