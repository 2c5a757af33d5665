import {
  codeOf,
  pattern,
  sourceOf,
  addWhole,
  names,
  directory,
  first,
  second,
  text,
  type Behaves,
  type Expectation,
} from './conformance-kit';
import { manifestName } from './contract';

declare const describe: (title: string, body: () => void) => void;
declare const expect: (value: unknown) => Expectation;

/** Listing, owners and names. */
export function describeBackups(name: string, behaves: Behaves): void {
  describe(`${name} storage: listing`, () => {
    behaves('a directory that is missing has no backups', async (storage) => {
      expect(await names(storage)).toEqual([]);
      expect(await storage.scan(directory)).toEqual([]);
      expect(await storage.sweep(directory, Number.MAX_SAFE_INTEGER)).toEqual([]);
      expect(await storage.listDirectories()).toEqual([]);
    });

    behaves('backups are listed by name, oldest first, complete or not', async (storage) => {
      await storage.startBackup(directory, second, 'run');
      await storage.startBackup(directory, first, 'run');
      expect(await names(storage)).toEqual([first, second]);
      expect(await storage.listDirectories()).toEqual([directory]);
    });

    behaves('a scan shows files with size and tag, sorted', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('b', text('bb'));
      await handle.putFile('a', text('a'));
      const [scanned] = await storage.scan(directory);
      expect(scanned?.name).toBe(first);
      expect(scanned?.files.map((file) => [file.name, file.size])).toEqual([
        ['a', 1],
        ['b', 2],
      ]);
      expect(scanned?.files).toEqual(await handle.listFiles());
    });

    behaves('the tag of a file changes with its content', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('a', text('one'));
      const before = (await handle.listFiles())[0]?.etag;
      expect((await handle.listFiles())[0]?.etag).toBe(before);
      await handle.putFile('a', text('two'));
      expect((await handle.listFiles())[0]?.etag === before).toBe(false);
    });

    behaves('a directory of several parts holds backups of its own', async (storage) => {
      await storage.startBackup('group/one', first, 'run');
      expect((await storage.listBackups('group/one')).length).toBe(1);
      expect(await storage.listBackups('group/two')).toEqual([]);
    });
  });

  describe(`${name} storage: one owner`, () => {
    behaves('another owner cannot start a backup that exists', async (storage, other) => {
      await storage.startBackup(directory, first, 'run-1');
      expect(await codeOf(other.startBackup(directory, first, 'run-2'))).toBe('HF-STORAGE-002');
    });

    behaves('the same owner starts again and finds its files', async (storage, other) => {
      const handle = await storage.startBackup(directory, first, 'run-1');
      await handle.putFile('a', text('kept'));
      const again = await other.startBackup(directory, first, 'run-1');
      expect((await again.listFiles()).map((file) => file.name)).toEqual(['a']);
    });

    behaves('of two owners at once exactly one wins', async (storage, other) => {
      const results = await Promise.all([
        codeOf(storage.startBackup(directory, first, 'run-1')),
        codeOf(other.startBackup(directory, first, 'run-2')),
      ]);
      expect(results.toSorted()).toEqual(['HF-STORAGE-002', 'no error']);
    });

    behaves('a complete backup is never started again', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile(manifestName, text('{}'), { ifAbsent: true });
      expect(await codeOf(storage.startBackup(directory, first, 'run'))).toBe('HF-STORAGE-002');
    });

    behaves('its owner resumes a backup, complete or not', async (storage, other) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('a', text('kept'));
      await other.resumeBackup(directory, first, 'run');
      await handle.putFile(manifestName, text('{}'), { ifAbsent: true });
      const resumed = await other.resumeBackup(directory, first, 'run');
      expect((await resumed.listFiles()).map((file) => file.name)).toEqual([manifestName, 'a']);
    });

    behaves('nobody resumes what is missing or another owner has', async (storage) => {
      expect(await codeOf(storage.resumeBackup(directory, first, 'run'))).toBe('HF-STORAGE-001');
      await storage.startBackup(directory, first, 'run');
      expect(await codeOf(storage.resumeBackup(directory, first, 'x'))).toBe('HF-STORAGE-002');
    });

    behaves('opening a backup that is missing says so', async (storage) => {
      expect(await codeOf(storage.openBackup(directory, first))).toBe('HF-STORAGE-001');
    });
  });

  describe(`${name} storage: names and sessions`, () => {
    behaves('names that lead elsewhere or do not print are refused', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const bad = [
        '',
        '.',
        '..',
        '../x',
        '/x',
        'a/b',
        '.hidden',
        'a\0b',
        'a\n',
        '\u001b[2J',
        '-rf',
      ];
      for (const odd of [...bad, 'a'.repeat(201), 'é']) {
        expect(await codeOf(handle.addFile(odd))).toBe('HF-STORAGE-003');
        expect(await codeOf(handle.putFile(odd, text('x')))).toBe('HF-STORAGE-003');
        expect(await codeOf(handle.readFile(odd))).toBe('HF-STORAGE-003');
        expect(await codeOf(storage.startBackup(directory, odd, 'run'))).toBe('HF-STORAGE-003');
        expect(await codeOf(storage.removeBackup(directory, odd))).toBe('HF-STORAGE-003');
      }
      expect(await codeOf(storage.listBackups('../x'))).toBe('HF-STORAGE-003');
      expect(await codeOf(storage.scan(''))).toBe('HF-STORAGE-003');
      expect(await handle.listFiles()).toEqual([]);
    });

    behaves('a name of 200 characters is as good as any', async (storage) => {
      const handle = await storage.startBackup(directory, 'b'.repeat(200), 'run');
      await addWhole(handle, 'f'.repeat(200), text('x'));
      await handle.uploadFile('u'.repeat(200), sourceOf(pattern(10)), { attempt: 3 });
      expect((await handle.listFiles()).length).toBe(2);
    });

    behaves('the storage stays usable after it was closed', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await storage.close();
      await handle.putFile('a', text('x'));
      expect(await names(storage)).toEqual([first]);
      await storage.close();
    });
  });
}
