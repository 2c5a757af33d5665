import { randomBytes } from 'node:crypto';
import { StepBudget } from '../../activities/pace';
import { pacedSink } from '../../activities/backup/paced-sink';
import { Progress } from '../../activities/progress';
import type { HeartbeatDetail } from '../../core/messages';
import { unlimited } from '../../core/byte-budget';
import { dumpServer } from '../../mongo/dump';
import { rateBudget } from '../../worker/host-pace';
import { MemorySink } from '../mongo/memory-sink';
import { startReplicaSet, type TestReplicaSet } from '../mongo/replica-set';

const limit = 2 * 1024 * 1024;
const collections = 3;
const documents = 16;
const filler = 128 * 1024;

let set: TestReplicaSet;
let progress: Progress;
let beats: HeartbeatDetail[];

beforeAll(async () => {
  set = await startReplicaSet({ version: '6.0' });
  const client = await set.client();
  for (let at = 0; at < collections; at++) {
    const rows = Array.from({ length: documents }, () => ({ filler: randomBytes(filler) }));
    await client.db('models').collection(`c${at}`).insertMany(rows);
  }
});
afterAll(() => set.stop());

beforeEach(() => {
  beats = [];
  progress = new Progress(
    { heartbeat: (detail) => void beats.push(detail), interval: 100, now: () => Date.now() },
    'dumping',
    'bytes',
  );
});
afterEach(() => progress.stop());

async function dump(
  budget: StepBudget,
  signal: AbortSignal,
  onBytes: (bytes: number) => void = (bytes) => progress.advance(bytes),
): Promise<{ ms: number; sum: number }> {
  const sink = new MemorySink();
  const began = performance.now();
  const result = await dumpServer(await set.direct(), pacedSink(sink, budget), {
    batchBytes: budget.piece(4),
    signal,
    onProgress: ({ bytes }) => onBytes(bytes),
  });
  const ms = performance.now() - began;
  const sum = result.collections.reduce((all, { bytes }) => all + bytes, 0);
  expect(sink.bytes('models.c0').length).toBeGreaterThan(documents * filler);
  return { ms, sum };
}

test('a dump with a limit takes as long as its bytes need at that rate, and beats meanwhile', async () => {
  const { signal } = new AbortController();
  const free = await dump(new StepBudget(unlimited, progress, signal), signal);
  progress.phase('dumping', 'bytes');
  beats.splice(0);
  const { ms, sum } = await dump(new StepBudget(rateBudget(limit), progress, signal), signal);
  const least = (sum * 1_000) / limit;
  expect(sum).toBe(free.sum);
  expect(free.ms).toBeLessThan(least / 2);
  expect(ms).toBeGreaterThan(least * 0.95);
  expect(ms).toBeLessThan(least * 1.1 + 500 + free.ms);
  expect(beats.length).toBeGreaterThan((ms / 100) * 0.7);
  const gaps = beats.slice(1).map(({ at }, index) => at - (beats[index]?.at ?? at));
  expect(Math.max(...gaps)).toBeLessThan(1_000);
  const rates = beats.slice(5).map(({ rate }) => rate);
  expect(Math.max(...rates)).toBeLessThan(limit * 1.25);
  expect(rates.at(-1)).toBeGreaterThan(limit * 0.75);
}, 120_000);

test('an abort ends the wait for a share at once, and the dump with its reason', async () => {
  const stop = new AbortController();
  const budget = new StepBudget(rateBudget(64 * 1024), progress, stop.signal);
  const cancelled = new Error('cancelled');
  let aborted = 0;
  const dumping = dump(budget, stop.signal, (bytes) => {
    // The streams wait for minutes by then.
    if (bytes === 0 || aborted > 0) return;
    aborted = performance.now();
    stop.abort(cancelled);
  });
  await expect(dumping).rejects.toBe(cancelled);
  expect(performance.now() - aborted).toBeLessThan(1_500);
});

test('a stream is passed on in small pieces at the rate, and the step beats while it waits', async () => {
  const { signal } = new AbortController();
  const rate = 256 * 1024;
  const budget = new StepBudget(rateBudget(rate), progress, signal);
  const content = randomBytes(rate);
  async function* whole(): AsyncGenerator<Buffer> {
    yield content;
  }
  const pieces: Buffer[] = [];
  const began = performance.now();
  for await (const piece of budget.through(whole())) pieces.push(piece);
  const ms = performance.now() - began;
  expect(Buffer.concat(pieces).equals(content)).toBe(true);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(rate / 4);
  expect(ms).toBeGreaterThan(900);
  expect(ms).toBeLessThan(1_400);
  expect(beats.length).toBeGreaterThan(6);
});
