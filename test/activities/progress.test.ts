import { Progress } from '../../activities/progress';
import type { HeartbeatDetail } from '../../core/messages';

/** A progress whose clock and timer the test moves. */
function watched(phase = 'dumping') {
  const beats: HeartbeatDetail[] = [];
  const progress = new Progress(
    { heartbeat: (detail) => void beats.push(detail), interval: 1_000, now: () => Date.now() },
    phase,
    'bytes',
  );
  return { progress, beats };
}

beforeEach(() => {
  jest.useFakeTimers({ now: 1_700_000_000_000 });
});

afterEach(() => {
  jest.useRealTimers();
});

test('a step beats when it begins, and then only while it advances', () => {
  const { progress, beats } = watched();
  expect(beats).toHaveLength(1);
  jest.advanceTimersByTime(10_000);
  expect(beats).toHaveLength(1);
  progress.advance(10);
  jest.advanceTimersByTime(1_000);
  expect(beats).toHaveLength(2);
  jest.advanceTimersByTime(10_000);
  expect(beats).toHaveLength(2);
  progress.stop();
});

test('a beat carries all that is known: phase, done, total, unit, rate, time and what is at work', () => {
  const { progress, beats } = watched();
  progress.expect(400);
  progress.advance(100, 'juju.units');
  jest.advanceTimersByTime(1_000);
  expect(beats.at(-1)).toEqual({
    v: 1,
    phase: 'dumping',
    done: 100,
    total: 400,
    unit: 'bytes',
    rate: 100,
    at: 1_700_000_001_000,
    current: 'juju.units',
  });
  progress.add(200);
  jest.advanceTimersByTime(1_000);
  expect(beats.at(-1)).toMatchObject({ done: 300, rate: 150, current: 'juju.units' });
  progress.stop();
});

test('many small advances make one beat an interval', () => {
  const { progress, beats } = watched();
  for (let count = 0; count < 1_000; count += 1) progress.add(1);
  jest.advanceTimersByTime(1_000);
  expect(beats).toHaveLength(2);
  expect(beats.at(-1)).toMatchObject({ done: 1_000 });
  progress.stop();
});

test('one long call counts as alive until it ends', async () => {
  const { progress, beats } = watched();
  let end = (): void => undefined;
  const call = progress.during(new Promise<void>((resolve) => (end = resolve)));
  jest.advanceTimersByTime(5_000);
  expect(beats).toHaveLength(6);
  end();
  await call;
  jest.advanceTimersByTime(1_000);
  expect(beats).toHaveLength(7);
  jest.advanceTimersByTime(5_000);
  expect(beats).toHaveLength(7);
  progress.stop();
});

test('a long call that fails does not count as alive for ever', async () => {
  const { progress, beats } = watched();
  await expect(progress.during(Promise.reject(new Error('no')))).rejects.toThrow('no');
  jest.advanceTimersByTime(10_000);
  expect(beats).toHaveLength(2);
  progress.stop();
});

test('a phase inside a step counts anew, with its own unit and total', () => {
  const { progress, beats } = watched();
  progress.advance(500, 'juju.units');
  jest.advanceTimersByTime(1_000);
  progress.phase('replaying', 'entries', 20);
  progress.advance(5);
  jest.advanceTimersByTime(1_000);
  expect(beats.at(-1)).toEqual({
    v: 1,
    phase: 'replaying',
    done: 5,
    total: 20,
    unit: 'entries',
    rate: 5,
    at: 1_700_000_002_000,
  });
  progress.stop();
});

test('a step that has stopped beats no more', () => {
  const { progress, beats } = watched();
  progress.advance(1);
  progress.stop();
  jest.advanceTimersByTime(10_000);
  expect(beats).toHaveLength(1);
});
