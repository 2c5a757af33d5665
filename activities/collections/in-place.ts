import type { MongoClient } from 'mongodb';
import { z } from 'zod';
import type { NamespaceMap } from '../../core/namespace-selection';
import type { OperationRef } from '../../core/operation';
import { commandOf, notReplayable, OplogUnfolder } from '../../mongo/oplog-unfold';
import { bucketsPrefix, seriesOf, splitNamespace } from '../../mongo/namespaces';
import { rawDocuments } from '../../mongo/raw-stream';
import { listServer } from '../../mongo/server-listing';
import { planStages } from '../../mongo/stage-plan';
import { bucketsOf, rehearseSeries } from '../../mongo/time-series';
import { parseMetadata } from '../../mongo/metadata-parse';
import type { StageSource } from '../restore/stage-source';
import { StepResult } from '../workspace/step-result';
import { requestOf, type ChosenCollection } from './chosen';

const targetSchema = z.object({
  database: z.string(),
  name: z.string(),
  /** Of the buckets that are dropped: nothing else is. */
  uuid: z.string(),
});

/** A time series that is dropped and loaded anew. */
export type InPlaceTarget = z.infer<typeof targetSchema>;

/** Decided before anything is loaded: which time series are replaced where they are. */
export const inPlaceTargets = new StepResult(
  'in-place',
  z.object({ series: z.array(targetSchema) }),
);

/** Whose swap journal and progress the loads in place are, beside those of the run itself. */
export function inPlaceRun(runId: string): string {
  return `${runId}-in-place`;
}

/** Says whether a restored name is one of these. */
export function isAmong(targets: readonly InPlaceTarget[]): (namespace: string) => boolean {
  const names = new Set(targets.map(({ database, name }) => `${database}.${name}`));
  return (namespace) => names.has(namespace);
}

/** The time series among what was chosen that live under their names, when they may be replaced. */
export async function findInPlace(
  client: MongoClient,
  ref: OperationRef,
  collections: readonly ChosenCollection[],
): Promise<InPlaceTarget[]> {
  if (requestOf(ref).inPlace !== true) return [];
  const live = await listServer(client);
  const targets: InPlaceTarget[] = [];
  for (const { database, name, metadata, source } of collections) {
    const found = live.find((one) => one.database === database && one.name === name);
    if (found?.type !== 'timeseries' || parseMetadata(metadata, source).type !== 'timeseries') {
      continue;
    }
    const buckets = await bucketsOf(client, database, name);
    if (buckets !== undefined) targets.push({ database, name, uuid: buckets.uuid });
  }
  return targets;
}

/**
 * Tries what can be tried before a time series is dropped: mongod takes its options, and the window
 * holds nothing of it but its documents.
 *
 * @param source of what is loaded in place, and nothing else
 * @throws HoldfastError HF-LOAD-004, HF-REPLAY-001, HF-MONGO-001, -004, -005; the signal's reason
 */
export async function rehearseInPlace(
  client: MongoClient,
  source: StageSource,
  signal: AbortSignal,
): Promise<void> {
  const plan = planStages(source.collections, await listServer(client));
  for (const series of plan.collections) {
    signal.throwIfAborted();
    await rehearseSeries(client, series);
  }
  const { oplog } = source;
  if (oplog === undefined) return;
  const unfolder = new OplogUnfolder();
  for await (const group of rawDocuments(oplog.read(signal))) {
    signal.throwIfAborted();
    for (const operation of group.flatMap((raw) => unfolder.unfold(raw))) {
      if (operation.op !== 'c') continue;
      const { namespace, o, position } = operation;
      const { command, target } = commandOf(o);
      const { database } = splitNamespace(namespace);
      const series = seriesOf(`${database}.${target}`);
      const isOfSeries = target.startsWith(bucketsPrefix) && isTarget(oplog.names, series);
      if (!isOfSeries || harmless.includes(command)) continue;
      throw notReplayable(
        position,
        command,
        `the time series ${series} was not only written to, so it cannot be loaded in place`,
      );
    }
  }
}

/** Said of a time series while it lives on. */
const harmless = ['startIndexBuild', 'abortIndexBuild', 'setMultikeyMetadata'];

function isTarget(names: NamespaceMap, source: string): boolean {
  return names.target(source) !== undefined;
}
