import {
  bytesOf,
  codeOf,
  pattern,
  sourceOf,
  addWhole,
  directory,
  first,
  text,
  type Behaves,
  type Expectation,
} from './conformance-kit';

declare const describe: (title: string, body: () => void) => void;
declare const expect: (value: unknown) => Expectation;

/** Files and uploads. */
export function describeFiles(name: string, behaves: Behaves): void {
  describe(`${name} storage: files`, () => {
    behaves('a file appears, whole, when its writer is closed', async (storage, other) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const writer = await handle.addFile('a');
      await writer.write(text('one '));
      await writer.write(text('two'));
      expect(await handle.listFiles()).toEqual([]);
      expect((await other.scan(directory))[0]?.files).toEqual([]);
      const stored = await writer.close();
      expect(stored.size).toBe(7);
      const reader = await other.openBackup(directory, first);
      expect((await bytesOf(await reader.readFile('a'))).toString()).toBe('one two');
    });

    behaves('an aborted writer leaves nothing, twice or after closing too', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const writer = await handle.addFile('a');
      await writer.write(text('half'));
      await writer.abort();
      await writer.abort();
      expect(await codeOf(writer.write(text('x')))).toBe('HF-STORAGE-004');
      expect(await handle.listFiles()).toEqual([]);
      const kept = await handle.addFile('b');
      await kept.close();
      await kept.abort();
      expect((await handle.listFiles()).map((file) => file.name)).toEqual(['b']);
    });

    behaves('adding a file again replaces it', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await addWhole(handle, 'a', text('a long first content'));
      await addWhole(handle, 'a', text('second'));
      expect((await bytesOf(await handle.readFile('a'))).toString()).toBe('second');
    });

    behaves('many files are written at once without mixing', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const sizes = [0, 1, 1000, 65_536, 300_001];
      await Promise.all(sizes.map((size) => addWhole(handle, `file-${size}`, pattern(size))));
      for (const size of sizes) {
        const read = await bytesOf(await handle.readFile(`file-${size}`));
        expect(read.equals(pattern(size))).toBe(true);
      }
    });

    behaves('a range reads exactly its bytes', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const content = pattern(700_000);
      await addWhole(handle, 'a', content);
      for (const [start, end] of [
        [0, 1],
        [699_999, 700_000],
        [1000, 600_001],
        [5, 5],
      ] as const) {
        const read = await bytesOf(await handle.readFile('a', { start, end }));
        expect(read.equals(content.subarray(start, end))).toBe(true);
      }
    });

    behaves('a range behind the end is reported as lost bytes', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('a', text('12345'));
      const read = async () => bytesOf(await handle.readFile('a', { start: 3, end: 9 }));
      expect(await codeOf(read())).toBe('HF-STORAGE-009');
    });

    behaves('reading a file that is missing says so', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      expect(await codeOf(handle.readFile('a'))).toBe('HF-STORAGE-007');
    });

    behaves('an aborted signal stops reading and writing', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const signal = AbortSignal.abort();
      expect((await codeOf(handle.putFile('a', text('x'), { signal }))).includes('Abort')).toBe(
        true,
      );
      await handle.putFile('a', text('x'));
      expect((await codeOf(handle.readFile('a', undefined, { signal }))).includes('Abort')).toBe(
        true,
      );
      expect((await handle.listFiles()).length).toBe(1);
    });

    behaves('of two conditional puts exactly one wins, whole', async (storage, other) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const again = await other.resumeBackup(directory, first, 'run');
      const puts = [
        handle.putFile('a', text('one'), { ifAbsent: true }),
        again.putFile('a', text('two'), { ifAbsent: true }),
      ];
      const results = await Promise.all(puts);
      expect(results.toSorted()).toEqual(['exists', 'written']);
      const kept = (await bytesOf(await handle.readFile('a'))).toString();
      expect(kept).toBe(results[0] === 'written' ? 'one' : 'two');
    });
  });

  describe(`${name} storage: uploads`, () => {
    behaves('an upload stores the bytes of its source', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const content = pattern(1_000_003);
      const stored = await handle.uploadFile('a', sourceOf(content), { attempt: 1 });
      expect(stored.size).toBe(content.length);
      expect((await bytesOf(await handle.readFile('a'))).equals(content)).toBe(true);
    });

    behaves('a source that ends early stores nothing', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const short = { ...sourceOf(pattern(1000)), size: 2000 };
      expect(await codeOf(handle.uploadFile('a', short, { attempt: 1 }))).toBe('HF-STORAGE-006');
      expect(await handle.listFiles()).toEqual([]);
    });

    behaves('an empty source stores an empty file', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const stored = await handle.uploadFile('a', sourceOf(pattern(0)), { attempt: 1 });
      expect(stored.size).toBe(0);
    });

    behaves('a state that fits nothing is passed over', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const reads: number[] = [];
      const resume = { v: 1, type: 'none', acknowledged: 7, detail: { part: '../x' } } as const;
      const content = pattern(100_000);
      await handle.uploadFile('a', sourceOf(content, reads), { attempt: 2, resume });
      expect(reads).toEqual([0]);
      expect((await bytesOf(await handle.readFile('a'))).equals(content)).toBe(true);
    });
  });
}
