import type { MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { dropCollection } from './create-collection';
import { explained, serverCode } from './errors';
import { listServer } from './server-listing';
import {
  journalState,
  markJournal,
  readJournal,
  type SwapEntry,
  type SwapJournal,
  type SwapSeries,
  type SwapState,
  type SwapView,
} from './swap-journal';
import { movesLeft } from './swap-moves';
import { bucketsOf, showSeries } from './time-series';
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

async function isShown(client: MongoClient, { database, name }: SwapSeries): Promise<boolean> {
  const listing = await listServer(client);
  return listing.some((one) => one.database === database && one.name === name);
}

async function showAll(
  client: MongoClient,
  runId: string,
  all: readonly SwapSeries[],
): Promise<void> {
  for (const series of all) {
    const { database, name, uuid } = series;
    await markJournal(client, runId, 'prepared', ['prepared']);
    const found = (await bucketsOf(client, database, name))?.uuid ?? 'none';
    if (found !== uuid) {
      const namespace = `${database}.${name}`;
      throw new HoldfastError('HF-SWAP-002', { namespace, found, known: uuid });
    }
    if (!(await isShown(client, series))) await showSeries(client, series);
  }
}

/** Series that the swap has shown, with their buckets: there were none before. */
async function dropAll(client: MongoClient, all: readonly SwapSeries[]): Promise<void> {
  for (const series of all) {
    const { database, name, uuid } = series;
    if ((await bucketsOf(client, database, name))?.uuid !== uuid) continue;
    if (await isShown(client, series)) await dropCollection(client, database, name);
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
 * name, views are made anew, staged time series are shown. Renames only: it takes a moment, whatever the size of the data. When it
 * resolves a majority has it.
 *
 * @throws HoldfastError HF-SWAP-002 without a journal or when somebody moved a collection,
 * HF-FENCE-001 when a rollback has begun, HF-MONGO-001, -004, -005; the signal's reason
 */
export async function swapDatabase(options: SwapOptions): Promise<void> {
  const { client, runId } = options;
  const { state, entries, views, series } = await needJournal(client, runId);
  if (state === 'swapped' || state === 'dropping') return;
  await markJournal(client, runId, 'prepared', ['prepared']);
  await dropOtherViews(client, views, 'after');
  await moveAll(options, entries, 'forwards', 'prepared');
  await makeViews(client, views, 'after');
  await showAll(client, runId, series);
  await markJournal(client, runId, 'swapped', ['prepared']);
}

/**
 * The swap backwards, from wherever it stands: names, UUIDs and views are what they were before. The
 * stages are stages again, all but time series: those that the swap has shown are gone. Without a journal nothing was swapped and nothing happens.
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
  await dropAll(client, journal.series);
  await moveAll(options, journal.entries, 'backwards', 'rolling-back');
  await makeViews(client, journal.views, 'before');
  await markJournal(client, runId, 'rolled-back', ['rolling-back']);
}
