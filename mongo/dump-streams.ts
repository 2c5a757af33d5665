import pLimit from 'p-limit';
import type { MongoClient } from 'mongodb';
import { mergedSignal } from '../core/merged-signal';
import { listCollections } from './collections';
import { oplogStream, type DumpBinding, type DumpOptions } from './dump-contract';
import type { DumpResume, DumpSink, ScanPosition } from './dump-contract';
import { dumpStream, streamName, type StreamTotals } from './dump-stream';
import { changedCollections, rejectUnexplained, type ListingChange } from './listing-check';
import { readLastWrite, type OpTime } from './oplog-window';
import { tailOplog, tailResult, type TailResult } from './oplog-tail';
import { WireConnections } from './wire-connections';

const defaultBatchBytes = 4 * 1024 * 1024;
const nothing: StreamTotals = { documents: 0, bytes: 0 };

/** One attempt at all streams of a dump. */
export interface StreamsRequest {
  readonly client: MongoClient;
  readonly sink: DumpSink;
  readonly options: DumpOptions;
  readonly resume: DumpResume | undefined;
  readonly binding: DumpBinding;
}

/** What came out of them: documents and bytes by stream, and the window. */
export interface StreamsResult {
  readonly totals: ReadonlyMap<string, StreamTotals>;
  readonly window: TailResult;
}

/** What the scans say once the last cursor is closed. */
interface ScansEnd {
  /** The window must reach this. */
  readonly end: OpTime;
  /** How the listing differs from the one the dump began with. */
  readonly changed: ListingChange;
}

/**
 * Scans all collections of a binding, longest first, while the oplog is tailed, and ends the tail
 * when the last cursor is closed. The first failure stops everything.
 *
 * @throws DumpVoidError when the dump has to start again; otherwise as `dumpServer`
 */
export async function readStreams(request: StreamsRequest): Promise<StreamsResult> {
  const { options, resume, binding } = request;
  const totals = new Map<string, StreamTotals>();
  const totalBytes = binding.collections.reduce((sum, { size }) => sum + size.bytes, 0);
  const note = (stream: string, { documents, bytes }: StreamTotals): void => {
    totals.set(stream, { documents, bytes });
    const current = stream === oplogStream ? {} : { current: stream };
    options.onProgress?.({ ...sumOf(totals), totalBytes, ...current });
  };
  const stop = new AbortController();
  const signal = mergedSignal(
    stop.signal,
    ...(options.signal === undefined ? [] : [options.signal]),
  );
  const scans = failing(scanCollections(request, stop, signal, note), stop);
  // The oplog is finished last: where it is done nothing is left to read.
  const held = resume?.streams.get(oplogStream);
  const last = held?.positions.at(-1);
  const tail =
    held?.done === true && last !== undefined
      ? finishedWindow(last, note)
      : failing(writeOplog(request, scans, last, signal, note), stop);
  const [, tailed] = await Promise.allSettled([scans, tail]);
  options.signal?.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
  if (tailed.status === 'rejected') throw tailed.reason;
  return { totals, window: tailed.value };
}

type Note = (stream: string, totals: StreamTotals) => void;

async function scanCollections(
  { client, sink, options, resume, binding }: StreamsRequest,
  stop: AbortController,
  signal: AbortSignal,
  note: Note,
): Promise<ScansEnd> {
  const batchBytes = options.batchBytes ?? defaultBatchBytes;
  const limit = pLimit(options.parallel ?? 2);
  const longestFirst = binding.collections
    .filter(({ type }) => type !== 'view')
    .toSorted((a, b) => b.size.bytes - a.size.bytes);
  const connections = new WireConnections(client, signal);
  const member = { client, connections };
  try {
    const scans = longestFirst.map((collection) =>
      limit(() => {
        signal.throwIfAborted();
        const stream = streamName(collection);
        const held = resume?.streams.get(stream);
        const onTotals = (totals: StreamTotals): void => note(stream, totals);
        const request = { collection, resume: held, batchBytes, onTotals };
        return failing(dumpStream(member, sink, request), stop);
      }),
    );
    // A scan that were still writing could write into the sink's next beginning.
    await Promise.allSettled(scans);
    await Promise.all(scans);
  } finally {
    connections.close();
  }
  const changed = changedCollections(binding.collections, await listCollections(client));
  const { last, majority } = await readLastWrite(client);
  // The listing may be ahead of the majority: what it shows must then be in the window as well.
  const end = changed.gone.length + changed.made.length > 0 ? last : majority;
  return { end, changed };
}

function finishedWindow(last: ScanPosition, note: Note): Promise<TailResult> {
  note(oplogStream, last);
  return Promise.resolve(tailResult(Buffer.from(last.token, 'base64')));
}

async function writeOplog(
  { client, sink, options, binding }: StreamsRequest,
  scans: Promise<ScansEnd>,
  held: ScanPosition | undefined,
  signal: AbortSignal,
  note: Note,
): Promise<TailResult> {
  let { documents, bytes } = held ?? nothing;
  note(oplogStream, { documents, bytes });
  const result = await tailOplog(
    client,
    {
      start: binding.windowStart,
      ...(held === undefined ? {} : { after: Buffer.from(held.token, 'base64') }),
      end: scans.then(({ end }) => end),
      node: binding.node,
      batchBytes: options.batchBytes ?? defaultBatchBytes,
      signal,
    },
    async (batch) => {
      documents += batch.entries;
      bytes += batch.bytes.length;
      const position = { token: batch.token.toString('base64'), documents, bytes };
      await sink.write(oplogStream, batch.bytes, batch.entries, position);
      note(oplogStream, position);
    },
  );
  const { changed } = await scans;
  rejectUnexplained(changed, result.changes);
  await sink.finish(oplogStream);
  return result;
}

/** Stops everything else with the first failure as reason. */
async function failing<T>(work: Promise<T>, stop: AbortController): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!stop.signal.aborted) stop.abort(error);
    throw error;
  }
}

function sumOf(totals: ReadonlyMap<string, StreamTotals>): StreamTotals & { oplogEntries: number } {
  let documents = 0;
  let bytes = 0;
  for (const [stream, total] of totals) {
    if (stream === oplogStream) continue;
    documents += total.documents;
    bytes += total.bytes;
  }
  return { documents, bytes, oplogEntries: totals.get(oplogStream)?.documents ?? 0 };
}
