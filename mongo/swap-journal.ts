import type { MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { explained } from './errors';

/** One name whose collection changes. A UUID says where a collection is, whatever was interrupted. */
export interface SwapEntry {
  readonly database: string;
  /** The name that agents use. */
  readonly name: string;
  /** `hf-stage.<n>`: where the restored collection comes from; null when the backup has none. */
  readonly stage: string | null;
  readonly stageUuid: string | null;
  /** `hf-old.<n>`: where the live collection goes. */
  readonly old: string;
  /** UUID of the live collection; null when there was none. */
  readonly liveUuid: string | null;
}

/** A view that is dropped, made or changed; definitions are raw BSON in base64, null for none. */
export interface SwapView {
  readonly database: string;
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** A time series that gets its name: its buckets have theirs already. */
export interface SwapSeries {
  readonly database: string;
  readonly name: string;
  /** Of its buckets. */
  readonly uuid: string;
  /** Options for `create`, raw BSON in base64. */
  readonly options: string;
}

/** How far a swap has come: `dropping` can't be rolled back any more. */
export type SwapState = 'prepared' | 'swapped' | 'rolling-back' | 'rolled-back' | 'dropping';

export interface SwapJournal {
  readonly state: SwapState;
  readonly entries: readonly SwapEntry[];
  readonly views: readonly SwapView[];
  readonly series: readonly SwapSeries[];
}

interface JournalDocument {
  _id: string;
  run: string;
  kind: 'head' | 'entry' | 'view' | 'series';
  state?: SwapState;
  /** How many documents of each kind belong to it. */
  entries?: number;
  views?: number;
  entry?: SwapEntry;
  view?: SwapView;
  series?: SwapSeries;
}

const majority = { w: 'majority', wtimeoutMS: 60_000 } as const;

function documents(client: MongoClient) {
  return client.db('holdfast').collection<JournalDocument>('swap');
}

/** Writes the journal: its head last, so without a head there is none. Majority committed. */
export async function writeJournal(
  client: MongoClient,
  runId: string,
  { entries, views, series }: Omit<SwapJournal, 'state'>,
): Promise<void> {
  const items: JournalDocument[] = [
    ...entries.map((entry, i) => ({
      _id: `${runId}/entry/${i}`,
      run: runId,
      kind: 'entry' as const,
      entry,
    })),
    ...views.map((view, i) => ({
      _id: `${runId}/view/${i}`,
      run: runId,
      kind: 'view' as const,
      view,
    })),
    ...series.map((one, i) => ({
      _id: `${runId}/series/${i}`,
      run: runId,
      kind: 'series' as const,
      series: one,
    })),
  ];
  await explained(client, 'insert', 'holdfast.swap', async () => {
    await documents(client).deleteMany({ run: runId }, { writeConcern: majority });
    if (items.length > 0) {
      await documents(client).insertMany(items, { writeConcern: majority });
    }
    await documents(client).insertOne(
      {
        _id: runId,
        run: runId,
        kind: 'head',
        state: 'prepared',
        entries: entries.length,
        views: views.length,
      },
      { writeConcern: majority },
    );
  });
}

/** The journal of a run; undefined when none was written to its end. */
export async function readJournal(
  client: MongoClient,
  runId: string,
): Promise<SwapJournal | undefined> {
  return explained(client, 'find', 'holdfast.swap', async () => {
    const found = await documents(client)
      .find({ run: runId }, { readConcern: 'majority' })
      .toArray();
    const head = found.find(({ kind }) => kind === 'head');
    if (head?.state === undefined) return undefined;
    return {
      state: head.state,
      entries: found.flatMap(({ entry }) => (entry === undefined ? [] : [entry])),
      views: found.flatMap(({ view }) => (view === undefined ? [] : [view])),
      series: found.flatMap(({ series }) => (series === undefined ? [] : [series])),
    };
  });
}

/** How far the swap of a run has come, as its primary knows it now; undefined without a journal. */
export async function journalState(
  client: MongoClient,
  runId: string,
): Promise<SwapState | undefined> {
  const head = await explained(client, 'find', 'holdfast.swap', () =>
    documents(client).findOne({ _id: runId }, { projection: { state: 1 } }),
  );
  return head?.state;
}

/**
 * Says how far the swap has come. When this resolves, all that its primary did before is majority
 * committed.
 *
 * @param from the states it may be in
 * @throws HoldfastError HF-FENCE-001 when it is in another one, HF-MONGO-001, -004, -005
 */
export async function markJournal(
  client: MongoClient,
  runId: string,
  state: SwapState,
  from: readonly SwapState[],
): Promise<void> {
  const filter = { _id: runId, state: { $in: [...from] } };
  const { matchedCount } = await explained(client, 'update', 'holdfast.swap', () =>
    documents(client).updateOne(filter, { $set: { state } }, { writeConcern: majority }),
  );
  if (matchedCount > 0) return;
  const newer = (await journalState(client, runId)) ?? 'none';
  throw new HoldfastError('HF-FENCE-001', { mine: state, step: 'the swap', newer });
}

/** Removes the journal of a run, its head last. */
export async function removeJournal(client: MongoClient, runId: string): Promise<void> {
  await explained(client, 'delete', 'holdfast.swap', async () => {
    const concern = { writeConcern: majority };
    await documents(client).deleteMany({ run: runId, kind: { $ne: 'head' } }, concern);
    await documents(client).deleteMany({ run: runId }, concern);
  });
}
