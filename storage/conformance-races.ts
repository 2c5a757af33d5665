import {
  addWhole,
  bytesOf,
  codeOf,
  directory,
  first,
  names,
  second,
  text,
  type Behaves,
  type Expectation,
} from './conformance-kit';
import { manifestName } from './contract';

declare const describe: (title: string, body: () => void) => void;
declare const expect: (value: unknown) => Expectation;

const races = 200;
const commits = 20;

/** Several hosts at once. */
export function describeRaces(name: string, behaves: Behaves): void {
  describe(`${name} storage: several hosts at once`, () => {
    behaves(
      'two hosts start one name 200 times: each time exactly one wins',
      async (one, other) => {
        for (let round = 0; round < races; round += 1) {
          const backup = `backup-${round}`;
          const codes = await Promise.all([
            codeOf(one.startBackup(directory, backup, 'run-1')),
            codeOf(other.startBackup(directory, backup, 'run-2')),
          ]);
          expect(codes.toSorted()).toEqual(['HF-STORAGE-002', 'no error']);
          const winner = codes[0] === 'no error' ? 'run-1' : 'run-2';
          expect(await codeOf(other.resumeBackup(directory, backup, winner))).toBe('no error');
        }
      },
    );

    behaves('of ten owners at once exactly one wins', async (storage, other) => {
      const tries = Array.from({ length: 10 }, (_, index) =>
        codeOf((index % 2 === 0 ? storage : other).startBackup(directory, first, `run-${index}`)),
      );
      const codes = await Promise.all(tries);
      expect(codes.filter((code) => code === 'no error').length).toBe(1);
      expect(codes.filter((code) => code === 'HF-STORAGE-002').length).toBe(9);
    });

    behaves('two starts of one owner at once both succeed', async (storage, other) => {
      const codes = await Promise.all([
        codeOf(storage.startBackup(directory, first, 'run')),
        codeOf(other.startBackup(directory, first, 'run')),
      ]);
      expect(codes).toEqual(['no error', 'no error']);
    });

    behaves('of eight conditional puts at once exactly one wins', async (storage, other) => {
      const handles = [
        await storage.startBackup(directory, first, 'run'),
        await other.resumeBackup(directory, first, 'run'),
      ];
      const puts = Array.from({ length: 8 }, (_, index) =>
        (handles[index % 2] ?? raise()).putFile('a', text(`writer ${index}`), { ifAbsent: true }),
      );
      const results = await Promise.all(puts);
      expect(results.filter((result) => result === 'written').length).toBe(1);
      const kept = (await bytesOf(await (handles[0] ?? raise()).readFile('a'))).toString();
      expect(kept).toBe(`writer ${results.indexOf('written')}`);
    });

    behaves('a MANIFEST put during an abort is kept whole, or refused', async (one, other) => {
      for (let round = 0; round < commits; round += 1) {
        const backup = `backup-${round}`;
        const handle = await one.startBackup(directory, backup, 'run');
        await handle.putFile('a', text('content'));
        const [put] = await Promise.allSettled([
          handle.putFile(manifestName, text('{}'), { ifAbsent: true }),
          other.abortBackup(directory, backup, 'run'),
        ]);
        const found = (await other.scan(directory)).find((scanned) => scanned.name === backup);
        const files = found?.files.map((file) => file.name) ?? [];
        const done = put.status === 'fulfilled' && put.value === 'written';
        expect(files).toEqual(done ? [manifestName, 'a'] : []);
      }
    });

    behaves('two aborts at once leave nothing', async (storage, other) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await addWhole(handle, 'a', text('x'));
      await Promise.all([
        storage.abortBackup(directory, first, 'run'),
        other.abortBackup(directory, first, 'run'),
      ]);
      expect(await storage.scan(directory)).toEqual([]);
    });

    behaves('two removals at once leave nothing, and others untouched', async (storage, other) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile(manifestName, text('{}'));
      await storage.startBackup(directory, second, 'run');
      await Promise.all([
        storage.removeBackup(directory, first),
        other.removeBackup(directory, first),
      ]);
      expect(await names(storage)).toEqual([second]);
    });

    behaves('who starts a name after an abort sees nothing of the old', async (storage, other) => {
      const old = await storage.startBackup(directory, first, 'run-1');
      await addWhole(old, 'a', text('old'));
      await old.abortBackup();
      const handle = await other.startBackup(directory, first, 'run-2');
      expect(await handle.listFiles()).toEqual([]);
      await addWhole(handle, 'b', text('new'));
      await storage.abortBackup(directory, first, 'run-1');
      expect((await handle.listFiles()).map((file) => file.name)).toEqual(['b']);
    });
  });
}

function raise(): never {
  throw new Error('no handle');
}
