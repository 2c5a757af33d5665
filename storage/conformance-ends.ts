import {
  bytesOf,
  codeOf,
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

/** How backups end. */
export function describeEnds(name: string, behaves: Behaves): void {
  describe(`${name} storage: end, abort, removal`, () => {
    behaves('ending is idempotent and keeps the files', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('a', text('x'));
      await handle.endBackup();
      await handle.endBackup();
      expect((await handle.listFiles()).length).toBe(1);
    });

    behaves('ending rejects with recorded errors until the file is written', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      handle.recordError('a', new Error('disk on fire'));
      expect(handle.hasErrors()).toBe(true);
      expect(await codeOf(handle.endBackup())).toBe('HF-STORAGE-006');
      await addWhole(handle, 'a', text('x'));
      expect(handle.hasErrors()).toBe(false);
      await handle.endBackup();
    });

    behaves('an aborted backup is gone, and the handle writes no more', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('a', text('x'));
      await handle.abortBackup();
      await handle.abortBackup();
      expect(await names(storage)).toEqual([]);
      expect(await codeOf(handle.addFile('b'))).toBe('HF-STORAGE-004');
      await storage.startBackup(directory, first, 'another run');
    });

    behaves('any process may abort, but only for the owner', async (storage, other) => {
      await storage.startBackup(directory, first, 'run-1');
      await other.abortBackup(directory, first, 'run-2');
      expect(await names(storage)).toEqual([first]);
      await other.abortBackup(directory, first, 'run-1');
      await other.abortBackup(directory, first, 'run-1');
      expect(await names(storage)).toEqual([]);
    });

    behaves('a handle whose backup was aborted elsewhere cannot write', async (storage, other) => {
      const handle = await storage.startBackup(directory, first, 'run-1');
      await other.abortBackup(directory, first, 'run-1');
      expect(await codeOf(handle.putFile('a', text('x')))).toBe('HF-STORAGE-001');
      await other.startBackup(directory, first, 'run-2');
      expect(await codeOf(handle.putFile('a', text('x')))).toBe('HF-STORAGE-002');
    });

    behaves('a backup with a MANIFEST is never aborted nor changed', async (storage, other) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('a', text('x'));
      await handle.putFile(manifestName, text('{}'), { ifAbsent: true });
      await handle.abortBackup();
      await other.abortBackup(directory, first, 'run');
      const resumed = await other.resumeBackup(directory, first, 'run');
      expect(await codeOf(addWhole(resumed, 'a', text('y')))).toBe('HF-STORAGE-002');
      expect((await bytesOf(await resumed.readFile('a'))).toString()).toBe('x');
    });

    behaves('a repeated commit finds itself done', async (storage, other) => {
      const handle = await storage.startBackup(directory, first, 'run');
      expect(await handle.putFile(manifestName, text('{}'), { ifAbsent: true })).toBe('written');
      const resumed = await other.resumeBackup(directory, first, 'run');
      expect(await resumed.putFile(manifestName, text('{}'), { ifAbsent: true })).toBe('exists');
    });

    behaves('a removed backup is gone, complete or not, and only it', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile(manifestName, text('{}'));
      await storage.startBackup(directory, second, 'run');
      await storage.startBackup(directory, `${first}x`, 'run');
      await storage.removeBackup(directory, first);
      await storage.removeBackup(directory, first);
      await storage.removeBackup(directory, second);
      expect(await names(storage)).toEqual([`${first}x`]);
    });

    behaves('sweeping removes old incomplete backups and no complete one', async (storage) => {
      const complete = await storage.startBackup(directory, first, 'run');
      await complete.putFile(manifestName, text('{}'));
      await (await storage.startBackup(directory, second, 'run')).putFile('a', text('x'));
      expect(await storage.sweep(directory, 1000)).toEqual([]);
      expect(await storage.sweep(directory, Number.MAX_SAFE_INTEGER)).toEqual([second]);
      expect(await names(storage)).toEqual([first]);
    });
  });
}
