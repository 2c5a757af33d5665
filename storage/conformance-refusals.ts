import {
  addWhole,
  codeOf,
  directory,
  first,
  names,
  pattern,
  second,
  sourceOf,
  text,
  type Behaves,
  type Expectation,
} from './conformance-kit';
import { manifestName, type BackupStorage, type CallOptions } from './contract';

declare const describe: (title: string, body: () => void) => void;
declare const expect: (value: unknown) => Expectation;

/** Every call that takes a signal, on a backup that is there. */
function calls(storage: BackupStorage, options: CallOptions): Promise<unknown>[] {
  return [
    storage.listDirectories(options),
    storage.listBackups(directory, options),
    storage.openBackup(directory, first, options),
    storage.startBackup(directory, second, 'run', options),
    storage.resumeBackup(directory, first, 'run', options),
    storage.abortBackup(directory, first, 'run', options),
    storage.removeBackup(directory, first, options),
    storage.scan(directory, options),
    storage.sweep(directory, Number.MAX_SAFE_INTEGER, options),
  ];
}

/** Neighbours, handles and what is refused. */
export function describeRefusals(name: string, behaves: Behaves): void {
  describe(`${name} storage: neighbours`, () => {
    behaves('a name that begins with another is a backup of its own', async (storage) => {
      for (const backup of ['b', 'b1', 'b.x', 'b-']) {
        await addWhole(await storage.startBackup(directory, backup, 'run'), 'f', text(backup));
      }
      await storage.abortBackup(directory, 'b', 'run');
      expect(await names(storage)).toEqual(['b-', 'b.x', 'b1']);
      await storage.removeBackup(directory, 'b1');
      expect((await storage.scan(directory)).map(({ files }) => files.length)).toEqual([1, 1]);
    });

    behaves('a directory that begins with another is one of its own', async (storage) => {
      await storage.startBackup('group', first, 'run');
      await storage.startBackup('group2', second, 'run');
      expect((await storage.listBackups('group')).map((backup) => backup.name)).toEqual([first]);
      expect((await storage.scan('group2')).map((backup) => backup.name)).toEqual([second]);
      expect(await storage.sweep('group', Number.MAX_SAFE_INTEGER)).toEqual([first]);
      expect((await storage.listDirectories()).includes('group2')).toBe(true);
    });

    behaves('a hundred backups are listed, all, in order, by list and scan', async (storage) => {
      const wanted = Array.from(
        { length: 100 },
        (_, index) => `b-${String(index).padStart(3, '0')}`,
      );
      for (const backup of wanted.toReversed()) await storage.startBackup(directory, backup, 'run');
      expect(await names(storage)).toEqual(wanted);
      expect((await storage.scan(directory)).map((backup) => backup.name)).toEqual(wanted);
    });

    behaves('files are sorted by their code units', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      for (const file of ['b', 'a', 'B', 'a.b', 'a-b', 'a_b', '0']) {
        await handle.putFile(file, text('x'));
      }
      const sorted = ['0', 'B', 'a', 'a-b', 'a.b', 'a_b', 'b'];
      expect((await handle.listFiles()).map((file) => file.name)).toEqual(sorted);
    });

    behaves('the newest change of a backup is that of its newest file', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('a', text('x'));
      await handle.putFile('b', text('x'));
      const [scanned] = await storage.scan(directory);
      const newest = Math.max(...(scanned?.files ?? []).map((file) => file.modified));
      expect((scanned?.modified ?? 0) >= newest).toBe(true);
      expect(newest > Date.UTC(2020, 1)).toBe(true);
    });
  });

  describe(`${name} storage: handles`, () => {
    behaves('handles tell directory, name and owner', async (storage) => {
      const owner = 'holdfast/é "quoted"\nrun/1';
      const handle = await storage.startBackup(directory, first, owner);
      expect([handle.directory, handle.name, handle.owner]).toEqual([directory, first, owner]);
      const again = await storage.resumeBackup(directory, first, owner);
      expect(again.owner).toBe(owner);
      const [reader] = await storage.listBackups(directory);
      expect([reader?.directory, reader?.name]).toEqual([directory, first]);
    });

    behaves('handles of listings and openings only read', async (storage) => {
      await storage.startBackup(directory, first, 'run');
      const opened = await storage.openBackup(directory, first);
      const [listed] = await storage.listBackups(directory);
      for (const handle of [opened, listed]) {
        for (const method of ['addFile', 'uploadFile', 'putFile', 'endBackup', 'abortBackup']) {
          expect(handle === undefined || method in handle).toBe(false);
        }
      }
    });

    behaves('a handle of a backup that was removed reads nothing', async (storage, other) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('a', text('x'));
      const reader = await other.openBackup(directory, first);
      await storage.removeBackup(directory, first);
      expect(await reader.listFiles()).toEqual([]);
      expect(await codeOf(reader.readFile('a'))).toBe('HF-STORAGE-007');
      expect(await codeOf(handle.putFile('a', text('x')))).toBe('HF-STORAGE-001');
      expect(await storage.scan(directory)).toEqual([]);
    });

    behaves('a removed name can be started again', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run-1');
      await handle.putFile(manifestName, text('{}'));
      await storage.removeBackup(directory, first);
      const again = await storage.startBackup(directory, first, 'run-2');
      expect(await again.listFiles()).toEqual([]);
    });

    behaves('every recorded error is told when the backup ends', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      handle.recordError('a', new Error('disk on fire'));
      handle.recordError('b', new Error('cable cut'));
      const told = await handle.endBackup().then(
        () => '',
        (error: unknown) => String(error),
      );
      expect(told.includes('a: disk on fire') && told.includes('b: cable cut')).toBe(true);
      await addWhole(handle, 'a', text('x'));
      expect(await codeOf(handle.endBackup())).toBe('HF-STORAGE-006');
      await handle.putFile('b', text('x'));
      expect(await codeOf(handle.endBackup())).toBe('no error');
    });

    behaves('a writer whose backup is aborted stores nothing', async (storage, other) => {
      const handle = await storage.startBackup(directory, first, 'run');
      const writer = await handle.addFile('a');
      await writer.write(pattern(200_000));
      await other.abortBackup(directory, first, 'run');
      expect(await codeOf(writer.close())).toBe('HF-STORAGE-001');
      expect(await storage.scan(directory)).toEqual([]);
    });

    behaves(
      'an upload whose backup is aborted in the middle stores nothing',
      async (one, other) => {
        const handle = await one.startBackup(directory, first, 'run');
        const upload = handle.uploadFile('a', sourceOf(pattern(17 * 1024 * 1024)), {
          attempt: 1,
          onProgress: () => other.abortBackup(directory, first, 'run'),
        });
        expect(await codeOf(upload)).toBe('HF-STORAGE-001');
        expect(await one.scan(directory)).toEqual([]);
        expect(await names(one)).toEqual([]);
      },
    );

    behaves('an empty MANIFEST is refused: it would say nothing', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      for (const ifAbsent of [true, false]) {
        const put = handle.putFile(manifestName, new Uint8Array(), { ifAbsent });
        expect(await codeOf(put)).toBe('HF-STORAGE-006');
      }
      expect(await handle.listFiles()).toEqual([]);
    });
  });

  describe(`${name} storage: signals and idempotence`, () => {
    behaves('a call with an aborted signal rejects and does nothing', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('a', text('x'));
      const signal = AbortSignal.abort();
      for (const call of calls(storage, { signal })) {
        expect((await codeOf(call)).includes('Abort')).toBe(true);
      }
      for (const call of [
        handle.listFiles({ signal }),
        handle.addFile('b', undefined, { signal }),
        handle.uploadFile('b', sourceOf(pattern(10)), { attempt: 1, signal }),
        handle.endBackup({ signal }),
      ]) {
        expect((await codeOf(call)).includes('Abort')).toBe(true);
      }
      expect((await storage.scan(directory)).map(({ files }) => files.length)).toEqual([1]);
    });

    behaves('what is missing is aborted, removed and swept without a word', async (storage) => {
      await storage.abortBackup(directory, first, 'run');
      await storage.removeBackup(directory, first);
      await storage.startBackup(directory, second, 'run');
      await storage.removeBackup(directory, first);
      expect(await names(storage)).toEqual([second]);
    });

    behaves('a file that is put again is replaced', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      expect(await handle.putFile('a', text('one'))).toBe('written');
      expect(await handle.putFile('a', text('three'))).toBe('written');
      expect((await handle.listFiles()).map(({ size }) => size)).toEqual([5]);
    });

    behaves('a sweep leaves what was touched since', async (storage) => {
      const handle = await storage.startBackup(directory, first, 'run');
      await handle.putFile('a', text('x'));
      const [scanned] = await storage.scan(directory);
      expect(await storage.sweep(directory, Math.floor(scanned?.modified ?? 0))).toEqual([]);
      expect((await handle.listFiles()).length).toBe(1);
    });

    behaves('a sweep leaves incomplete backups that are to be kept', async (storage) => {
      for (const backup of [first, second]) {
        await (await storage.startBackup(directory, backup, 'run')).putFile('a', text('x'));
      }
      const keep = (backup: string): boolean => backup === first;
      expect(await storage.sweep(directory, Number.MAX_SAFE_INTEGER, { keep })).toEqual([second]);
      expect(await names(storage)).toEqual([first]);
    });

    behaves('directories are refused that lead elsewhere', async (storage) => {
      const odd = ['.', '..', '/', 'a/', '/a', 'a//b', 'a/../b', 'a\\b', 'a\0', '-a', 'a b'];
      for (const bad of [...odd, Array.from({ length: 9 }, () => 'a').join('/')]) {
        expect(await codeOf(storage.startBackup(bad, first, 'run'))).toBe('HF-STORAGE-003');
        expect(await codeOf(storage.sweep(bad, 0))).toBe('HF-STORAGE-003');
        expect(await codeOf(storage.openBackup(bad, first))).toBe('HF-STORAGE-003');
      }
      expect(await storage.listDirectories()).toEqual([]);
    });
  });
}
