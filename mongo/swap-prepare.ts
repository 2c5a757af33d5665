import type { MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { isDumpedCollection } from './namespaces';
import { listServer, type ServerCollection } from './server-listing';
import { oldName, type StagePlan } from './stage-plan';
import type { SwapOptions } from './swap';
import {
  readJournal,
  writeJournal,
  type SwapEntry,
  type SwapJournal,
  type SwapSeries,
  type SwapView,
} from './swap-journal';
import { bucketsOf } from './time-series';

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
    .filter(({ dropped, series }) => !dropped && !series)
    .map(({ database, name, stage, n }): SwapEntry => {
      const stageUuid = uuids.get(`${database}.${stage}`);
      if (stageUuid === undefined) throw noStage(database, stage);
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

function noStage(database: string, stage: string): HoldfastError {
  return new HoldfastError('HF-SWAP-002', {
    namespace: `${database}.${stage}`,
    found: 'none',
    known: 'a stage',
  });
}

async function shownSeries(client: MongoClient, plan: StagePlan): Promise<SwapSeries[]> {
  const shown: SwapSeries[] = [];
  for (const { database, name, stage, options } of plan.collections.filter(
    ({ dropped, series }) => !dropped && series,
  )) {
    const buckets = await bucketsOf(client, database, name);
    if (buckets === undefined) throw noStage(database, stage);
    shown.push({ database, name, uuid: buckets.uuid, options });
  }
  return shown;
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
  if (series !== undefined) throw notSwappable(series);
  return await recordSwap(client, runId, plan, listing, live);
}

/**
 * As prepareSwap, for a plan whose collections are only some of the server's: what it doesn't name
 * stays where it is.
 *
 * @param options.replace whether a collection or view of a planned name goes to `hf-old`, or is refused
 * @returns how many collections and views give up their place
 * @throws HoldfastError HF-SWAP-002 when a stage is missing, HF-PREFLIGHT-001 for a name that is taken
 */
export async function prepareAddition(
  { client, runId }: SwapOptions,
  plan: StagePlan,
  { replace }: { readonly replace: boolean },
): Promise<{ replaced: number }> {
  const found = await readJournal(client, runId);
  if (found !== undefined && found.state !== 'rolled-back') return { replaced: takenPlaces(found) };
  const listing = await listServer(client);
  const wanted = new Set(
    [...plan.collections.filter(({ dropped }) => !dropped), ...plan.views].map(
      ({ database, name }) => `${database}.${name}`,
    ),
  );
  const live = listing.filter(({ database, name }) => wanted.has(`${database}.${name}`));
  const series = live.find(({ type }) => type === 'timeseries');
  if (series !== undefined) throw notSwappable(series);
  if (!replace && live.length > 0) {
    throw new HoldfastError('HF-PREFLIGHT-001', {
      problems: live.map(({ database, name }) => `  ${database}.${name} exists now`).join('\n'),
    });
  }
  await recordSwap(client, runId, plan, listing, live);
  return { replaced: live.length };
}

function takenPlaces({ entries, views }: SwapJournal): number {
  return (
    entries.filter(({ liveUuid }) => liveUuid !== null).length +
    views.filter(({ before }) => before !== null).length
  );
}

function notSwappable({ database, name }: ServerCollection): HoldfastError {
  return new HoldfastError('HF-PREFLIGHT-001', {
    problems: `${database}.${name} is a time series, which mongod cannot rename, so it cannot be swapped`,
  });
}

async function recordSwap(
  client: MongoClient,
  runId: string,
  plan: StagePlan,
  listing: readonly ServerCollection[],
  live: readonly ServerCollection[],
): Promise<{ collections: number; views: number }> {
  const entries = swappedCollections(
    plan,
    listing,
    live.filter(({ type }) => type === 'collection'),
  );
  const views = swappedViews(
    plan,
    live.filter(({ type }) => type === 'view'),
  );
  const series = await shownSeries(client, plan);
  await writeJournal(client, runId, { entries, views, series });
  return { collections: entries.length, views: views.length };
}
