import { chmod, mkdir, mkdtemp, rm, symlink, truncate, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBackup, listBackups } from '../../catalog/storage-catalog';
import { manifestName, type BackupStorage } from '../../storage/contract';
import { openFileStorage } from '../../storage/file-storage';
import { refusal } from '../storage/refusal';
import { manifestOf, storeBackup } from './stored-backup';

const controller = '11111111-2222-4333-8444-555555555555';
const another = '99999999-2222-4333-8444-555555555555';
const idOf = (stamp: string, uuid = controller): string => `${stamp}.${uuid}`;

const complete = idOf('20250101-120000');
const safety = idOf('20250301-120000');
const incomplete = idOf('20250201-120000');
const damaged = idOf('20250102-120000');

let root: string;
let storage: BackupStorage;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-catalog-'));
  storage = openFileStorage({ name: 'nas', path: root });
});
afterEach(() => rm(root, { recursive: true }));

async function storeAll(): Promise<void> {
  await storeBackup(storage, complete, manifestOf(complete));
  await storeBackup(storage, safety, manifestOf(safety, { purpose: 'safety' }));
  await storeBackup(storage, incomplete, undefined);
  await storeBackup(storage, damaged, Buffer.from('{"format":'));
}

describe('the list of backups', () => {
  it('shows complete, incomplete and damaged ones, oldest first', async () => {
    await storeAll();
    const backups = await listBackups({ storage, controller });
    expect(backups.map(({ id, status }) => [id, status])).toEqual([
      [complete, 'complete'],
      [damaged, 'damaged'],
      [incomplete, 'incomplete'],
      [safety, 'complete'],
    ]);
    expect(backups[0]).toMatchObject({
      controller,
      started: '2025-01-01T00:00:00Z',
      finished: '2025-01-01T00:01:00Z',
      notes: 'before the upgrade',
      jujuVersion: '3.6.24',
      hosts: ['machine-0'],
      purpose: 'manual',
      outcome: 'complete',
      restorable: true,
    });
    expect(backups[1]).toMatchObject({
      reason: `the MANIFEST of backup ${damaged} cannot be read: it is not JSON`,
    });
    expect(backups[2]).toMatchObject({ started: '2025-02-01T12:00:00Z', size: 124 });
  });

  it('is of one controller, or of all', async () => {
    await storeAll();
    const other = idOf('20250115-000000', another);
    await storeBackup(storage, other, manifestOf(other));
    expect((await listBackups({ storage, controller: another })).map(({ id }) => id)).toEqual([
      other,
    ]);
    expect((await listBackups({ storage })).map(({ id }) => id)).toEqual([
      complete,
      damaged,
      other,
      incomplete,
      safety,
    ]);
  });

  it('is empty for a controller or a storage without any', async () => {
    expect(await listBackups({ storage })).toEqual([]);
    expect(await listBackups({ storage, controller })).toEqual([]);
  });

  it('passes over directories that are no backups', async () => {
    await storeAll();
    await mkdir(join(root, controller, 'lost+found'), { mode: 0o700 });
    await mkdir(join(root, controller, 'notes'), { mode: 0o700 });
    await mkdir(join(root, controller, `20251399-000000.${controller}`), { mode: 0o700 });
    await mkdir(join(root, controller, idOf('20250101-000000', another)), { mode: 0o700 });
    await mkdir(join(root, 'lost-and-found'), { mode: 0o700 });
    expect((await listBackups({ storage })).length).toBe(4);
  });

  it('names what is wrong with a damaged backup, and shows all others', async () => {
    await storeAll();
    const ids = ['01', '02', '03', '04', '05', '06'].map((hour) => idOf(`20250401-${hour}0000`));
    const [missing = '', short = '', large = '', foreign = '', unreadable = '', empty = ''] = ids;
    for (const id of [missing, short]) await storeBackup(storage, id, manifestOf(id));
    await unlink(join(root, controller, missing, 'INDEX'));
    await truncate(join(root, controller, short, 'archive.tar.gz'), 3);
    await storeBackup(storage, large, Buffer.alloc(70_000, ' '));
    await storeBackup(storage, foreign, manifestOf(complete));
    await storeBackup(storage, unreadable, manifestOf(unreadable));
    await unlink(join(root, controller, unreadable, manifestName));
    await mkdir(join(root, controller, unreadable, manifestName));
    await storeBackup(storage, empty, Buffer.from('{'));
    const backups = await listBackups({ storage });
    expect(backups.length).toBe(10);
    const reasons = new Map(
      backups.map((backup) => [
        backup.id,
        backup.status === 'damaged' ? backup.reason : backup.status,
      ]),
    );
    expect(ids.map((id) => reasons.get(id))).toEqual([
      `backup ${missing} in storage nas has no file INDEX`,
      `storage nas holds ${short}/archive.tar.gz with 3 bytes, written were 63 bytes`,
      `the MANIFEST of backup ${large} cannot be read: it has 70000 bytes, 65536 are allowed`,
      `the MANIFEST of backup ${foreign} cannot be read: it belongs to backup ${complete} of controller ${controller}`,
      'incomplete',
      `the MANIFEST of backup ${empty} cannot be read: it is not JSON`,
    ]);
    expect(reasons.get(complete)).toBe('complete');
  });

  it('never takes a linked MANIFEST for one', async () => {
    await storeAll();
    const target = join(root, controller, complete, manifestName);
    await symlink(target, join(root, controller, incomplete, manifestName));
    const found = (await listBackups({ storage })).find(({ id }) => id === incomplete);
    expect(found?.status).toBe('incomplete');
  });

  it('lists a kind it does not know, and does not restore it', async () => {
    await storeBackup(storage, complete, manifestOf(complete, { kind: 'increment' }));
    expect(await listBackups({ storage })).toMatchObject([
      { status: 'complete', restorable: false },
    ]);
  });

  it('fails as a whole only when the storage itself cannot be used', async () => {
    await storeAll();
    await chmod(root, 0o777);
    await expect(listBackups({ storage })).rejects.toMatchObject({ code: 'HF-STORAGE-005' });
    await chmod(root, 0o700);
    const signal = AbortSignal.abort();
    await expect(listBackups({ storage, signal })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('finding a backup', () => {
  async function refused(id: string, code: string, message: string | RegExp): Promise<void> {
    const error = await refusal(findBackup({ storage, controller }, id));
    expect(error.code).toBe(code);
    if (typeof message === 'string') expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
  }

  it('by id gives its manifest, in any directory', async () => {
    await storeAll();
    const found = await findBackup({ storage }, complete);
    expect(found.summary.id).toBe(complete);
    expect(found.manifest).toEqual(manifestOf(complete));
    expect((await findBackup({ storage, controller: another }, complete)).summary.id).toBe(
      complete,
    );
    expect((await findBackup({ storage }, safety)).summary.purpose).toBe('safety');
  });

  it('by the beginning of its id works when only one begins so', async () => {
    await storeAll();
    for (const id of ['20250101', '20250101-1', '20250101-120000', complete.slice(0, -1)]) {
      expect((await findBackup({ storage, controller }, id)).summary.id).toBe(complete);
    }
    await refused('202501', 'HF-USAGE-001', `2 backups begin with 202501: ${complete}, ${damaged}`);
    await refused('20260101', 'HF-STORAGE-001', 'storage nas has no backup 20260101');
  });

  it('that does not exist, is incomplete or damaged says which', async () => {
    await storeAll();
    const unknown = idOf('20240101-000000');
    await refused(unknown, 'HF-STORAGE-001', `storage nas has no backup ${unknown}`);
    await refused(
      incomplete,
      'HF-BACKUP-004',
      `backup ${incomplete} is incomplete: it has no MANIFEST`,
    );
    await refused(damaged, 'HF-MANIFEST-001', /cannot be read: it is not JSON$/);
  });

  it.each(['', 'x', '../../etc', '2025', '{"$ne":null}', 'a'.repeat(500), '🦀', '202\u001b[2J'])(
    'refuses %j as an id, or finds nothing',
    async (id) => {
      const error: unknown = await findBackup({ storage }, id).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: id === '2025' ? 'HF-STORAGE-001' : 'HF-BACKUP-001' });
      expect(error instanceof Error && error.message.length < 200).toBe(true);
      expect(error instanceof Error && error.message).not.toContain('\u001b');
    },
  );

  it('latest is the newest complete one that is no safety copy', async () => {
    await storeAll();
    expect((await findBackup({ storage, controller }, 'latest')).summary.id).toBe(complete);
    const newer = idOf('20250115-000000');
    await storeBackup(storage, newer, manifestOf(newer, { purpose: 'scheduled' }));
    const unknownKind = idOf('20250116-000000');
    await storeBackup(storage, unknownKind, manifestOf(unknownKind, { kind: 'increment' }));
    expect((await findBackup({ storage }, 'latest')).summary.id).toBe(newer);
  });

  it('latest tells no backup from no complete backup', async () => {
    await refused(
      'latest',
      'HF-BACKUP-002',
      `storage nas holds no backup of controller ${controller}`,
    );
    await storeBackup(storage, incomplete, undefined);
    await storeBackup(storage, safety, manifestOf(safety, { purpose: 'safety' }));
    await refused('latest', 'HF-BACKUP-003', /but none of them is complete$/);
  });

  it('latest of several controllers is asked back', async () => {
    const other = idOf('20250115-000000', another);
    await storeBackup(storage, other, manifestOf(other));
    expect((await findBackup({ storage }, 'latest')).summary.id).toBe(other);
    await storeBackup(storage, complete, manifestOf(complete));
    await expect(findBackup({ storage }, 'latest')).rejects.toMatchObject({
      code: 'HF-USAGE-001',
      message: `storage nas holds backups of several controllers, so there is no latest one: ${controller}, ${another}`,
    });
  });
});
