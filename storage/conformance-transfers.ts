import {
  addWhole,
  bytesOf,
  codeOf,
  directory,
  first,
  pattern,
  sourceOf,
  text,
  type Behaves,
  type Expectation,
} from './conformance-kit';
import type { UploadState } from './contract';

declare const describe: (title: string, body: () => void) => void;
declare const expect: (value: unknown) => Expectation;

const mebibyte = 1024 * 1024;

/** Bytes in both directions. */
export function describeTransfers(name: string, behaves: Behaves): void {
  describe(`${name} storage: bytes in both directions`, () => {
    behaves('an empty file is a file', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await addWhole(handle, 'a', new Uint8Array());
      expect((await handle.listFiles()).map(({ size }) => size)).toEqual([0]);
      expect((await bytesOf(await handle.readFile('a'))).length).toBe(0);
    });

    behaves('a file of many MiB comes back as it was', async (storage, other) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const content = pattern(13 * mebibyte + 17);
      const writer = await handle.addFile('a');
      for (let at = 0; at < content.length; at += 700_001) {
        await writer.write(content.subarray(at, at + 700_001));
      }
      expect((await writer.close()).size).toBe(content.length);
      const reader = await other.openBackup(directory, first);
      expect((await bytesOf(await reader.readFile('a'))).equals(content)).toBe(true);
    });

    behaves('writes of one byte and of none add up', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const writer = await handle.addFile('a');
      for (const byte of 'one by one') {
        await writer.write(text(byte));
        await writer.write(new Uint8Array());
      }
      await writer.close();
      expect((await bytesOf(await handle.readFile('a'))).toString()).toBe('one by one');
    });

    behaves('a writer takes its bytes at once: the buffer may be used again', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const writer = await handle.addFile('a');
      const buffer = new Uint8Array(1000).fill(1);
      await writer.write(buffer);
      buffer.fill(2);
      await writer.write(buffer);
      await writer.close();
      const read = await bytesOf(await handle.readFile('a'));
      expect([read[0], read[999], read[1000]]).toEqual([1, 1, 2]);
    });

    behaves('a size that was announced wrongly does no harm', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      for (const size of [0, 1, 20 * mebibyte]) {
        const writer = await handle.addFile('a', size);
        await writer.write(pattern(10_000));
        expect((await writer.close()).size).toBe(10_000);
      }
    });

    behaves('a file that is being replaced reads as before until the end', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await addWhole(handle, 'a', text('before'));
      const writer = await handle.addFile('a');
      await writer.write(text('after'));
      expect((await bytesOf(await handle.readFile('a'))).toString()).toBe('before');
      await writer.close();
      expect((await bytesOf(await handle.readFile('a'))).toString()).toBe('after');
    });

    behaves('thirty ranges anywhere in a file are its bytes', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const content = pattern(1_500_007);
      await addWhole(handle, 'a', content);
      for (let round = 0; round < 30; round += 1) {
        const start = (round * 7_654_321) % content.length;
        const end = Math.min(content.length, start + 1 + ((round * 99_991) % 400_000));
        const read = await bytesOf(await handle.readFile('a', { start, end }));
        expect(read.equals(content.subarray(start, end))).toBe(true);
      }
    });

    behaves('a range that begins behind the end is reported as lost bytes', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('a', text('12345'));
      const read = async () => bytesOf(await handle.readFile('a', { start: 7, end: 9 }));
      expect(await codeOf(read())).toBe('HF-STORAGE-009');
    });

    behaves('what is no range is refused', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('a', text('12345'));
      for (const range of [
        { start: 3, end: 1 },
        { start: -1, end: 2 },
        { start: Number.NaN, end: 2 },
      ]) {
        expect(await codeOf(handle.readFile('a', range))).toBe('HF-STORAGE-006');
      }
    });

    behaves('a stream that nobody reads to its end does no harm', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const content = pattern(3 * mebibyte);
      await addWhole(handle, 'a', content);
      for await (const chunk of await handle.readFile('a')) {
        void chunk;
        break;
      }
      expect((await bytesOf(await handle.readFile('a'))).equals(content)).toBe(true);
    });

    behaves('a signal ends a stream in the middle', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await addWhole(handle, 'a', pattern(9 * mebibyte));
      const abort = new AbortController();
      const stream = await handle.readFile('a', undefined, { signal: abort.signal });
      const drain = async (): Promise<void> => {
        for await (const chunk of stream) if (chunk !== undefined) abort.abort();
      };
      expect((await codeOf(drain())).includes('Abort')).toBe(true);
    });

    behaves('a signal ends a writer in the middle, and nothing is seen of it', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const abort = new AbortController();
      const writer = await handle.addFile('a', undefined, { signal: abort.signal });
      await writer.write(pattern(100_000));
      abort.abort();
      expect((await codeOf(writer.close())).includes('Abort')).toBe(true);
      await writer.abort();
      expect(await handle.listFiles()).toEqual([]);
    });
  });

  describe(`${name} storage: uploads that are interrupted`, () => {
    behaves('one goes on from what was acknowledged', async (storage, other) => {
      const content = pattern(17 * mebibyte + 5);
      const handle = await storage.startBackup(directory, first, 'run');
      const abort = new AbortController();
      let state: UploadState | undefined;
      const upload = handle.uploadFile('a', sourceOf(content), {
        attempt: 1,
        signal: abort.signal,
        onProgress: async (told) => {
          state = told;
          if (told.acknowledged > 0) abort.abort();
        },
      });
      expect((await codeOf(upload)).includes('Abort')).toBe(true);
      expect(await handle.listFiles()).toEqual([]);
      const reads: number[] = [];
      const resumed = await other.resumeBackup(directory, first, 'run');
      const told: number[] = [];
      const resume = state ?? raise();
      const stored = await resumed.uploadFile('a', sourceOf(content, reads), {
        attempt: 2,
        resume,
        onProgress: async ({ acknowledged }) => void told.push(acknowledged),
      });
      expect(stored.size).toBe(content.length);
      // None at all where everything had arrived.
      expect(reads.length <= 1).toBe(true);
      expect((reads[0] ?? content.length) >= resume.acknowledged).toBe(true);
      expect(told.every((bytes) => bytes >= resume.acknowledged)).toBe(true);
      expect((await bytesOf(await resumed.readFile('a'))).equals(content)).toBe(true);
    });

    behaves('one that a newer attempt overtook stops and changes nothing', async (one, other) => {
      const content = pattern(17 * mebibyte);
      const handle = await one.startBackup(directory, first, 'run');
      const newer = await other.resumeBackup(directory, first, 'run');
      let overtaken = false;
      const slow = handle.uploadFile('a', sourceOf(content), {
        attempt: 1,
        onProgress: async (state) => {
          if (overtaken || state.acknowledged === 0) return;
          overtaken = true;
          await newer.uploadFile('a', sourceOf(content), { attempt: 2, resume: state });
        },
      });
      expect(await codeOf(slow)).toBe('HF-FENCE-001');
      expect((await bytesOf(await newer.readFile('a'))).equals(content)).toBe(true);
      expect((await newer.listFiles()).map((file) => file.name)).toEqual(['a']);
    });

    behaves('one replaces a file that is there, whole or not at all', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await addWhole(handle, 'a', text('before'));
      const failing = { ...sourceOf(pattern(10)), size: 20 };
      expect(await codeOf(handle.uploadFile('a', failing, { attempt: 1 }))).toBe('HF-STORAGE-006');
      expect((await bytesOf(await handle.readFile('a'))).toString()).toBe('before');
      await handle.uploadFile('a', sourceOf(pattern(20)), { attempt: 2 });
      expect((await bytesOf(await handle.readFile('a'))).equals(pattern(20))).toBe(true);
    });

    behaves('a source that is longer than it said stores nothing', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const long = { ...sourceOf(pattern(9000)), size: 8000 };
      expect(await codeOf(handle.uploadFile('a', long, { attempt: 1 }))).toBe('HF-STORAGE-006');
      expect(await handle.listFiles()).toEqual([]);
    });

    behaves('a source that fails stores nothing', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const failing = {
        size: 100_000,
        async *read(): AsyncGenerator<Uint8Array> {
          yield pattern(50_000);
          throw new Error('the disk is gone');
        },
      };
      const code = await codeOf(handle.uploadFile('a', failing, { attempt: 1 }));
      expect(code).toBe('HF-STORAGE-006');
      expect(await handle.listFiles()).toEqual([]);
    });

    behaves('a failure to remember the progress ends it', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const onProgress = (): Promise<void> => Promise.reject(new Error('no space'));
      const upload = handle.uploadFile('a', sourceOf(pattern(17 * mebibyte)), {
        attempt: 1,
        onProgress,
      });
      expect(await codeOf(upload)).toBe('HF-STORAGE-006');
      expect(await handle.listFiles()).toEqual([]);
    });
  });
}

function raise(): never {
  throw new Error('no state was told');
}
