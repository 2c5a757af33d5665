import { randomUUID } from 'node:crypto';
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastError, isHoldfastError } from '../../core/errors';
import { manifestName, type BackupStorage } from '../../storage/contract';
import { openFileStorage } from '../../storage/file-storage';
import { FileVolume } from '../../storage/file-volume';
import { refusal } from './refusal';

let base: string;
let root: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'holdfast-storage-'));
  root = join(base, 'root');
});
afterEach(() => rm(base, { recursive: true }));

const open = (): BackupStorage => openFileStorage({ name: 'one', path: root });
const directory = 'controller';

async function tree(path: string): Promise<string[]> {
  return (await readdir(path, { recursive: true })).toSorted();
}

describe('a file storage', () => {
  it('gives a backup to exactly one of two hosts, 200 times', async () => {
    const [one, other] = [open(), open()];
    for (let round = 0; round < 200; round += 1) {
      const name = `backup-${round}`;
      const tries = await Promise.allSettled([
        one.startBackup(directory, name, 'run-1'),
        other.startBackup(directory, name, 'run-2'),
      ]);
      const won = tries.filter(({ status }) => status === 'fulfilled');
      expect(won.length).toBe(1);
      const [lost] = tries.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as unknown] : [],
      );
      const owner = tries[0].status === 'fulfilled' ? 'run-1' : 'run-2';
      expect(isHoldfastError(lost, 'HF-STORAGE-002') && lost.message).toBe(
        `backup ${name} in storage one already exists; ${owner} started it`,
      );
      const record = await readFile(join(root, directory, name, '.owner'), 'utf8');
      expect(JSON.parse(record)).toEqual({ v: 1, owner });
      expect(await readdir(join(root, directory, name))).toEqual(['.owner']);
    }
  });

  it('starts a backup while an older one of its name is being aborted, 100 times', async () => {
    const [one, other] = [open(), open()];
    for (let round = 0; round < 100; round += 1) {
      const old = await one.startBackup(directory, 'backup', 'old');
      await old.putFile('a', Buffer.from('old'));
      const [started] = await Promise.allSettled([
        other.startBackup(directory, 'backup', 'new'),
        one.abortBackup(directory, 'backup', 'old'),
        other.abortBackup(directory, 'backup', 'old'),
      ]);
      const handle =
        started.status === 'fulfilled'
          ? started.value
          : await other.startBackup(directory, 'backup', 'new');
      expect(await handle.listFiles()).toEqual([]);
      await handle.putFile('b', Buffer.from('new'));
      expect((await handle.listFiles()).map(({ name }) => name)).toEqual(['b']);
      await handle.abortBackup();
      expect(await tree(root)).toEqual([directory]);
    }
  });

  it('never loses a MANIFEST to an abort that runs at the same time', async () => {
    const [one, other] = [open(), open()];
    for (let round = 0; round < 100; round += 1) {
      const name = `backup-${round}`;
      const handle = await one.startBackup(directory, name, 'run');
      const [put] = await Promise.allSettled([
        handle.putFile(manifestName, Buffer.from('{}'), { ifAbsent: true }),
        other.abortBackup(directory, name, 'run'),
      ]);
      const [scanned] = (await other.scan(directory)).filter((backup) => backup.name === name);
      if (put.status === 'fulfilled') {
        expect(scanned?.files.map((file) => file.name)).toEqual([manifestName]);
      } else {
        expect(scanned).toBeUndefined();
      }
    }
  });

  it('keeps files at mode 0600 and directories at 0700', async () => {
    const handle = await open().startBackup('a/b', 'backup', 'run');
    await handle.putFile('f', Buffer.from('x'));
    const mode = async (...path: string[]) => (await stat(join(root, ...path))).mode & 0o777;
    for (const path of [[], ['a'], ['a', 'b'], ['a', 'b', 'backup']]) {
      expect(await mode(...path)).toBe(0o700);
    }
    expect(await mode('a', 'b', 'backup', 'f')).toBe(0o600);
    expect(await mode('a', 'b', 'backup', '.owner')).toBe(0o600);
  });

  it.each([0o770, 0o702, 0o722])('refuses a root of mode %o', async (mode) => {
    await mkdir(root);
    await chmod(root, mode);
    const refused = {
      code: 'HF-STORAGE-005',
      exit: 14,
      message: `storage root ${root} cannot be used: its mode 0${mode.toString(8)} lets group or others write`,
    };
    await expect(open().startBackup(directory, 'backup', 'run')).rejects.toMatchObject(refused);
    await expect(open().listBackups(directory)).rejects.toMatchObject(refused);
    expect(await tree(root)).toEqual([]);
  });

  it('refuses a root that is a file or relative', async () => {
    await writeFile(root, '');
    await expect(open().startBackup(directory, 'b', 'run')).rejects.toMatchObject({
      code: 'HF-STORAGE-005',
    });
    const relative = () => openFileStorage({ name: 'one', path: 'relative' });
    expect((await refusal(relative)).code).toBe('HF-STORAGE-005');
  });

  it('writes nothing outside of its root, whatever the names', async () => {
    const storage = open();
    const handle = await storage.startBackup(directory, 'backup', 'run');
    const before = await tree(base);
    const names = [
      '../x',
      '/etc/x',
      '',
      '.',
      '..',
      'a/../../x',
      'x'.repeat(300),
      'a\0b',
      'a\nb',
      '\u001b[31mred',
    ];
    for (const name of names) {
      const calls = [
        () => handle.addFile(name),
        () => handle.putFile(name, Buffer.from('x')),
        () => handle.uploadFile(name, { size: 0, async *read() {} }, { attempt: 1 }),
        () => storage.startBackup(directory, name, 'run'),
        () => storage.abortBackup(directory, name, 'run'),
        () => storage.removeBackup(directory, name),
        () => storage.openBackup(directory, name),
        () => storage.startBackup(`${directory}/${name}/../..`, 'b', 'run'),
      ];
      for (const call of calls) {
        const error: unknown = await call().then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(isHoldfastError(error, 'HF-STORAGE-003')).toBe(true);
        expect(error instanceof Error && /\p{Cc}/u.test(error.message)).toBe(false);
      }
    }
    expect(await tree(base)).toEqual(before);
  });

  it('follows no symbolic link below its root', async () => {
    const outside = join(base, 'outside');
    await mkdir(join(outside, 'backup'), { recursive: true });
    await writeFile(join(outside, 'backup', 'f'), 'secret');
    const storage = open();
    const handle = await storage.startBackup(directory, 'backup', 'run');
    await symlink(outside, join(root, 'linked'));
    await symlink(join(outside, 'backup'), join(root, directory, 'linked'));
    await symlink(join(outside, 'backup', 'f'), join(root, directory, 'backup', 'f'));
    await symlink(join(base, 'nowhere'), join(root, 'dangling'));

    const refused = { code: 'HF-STORAGE-005' };
    await expect(storage.listBackups('linked')).rejects.toMatchObject(refused);
    await expect(storage.startBackup('linked', 'b', 'run')).rejects.toMatchObject(refused);
    await expect(storage.openBackup(directory, 'linked')).rejects.toMatchObject(refused);
    await expect(storage.removeBackup(directory, 'linked')).rejects.toMatchObject(refused);
    await expect(handle.readFile('f')).rejects.toMatchObject({ code: 'HF-STORAGE-006' });
    await expect(storage.startBackup('dangling', 'b', 'run')).rejects.toBeInstanceOf(HoldfastError);
    expect((await storage.listBackups(directory)).map(({ name }) => name)).toEqual(['backup']);
    expect(await handle.listFiles()).toEqual([]);
    // A new file takes the place of the link, not of its target.
    await handle.putFile('f', Buffer.from('mine'));
    await storage.removeBackup(directory, 'backup');
    expect(await tree(outside)).toEqual(['backup', 'backup/f']);
    expect(await readFile(join(outside, 'backup', 'f'), 'utf8')).toBe('secret');
  });

  it('may itself be reached through a link', async () => {
    await mkdir(join(base, 'real'), { mode: 0o700 });
    await symlink(join(base, 'real'), root);
    const handle = await open().startBackup(directory, 'backup', 'run');
    await handle.putFile('a', Buffer.from('x'));
    expect(await tree(join(base, 'real'))).toContain('controller/backup/a');
  });

  it('passes over what others put there', async () => {
    const storage = open();
    await storage.startBackup(directory, 'backup', 'run');
    await writeFile(join(root, directory, 'file'), '');
    await mkdir(join(root, directory, '.snapshot'));
    await mkdir(join(root, directory, 'odd name'));
    await mkdir(join(root, directory, 'backup', 'subdirectory'));
    expect((await storage.scan(directory)).map(({ name, files }) => [name, files])).toEqual([
      ['backup', []],
    ]);
  });

  it('belongs to nobody it knows when files lie there without an owner', async () => {
    await mkdir(join(root, directory, 'backup'), { recursive: true, mode: 0o700 });
    await writeFile(join(root, directory, 'backup', 'a'), 'x');
    await expect(open().startBackup(directory, 'backup', 'run')).rejects.toMatchObject({
      code: 'HF-STORAGE-002',
      message: 'backup backup in storage one already exists; who started it is not known',
    });
    await open().abortBackup(directory, 'backup', 'run');
    expect(await tree(root)).toEqual([directory, 'controller/backup', 'controller/backup/a']);
  });

  it('says how much is free and needed when the disk is full', async () => {
    const volume = new FileVolume('one', base);
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    const work = volume.guard('writing', 'b/archive', () => Promise.reject(full), {
      need: 5 * 1024 ** 3,
    });
    const error = await refusal(work);
    expect([error.code, error.exit, error.cause]).toEqual(['HF-DISK-001', 16, full]);
    expect(error.message).toMatch(
      /has [\d.]+ [KMGTP]?i?B free, 5\.0 GiB are needed for b\/archive in storage one$/,
    );
  });

  it('refuses what its volume cannot hold before a byte of it is read', async () => {
    const handle = await open().startBackup(directory, 'backup', 'run');
    const size = 2 ** 60;
    let reads = 0;
    const source = {
      size,
      async *read(): AsyncGenerator<Uint8Array> {
        reads += 1;
        yield Buffer.alloc(1);
      },
    };
    for (const call of [
      handle.uploadFile('archive', source, { attempt: 1 }),
      handle.addFile('archive', size),
    ]) {
      const error = await refusal(call);
      expect([error.code, error.exit]).toEqual(['HF-DISK-001', 16]);
      expect(error.message).toMatch(
        /B free, [\d.,]+ \w+ are needed for backup\/archive in storage/,
      );
    }
    expect([reads, await readdir(join(root, directory, 'backup'))]).toEqual([0, ['.owner']]);
  });

  it('knows nobody by an owner record that is too long to be one', async () => {
    await open().startBackup(directory, 'backup', 'run');
    const owner = join(root, directory, 'backup', '.owner');
    await writeFile(owner, JSON.stringify({ v: 1, owner: 'run', more: 'x'.repeat(200_000) }));
    const error = await refusal(open().resumeBackup(directory, 'backup', 'run'));
    expect(error.message).toBe(
      'backup backup in storage one already exists; who started it is not known',
    );
  });

  it('reports any other failure with its cause', async () => {
    const handle = await open().startBackup(directory, 'backup', 'run');
    await mkdir(join(root, directory, 'backup', 'taken'));
    const error: unknown = await handle
      .putFile('taken', Buffer.from('x'))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'HF-STORAGE-006', retryable: true });
    expect(error).toMatchObject({ cause: { code: 'EISDIR' } });
    expect(await readdir(join(root, directory, 'backup'))).toEqual(['.owner', 'taken']);
  });

  it('notices that a file which is read becomes shorter', async () => {
    const handle = await open().startBackup(directory, 'backup', 'run');
    await handle.putFile('a', Buffer.alloc(2 * 1024 ** 2));
    const stream = await handle.readFile('a');
    await writeFile(join(root, directory, 'backup', 'a'), 'x');
    const drain = async () => {
      for await (const chunk of stream) void chunk;
    };
    await expect(drain()).rejects.toMatchObject({ code: 'HF-STORAGE-006' });
  });

  it('does not take the file of another writer for its own', async () => {
    const handle = await open().startBackup(directory, 'backup', 'run');
    const path = join(root, directory, 'backup');
    await writeFile(join(path, randomUUID()), 'other');
    await link(join(path, (await handle.listFiles())[0]?.name ?? ''), join(path, 'a'));
    expect(await handle.putFile('a', Buffer.from('mine'), { ifAbsent: true })).toBe('exists');
    expect(await readFile(join(path, 'a'), 'utf8')).toBe('other');
  });
});
