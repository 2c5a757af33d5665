import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenBucket } from '../../core/byte-budget';
import { describeStorage } from '../../storage/conformance';
import { bytesOf, codeOf, pattern, sourceOf } from '../../storage/conformance-kit';
import { manifestName, type BackupStorage } from '../../storage/contract';
import { faultyStorage, type PlannedFault } from '../../storage/faulty-storage';
import { openFileStorage } from '../../storage/file-storage';
import { meterStorage } from '../../storage/metered-storage';
import { readOnlyStorage } from '../../storage/read-only-storage';
import { throttleStorage } from '../../storage/throttled-storage';

async function files(wrap: (storage: BackupStorage) => BackupStorage) {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-storage-'));
  const open = () => openFileStorage({ name: 'one', path, progressBytes: 1024 * 1024 });
  const dispose = () => rm(path, { recursive: true });
  return { storage: wrap(open()), other: wrap(open()), inner: open(), dispose };
}

const noMeter = { call: () => undefined, bytes: () => undefined };
const fast = new TokenBucket(1e12, {
  now: () => performance.now(),
  sleep: () => Promise.resolve(),
});
describeStorage('wrapped', () =>
  files(
    (storage) =>
      faultyStorage(
        meterStorage(throttleStorage(storage, { read: fast, write: fast }), noMeter, () => 0),
        [],
      ).storage,
  ),
);

describe('a storage that is wrapped', () => {
  it('for reading only refuses every change', async () => {
    const { storage, inner, dispose } = await files(readOnlyStorage);
    const handle = await inner.startBackup('d', 'b', 'run');
    await handle.putFile('a', Buffer.from('x'));
    for (const call of [
      storage.startBackup('d', 'c', 'run'),
      storage.resumeBackup('d', 'b', 'run'),
      storage.abortBackup('d', 'b', 'run'),
      storage.removeBackup('d', 'b'),
      storage.sweep('d', Date.now()),
    ]) {
      expect(await codeOf(call)).toBe('HF-STORAGE-004');
    }
    const reader = await storage.openBackup('d', 'b');
    expect((await bytesOf(await reader.readFile('a'))).toString()).toBe('x');
    await dispose();
  });

  it('in a budget pays for every byte in both directions', async () => {
    let time = 0;
    const clock = { now: () => time, sleep: async (ms: number) => void (time += ms) };
    const budget = () => new TokenBucket(1_000_000, clock);
    const { storage, dispose } = await files((inner) =>
      throttleStorage(inner, { read: budget(), write: budget() }),
    );
    const handle = await storage.startBackup('d', 'b', 'run');
    await handle.uploadFile('a', sourceOf(pattern(3_000_000)), { attempt: 1 });
    expect(time).toBeGreaterThan(2_800);
    await bytesOf(await handle.readFile('a'));
    expect(time).toBeGreaterThan(5_600);
    await dispose();
  });

  it('with a meter counts calls, failures and bytes', async () => {
    const calls: string[] = [];
    const bytes = { read: 0, written: 0 };
    const meter = {
      call: (operation: string, _milliseconds: number, error?: unknown) =>
        void calls.push(error === undefined ? operation : `${operation} failed`),
      bytes: (direction: 'read' | 'written', count: number) => void (bytes[direction] += count),
    };
    const { storage, dispose } = await files((inner) => meterStorage(inner, meter, () => 0));
    const handle = await storage.startBackup('d', 'b', 'run');
    await handle.putFile('a', Buffer.from('12345'));
    await bytesOf(await handle.readFile('a', { start: 1, end: 4 }));
    await codeOf(handle.readFile('b'));
    expect(calls).toEqual(['startBackup', 'putFile', 'readFile', 'readFile failed']);
    expect(bytes).toEqual({ read: 3, written: 5 });
    await dispose();
  });
});

/** A backup as a step takes it: each call tried again three times, the content proven before the commit. */
async function backUp(storage: BackupStorage, content: Buffer): Promise<void> {
  const again = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        if (tries === 3) throw error;
      }
    }
  };
  await again(() => storage.startBackup('d', 'b', 'run'));
  const handle = await again(() => storage.resumeBackup('d', 'b', 'run'));
  let attempt = 0;
  await again(() => handle.uploadFile('a', sourceOf(content), { attempt: (attempt += 1) }));
  await again(async () => {
    const read = await bytesOf(await handle.readFile('a'));
    if (!read.equals(content)) throw new Error('the content differs');
  });
  await again(() => handle.putFile(manifestName, Buffer.from('{}'), { ifAbsent: true }));
}

describe('a backup to a storage with faults', () => {
  const error = new Error('as planned');
  const content = pattern(2_000_000);
  const operations = ['startBackup', 'resumeBackup', 'uploadFile', 'readFile', 'putFile'] as const;
  const once: PlannedFault[] = operations.flatMap((operation) => [
    { operation, times: 1, fault: { kind: 'error', error } },
    { operation, times: 1, fault: { kind: 'answer lost', error } },
    { operation, times: 1, fault: { kind: 'slow', wait: () => Promise.resolve() } },
  ]);
  const reads: PlannedFault[] = [
    { operation: 'readFile', times: 1, fault: { kind: 'short read', bytes: 1_000 } },
    { operation: 'readFile', times: 1, fault: { kind: 'wrong byte', at: 777_777 } },
  ];
  const title = ({ operation, fault }: PlannedFault) => `${fault.kind} at ${operation}`;

  it.each([...once, ...reads].map((planned) => [title(planned), planned] as const))(
    'completes identical after %s, once',
    async (_title, planned) => {
      const { inner, dispose } = await files((storage) => storage);
      const faulty = faultyStorage(inner, [planned]);
      await backUp(faulty.storage, content);
      expect(faulty.struck()).toBe(1);
      const [scanned] = await inner.scan('d');
      expect(scanned?.files.map(({ name }) => name)).toEqual([manifestName, 'a']);
      const reader = await inner.openBackup('d', 'b');
      expect((await bytesOf(await reader.readFile('a'))).equals(content)).toBe(true);
      await dispose();
    },
  );

  it.each(
    [...once, ...reads]
      .filter(({ fault }) => fault.kind !== 'slow' && fault.kind !== 'answer lost')
      .map((planned) => [title(planned), planned] as const),
  )(
    'is never listed as complete while %s goes on for ever',
    async (_title, { operation, fault }) => {
      const { inner, dispose } = await files((storage) => storage);
      const faulty = faultyStorage(inner, [{ operation, fault }]);
      await expect(backUp(faulty.storage, content)).rejects.toThrow();
      const complete = (await inner.scan('d')).filter(({ files: found }) =>
        found.some(({ name }) => name === manifestName),
      );
      expect(complete).toEqual([]);
      await inner.abortBackup('d', 'b', 'run');
      expect(await inner.scan('d')).toEqual([]);
      await dispose();
    },
  );
});
