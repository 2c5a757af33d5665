import { HoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import { bsonType } from './bson-frames';
import { parseMetadata } from './metadata-parse';
import { bucketsPrefix, namespaceProblem } from './namespaces';
import { plannedIndexes, type PlannedIndex } from './planned-index';
import { mapElements } from './raw-document';

/** A collection of a dump: its metadata.json and what its .bson holds. */
export interface DumpedCollection {
  readonly database: string;
  readonly name: string;
  /** Text of its metadata.json: one document of canonical Extended JSON. */
  readonly metadata: string;
  /** Documents in its .bson; 0 for a view. */
  readonly documents: number;
  /** Bytes of its .bson; 0 for a view. */
  readonly bytes: number;
}

/** What a server's listing must tell about a collection. */
export interface ListedCollection {
  readonly database: string;
  readonly name: string;
  readonly type: 'collection' | 'view' | 'timeseries';
}

/**
 * A collection that is loaded beside the live one: `hf-stage.<n>` in the same database. A time series
 * is only loaded where there is none: as buckets that nobody sees before the swap.
 */
export interface StagedCollection {
  readonly n: number;
  readonly database: string;
  readonly name: string;
  /** `hf-stage.<n>`, its name until the swap; of a time series its buckets, under their last name. */
  readonly stage: string;
  /** A time series: mongod can rename neither it nor its buckets. */
  readonly series: boolean;
  /** Documents and bytes of its .bson; 0 for one that was created in the oplog window. */
  readonly documents: number;
  readonly bytes: number;
  /** Options for `create`: raw BSON in base64, as listCollections gave them, less what mongod doesn't take back. */
  readonly options: string;
  /** Specification of its `_id` index for `create` (raw BSON in base64); null lets mongod choose. */
  readonly idIndex: string | null;
  readonly capped: boolean;
  /** Seconds after which a clustered collection drops documents: a raw element, set after the swap; null for none. */
  readonly ttl: string | null;
  /** Indexes to build after the load, without the one on `_id` that comes with the collection. */
  readonly indexes: readonly PlannedIndex[];
  /** It was created by an entry of the oplog window, not by the dump. */
  readonly fromWindow: boolean;
  /** An entry of the oplog window dropped it: it stays behind as a stage and is never swapped in. */
  readonly dropped: boolean;
}

/** A view as the restored server will have it. */
export interface StagedView {
  readonly database: string;
  readonly name: string;
  /** `{viewOn, pipeline, collation?}`: raw BSON in base64. */
  readonly definition: string;
}

/** Everything that a restore makes in a server before the swap. JSON: it survives a process. */
export interface StagePlan {
  readonly v: 1;
  /** Smallest number that no stage of this plan and nothing on the server has. */
  readonly nextNumber: number;
  readonly collections: readonly StagedCollection[];
  readonly views: readonly StagedView[];
}

export const stagePattern = /^hf-stage\.(\d+)$/;
export const oldPattern = /^hf-old\.(\d+)$/;

/** Name of a collection that is being restored, until the swap. */
export function stageName(n: number): string {
  return `hf-stage.${n}`;
}

/** Name of a collection that the swap put aside. */
export function oldName(n: number): string {
  return `hf-old.${n}`;
}

/** Raw BSON kept in a plan. */
export function fromPlan(base64: string): Buffer {
  return Buffer.from(base64, 'base64');
}

/** Options that `create` doesn't take back, or that are set later: `autoIndexId: false` is none any more. */
const notForCreate = ['autoIndexId', 'recordIdsReplicated', 'uuid', 'temp', 'idIndex'];

/** Raw options as `create` takes them, and the seconds of a clustered collection that are set later. */
export function createOptions(raw: Buffer): {
  options: Buffer;
  ttl: Buffer | undefined;
  capped: boolean;
  clustered: boolean;
} {
  let ttl: Buffer | undefined;
  let capped = false;
  let clustered = false;
  const options = mapElements(raw, ({ name, type, valueStart }, bytes) => {
    if (notForCreate.includes(name)) return undefined;
    if (name === 'expireAfterSeconds') {
      ttl = Buffer.from(bytes);
      return undefined;
    }
    if (name === 'capped') capped = type !== bsonType.boolean || raw[valueStart] === 1;
    if (name === 'clusteredIndex') clustered = true;
    return bytes;
  });
  return { options, ttl, capped, clustered };
}

function firstFreeNumber(live: readonly ListedCollection[]): number {
  const used = live.map(({ name }) => {
    const match = stagePattern.exec(name) ?? oldPattern.exec(name);
    return Number(match?.[1] ?? 0);
  });
  return Math.max(0, ...used) + 1;
}

/** What stands in the way of a whole restore: time series that it can't put aside, one a line. */
function seriesProblems(
  dumped: readonly DumpedCollection[],
  live: readonly ListedCollection[],
): string[] {
  const problems: string[] = [];
  for (const { database, name, type } of live) {
    // A probe that a killed attempt left is gone before the load begins.
    if (type !== 'timeseries' || stagePattern.test(name)) continue;
    const namespace = quoteName(`${database}.${name}`);
    problems.push(
      `${namespace} is a time series, which mongod cannot rename, so it cannot be put aside: restore it alone (--only ${namespace} --in-place), or drop it; a whole restore loads one that is not there`,
    );
  }
  for (const { database, name, metadata } of dumped) {
    const other = live.some(
      (one) => one.database === database && one.name === name && one.type !== 'timeseries',
    );
    if (!other || parseMetadata(metadata, `${database}.${name}`).type !== 'timeseries') continue;
    problems.push(
      `${quoteName(`${database}.${name}`)} is a time series in the backup and none here: drop what has its name`,
    );
  }
  return problems;
}

/** @throws HoldfastError HF-ARCHIVE-002 for a name that no restore may make, or that is there twice */
function refuseIllegalNames(dumped: readonly DumpedCollection[]): void {
  const names = new Set<string>();
  for (const { database, name } of dumped) {
    const entry = `${database}.${name}`;
    const problem = names.has(entry) ? 'it is there twice' : namespaceProblem(database, name);
    names.add(entry);
    if (problem === undefined) continue;
    throw new HoldfastError('HF-ARCHIVE-002', {
      archive: 'the dump',
      entry: quoteName(entry),
      reason: problem,
    });
  }
}

/**
 * Plans where each collection of a dump is loaded and what it must look like: numbers, options,
 * `_id` index, indexes. Collections get numbers that nothing on the server uses, `system.js` is one
 * like any other, views stand apart because they are made at the swap.
 *
 * @param live everything on the server, excluded and `hf-` names included
 * @throws HoldfastError HF-PREFLIGHT-001 for a time series on the server, HF-ARCHIVE-001 for metadata that
 * can't be read, HF-ARCHIVE-002 for a namespace that is illegal, that Holdfast never touches, or that is
 * there twice
 */
export function makeStagePlan(
  dumped: readonly DumpedCollection[],
  live: readonly ListedCollection[],
): StagePlan {
  const problems = seriesProblems(dumped, live);
  if (problems.length > 0) {
    throw new HoldfastError('HF-PREFLIGHT-001', { problems: problems.join('\n') });
  }
  return planStages(dumped, live);
}

/**
 * As makeStagePlan, for collections that are restored beside everything else on the server.
 *
 * @param dumped under the names they are to have
 * @throws HoldfastError HF-ARCHIVE-001 for metadata that can't be read, HF-ARCHIVE-002 for a namespace
 * that is illegal, or there twice
 */
export function planStages(
  dumped: readonly DumpedCollection[],
  live: readonly ListedCollection[],
): StagePlan {
  refuseIllegalNames(dumped);
  let n = firstFreeNumber(live);
  const collections: StagedCollection[] = [];
  const views: StagedView[] = [];
  for (const { database, name, metadata, documents, bytes } of dumped) {
    const parsed = parseMetadata(metadata, `${database}.${name}`);
    const series = parsed.type === 'timeseries';
    if (parsed.type === 'view') {
      views.push({ database, name, definition: parsed.options.toString('base64') });
      continue;
    }
    const { options, ttl, capped, clustered } = createOptions(parsed.options);
    const { idIndex, indexes } = plannedIndexes(parsed.indexes, parsed.options);
    collections.push({
      n,
      database,
      name,
      stage: series ? `${bucketsPrefix}${name}` : stageName(n),
      series,
      documents,
      bytes,
      options: options.toString('base64'),
      idIndex: clustered || series ? null : (idIndex?.toString('base64') ?? null),
      capped,
      ttl: ttl?.toString('base64') ?? null,
      indexes,
      fromWindow: false,
      dropped: false,
    });
    n++;
  }
  return { v: 1, nextNumber: n, collections, views };
}
