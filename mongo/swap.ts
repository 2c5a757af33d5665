import type { MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { dropCollection } from './create-stage';
import { explained, serverCode } from './errors';
import { isDumpedCollection } from './namespaces';
import { listServer, type ServerCollection } from './server-listing';
import { oldName, type StagePlan } from './stage-plan';
import {
  journalState,
  markJournal,
  readJournal,
  writeJournal,
  type SwapEntry,
  type SwapJournal,
  type SwapState,
  type SwapView,
} from './swap-journal';
import { movesLeft } from './swap-moves';
import { createView } from './views';

/** Everything here is idempotent and goes on after a kill at any point. */
export interface SwapOptions {
  /** Connected as the agent's own user, following the primary. */
  readonly client: MongoClient;
  readonly runId: string;
  readonly signal?: AbortSignal;
  /** Told after every rename. */
  readonly onProgress?: (progress: { done: number; total: number }) => void;
}

/** How often positions are read again after an election or another attempt's rename. */
const maxPasses = 10;
const namespaceNotFound = 26;
const namespaceExists = 48;

function swappedViews(plan: StagePlan, live: readonly ServerCollection[]): SwapView[] {
  const views = new Map<string, SwapView>();
  for (const { database, name, options } of live) {
    const before = options.toString('base64');
    views.set(`${database}.${name}`, { database, name, before, after: null });
  }
  for (const { database, name, definition } of plan.views) {
    const before = views.get(`${database}.${name}`)?.before ?? null;
    views.set(`${database}.${name}`, { database, name, before, after: definition });
  }
  return [...views.values()];
}

function swappedCollections(
  plan: StagePlan,
  listing: readonly ServerCollection[],
  live: readonly ServerCollection[],
): SwapEntry[] {
  const uuids = new Map(listing.map(({ database, name, uuid }) => [`${database}.${name}`, uuid]));
  const entries = plan.collections
    .filter(({ dropped }) => !dropped)
    .map(({ database, name, stage, n }): SwapEntry => {
      const stageUuid = uuids.get(`${database}.${stage}`);
      if (stageUuid === undefined) {
        throw new HoldfastError('HF-SWAP-002', {
          namespace: `${database}.${stage}`,
          found: 'none',
          known: 'a stage',
        });
      }
      const liveOne = live.find((one) => one.database === database && one.name === name);
      const liveUuid = liveOne?.uuid ?? null;
      return { database, name, stage, stageUuid, old: oldName(n), liveUuid };
    });
  let next = plan.nextNumber;
  for (const { database, name, uuid } of live) {
    if (entries.some((entry) => entry.database === database && entry.name === name)) continue;
    const old = oldName(next++);
    entries.push({ database, name, stage: null, stageUuid: null, old, liveUuid: uuid ?? null });
  }
  return entries;
}

/**
 * Writes the swap journal, majority committed: which collection has which name before and after, by
 * UUID, and the views' definitions. Live collections that the plan doesn't have go to `hf-old`. A
 * journal of this run that is there already stays as it is.
 *
 * @param plan what the replay gave
 * @throws HoldfastError HF-SWAP-002 when a stage is missing, HF-PREFLIGHT-001 for a live time series
 */
export async function prepareSwap(
  { client, runId }: SwapOptions,
  plan: StagePlan,
): Promise<{ collections: number; views: number }> {
  const found = await readJournal(client, runId);
  if (found !== undefined && found.state !== 'rolled-back') {
    return { collections: found.entries.length, views: found.views.length };
  }
  const listing = await listServer(client);
  const live = listing.filter(({ database, name }) => isDumpedCollection(database, name));
  const series = live.find(({ type }) => type === 'timeseries');
  if (series !== undefined) {
    throw new HoldfastError('HF-PREFLIGHT-001', {
      problems: `${series.database}.${series.name} is a time series, which mongod cannot rename, so it cannot be swapped`,
    });
  }
  const entries = swappedCollections(
    plan,
    listing,
    live.filter(({ type }) => type === 'collection'),
  );
  const views = swappedViews(
    plan,
    live.filter(({ type }) => type === 'view'),
  );
  await writeJournal(client, runId, { entries, views });
  return { collections: entries.length, views: views.length };
}

async function needJournal(client: MongoClient, runId: string): Promise<SwapJournal> {
  const journal = await readJournal(client, runId);
  if (journal !== undefined) return journal;
  throw new HoldfastError('HF-SWAP-002', {
    namespace: 'holdfast.swap',
    found: 'no journal',
    known: runId,
  });
}

type Side = 'before' | 'after';

async function dropOtherViews(
  client: MongoClient,
  views: readonly SwapView[],
  wanted: Side,
): Promise<void> {
  const listing = await listServer(client);
  for (const view of views) {
    const present = listing.find(
      ({ database, name, type }) =>
        type === 'view' && database === view.database && name === view.name,
    );
    if (present === undefined || present.options.toString('base64') === view[wanted]) continue;
    await dropCollection(client, view.database, view.name);
  }
}

async function makeViews(
  client: MongoClient,
  views: readonly SwapView[],
  wanted: Side,
): Promise<void> {
  const listing = await listServer(client);
  for (const view of views) {
    const definition = view[wanted];
    if (definition === null) continue;
    const present = listing.some(
      ({ database, name }) => database === view.database && name === view.name,
    );
    if (!present) await createView(client, { ...view, definition });
  }
}

async function rename(
  client: MongoClient,
  database: string,
  from: string,
  to: string,
): Promise<void> {
  await explained(client, 'renameCollection', `${database}.${from}`, () =>
    client.db('admin').command({
      renameCollection: `${database}.${from}`,
      to: `${database}.${to}`,
    }),
  );
}

function isOvertaken(error: unknown): boolean {
  const code = serverCode(error instanceof Error ? error.cause : undefined);
  return code === namespaceNotFound || code === namespaceExists;
}

/** Renames until every UUID is where it belongs and a majority knows; goes by the listing after each pass. */
async function moveAll(
  options: SwapOptions,
  entries: readonly SwapEntry[],
  direction: 'forwards' | 'backwards',
  during: SwapState,
): Promise<void> {
  const { client, runId, signal, onProgress } = options;
  for (let pass = 0; pass < maxPasses; pass++) {
    const moves = movesLeft(entries, await listServer(client), direction);
    if (moves.length === 0 && pass > 0) return;
    let done = 0;
    for (const { database, from, to } of moves) {
      signal?.throwIfAborted();
      const state = await journalState(client, runId);
      if (state !== during) {
        throw new HoldfastError('HF-FENCE-001', {
          mine: during,
          step: 'the swap',
          newer: state ?? 'none',
        });
      }
      try {
        await rename(client, database, from, to);
      } catch (error) {
        if (!isOvertaken(error)) throw error;
        break;
      }
      done++;
      onProgress?.({ done, total: moves.length });
    }
    // Written after the renames: once a majority has it, a majority has them, unless an election
    // came between, which the next listing shows.
    await markJournal(client, runId, during, [during]);
  }
  const [left] = movesLeft(entries, await listServer(client), direction);
  if (left === undefined) return;
  throw new HoldfastError('HF-MONGO-004', {
    command: 'renameCollection',
    target: `${left.database}.${left.from}`,
    code: 'passes',
    reason: `it was still there after ${maxPasses} tries`,
  });
}

/**
 * The swap itself: every live collection of the journal goes to `hf-old.<n>`, every stage takes its
 * name, views are made anew. Renames only: it takes a moment, whatever the size of the data. When it
 * resolves a majority has it.
 *
 * @throws HoldfastError HF-SWAP-002 without a journal or when somebody moved a collection,
 * HF-FENCE-001 when a rollback has begun, HF-MONGO-001, -004, -005; the signal's reason
 */
export async function swapDatabase(options: SwapOptions): Promise<void> {
  const { client, runId } = options;
  const { state, entries, views } = await needJournal(client, runId);
  if (state === 'swapped' || state === 'dropping') return;
  await markJournal(client, runId, 'prepared', ['prepared']);
  await dropOtherViews(client, views, 'after');
  await moveAll(options, entries, 'forwards', 'prepared');
  await makeViews(client, views, 'after');
  await markJournal(client, runId, 'swapped', ['prepared']);
}

/**
 * The swap backwards, from wherever it stands: names, UUIDs and views are what they were before. The
 * stages are stages again. Without a journal nothing was swapped and nothing happens.
 *
 * @throws HoldfastError HF-SWAP-002 when old collections are being dropped already or somebody moved
 * a collection, HF-MONGO-001, -004, -005; the signal's reason
 */
export async function rollbackSwap(options: SwapOptions): Promise<void> {
  const { client, runId } = options;
  const journal = await readJournal(client, runId);
  if (journal === undefined || journal.state === 'rolled-back') return;
  if (journal.state === 'dropping') {
    throw new HoldfastError('HF-SWAP-002', {
      namespace: 'hf-old',
      found: 'dropped, or about to be',
      known: runId,
    });
  }
  await markJournal(client, runId, 'rolling-back', ['prepared', 'swapped', 'rolling-back']);
  await dropOtherViews(client, journal.views, 'before');
  await moveAll(options, journal.entries, 'backwards', 'rolling-back');
  await makeViews(client, journal.views, 'before');
  await markJournal(client, runId, 'rolled-back', ['rolling-back']);
}
