import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CopyRef } from '../../activities/copy/copy-directory';
import { parseManifest, serializeManifest } from '../../archive/manifest';
import { documentSchemas, lineSchemas } from '../../client/json-schema';
import { manifestName, type BackupStorage, type ReadHandle } from '../../storage/contract';
import { openFileStorage } from '../../storage/file-storage';
import { S3Server, s3Access } from '../storage/s3-server';
import { Site, type CommandResult } from './site';

const secret = 'HOLDFAST_TEST_S3_SECRET';

describe('backups in several storages: a directory, another one, and S3', () => {
  let server: S3Server;
  let bucket: string;
  let far: BackupStorage;
  let site: Site;
  let id: string;

  beforeAll(async () => {
    server = await S3Server.start();
    bucket = await server.bucket();
    far = server.open(bucket, { prefix: '' });
    process.env[secret] = s3Access.secretAccessKey;
    const s3 = {
      type: 's3',
      bucket,
      endpoint: server.endpoint,
      pathStyle: true,
      credentials: {
        accessKeyId: s3Access.accessKeyId,
        secretAccessKey: { env: secret },
      },
    };
    site = await Site.start({
      mongod: '6.0',
      seed: 31,
      size: 1_000_000,
      heartbeatTimeout: 10_000,
      storages: JSON.stringify({ far: s3, nas: { type: 'file', path: 'nas' } }),
    });
    await site.startWorkers();
    id = await site.create('to be copied');
  });
  afterAll(async () => {
    await far.close();
    await site.stop();
    await server.stop();
    delete process.env[secret];
  });

  const nas = (...names: string[]): string =>
    join(site.example.directory, 'nas', site.example.modelUuid, ...names);
  const here = (...names: string[]): string =>
    join(site.example.storage, site.example.modelUuid, ...names);
  const summaryOf = ({ stdout }: CommandResult) =>
    lineSchemas.summary.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
  const listed = async (...args: string[]): Promise<string[]> =>
    (await site.holdfast('list', '--quiet', ...args)).stdout.split('\n').filter(Boolean);
  const ended = ({ status, stderr }: CommandResult) => ({ status, stderr });

  it('are copied byte for byte, but for pins and what verifications found', async () => {
    expect((await site.holdfast('pin', id)).status).toBe(0);
    expect((await site.holdfast('verify', id, '--quiet')).status).toBe(0);
    const copied = await site.holdfast('copy', id, '--to', 'far', '--json');
    expect(ended(copied)).toMatchObject({ status: 0 });
    expect(summaryOf(copied)).toMatchObject({
      kind: 'copy',
      backupId: id,
      from: 'default',
      to: 'far',
      outcome: 'copied',
      files: 2,
    });
    const handle = await far.openBackup(site.example.modelUuid, id);
    const files = await handle.listFiles();
    expect(files.map(({ name }) => name)).toEqual([
      'INDEX',
      manifestName,
      expect.stringMatching(/\.tar\.gz$/),
    ]);
    for (const { name } of files) {
      expect((await contentOf(handle, name)).equals(await readFile(here(id, name)))).toBe(true);
    }
    expect((await server.contents(bucket)).uploads).toEqual([]);
    expect((await site.holdfast('list')).stdout).toMatch(/complete, verified, pinned/);
    expect((await site.holdfast('list', '--storage', 'far')).stdout).toMatch(/ complete  +to be/);
    expect(await site.leftovers()).toEqual([]);
  });

  it('are not copied a second time: the identical one is there', async () => {
    const { status, stdout, stderr } = await site.holdfast('copy', 'latest', '--to', 'far');
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(/^outcome: +the identical backup was there already$/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(id);
  });

  it('are verified, shown, fetched and planned with from where they were copied to', async () => {
    const there = ['--storage', 'far'];
    expect(ended(await site.holdfast('verify', id, ...there))).toMatchObject({ status: 0 });
    expect((await site.holdfast('info', id, ...there)).stdout).toMatch(/^storage: +far, /m);
    const file = join(site.directory, 'fetched.tar.gz');
    expect(ended(await site.holdfast('download', id, file, ...there))).toMatchObject({ status: 0 });
    const archive = (await readdir(here(id))).find((name) => name.endsWith('.tar.gz')) ?? '';
    expect((await readFile(file)).equals(await readFile(here(id, archive)))).toBe(true);
    const plan = await site.holdfast('restore', id, '--plan', ...there);
    expect(ended(plan)).toMatchObject({ status: 0 });
    expect(plan.stdout).toContain('Nothing was changed: this was a plan.');
  });

  it('come from any of them into any other, and are taken into any', async () => {
    const back = await site.holdfast('copy', id, '--from', 'far', '--to', 'nas', '--quiet');
    expect({ status: back.status, stdout: back.stdout }).toEqual({ status: 0, stdout: `${id}\n` });
    expect(await readFile(nas(id, manifestName))).toEqual(await readFile(here(id, manifestName)));
    const taken = await site.holdfast('create', '--storage', 'nas', '--quiet');
    expect(await listed('--storage', 'nas')).toEqual([taken.stdout.trim(), id]);
    expect(await listed()).toEqual([id]);
    const removed = await site.holdfast('remove', id, '--storage', 'nas', '--yes');
    expect({ status: removed.status, stdout: removed.stdout }).toEqual({
      status: 0,
      stdout: `${id}\n`,
    });
    expect(await listed()).toEqual([id]);
  });

  it('are refused where another backup has their id, and that one stays as it is', async () => {
    expect((await site.holdfast('copy', id, '--to', 'nas')).status).toBe(0);
    const original = await readFile(nas(id, manifestName));
    const other = serializeManifest({ ...parseManifest(original, id), notes: 'another one' });
    await writeFile(nas(id, manifestName), other);
    const refused = await site.holdfast('copy', id, '--to', 'nas');
    expect(refused.status).toBe(14);
    expect(refused.stderr).toContain(
      `[HF-COPY-001] storage nas holds backup ${id}, but not the same one: its MANIFEST is another one`,
    );
    expect(await readFile(nas(id, manifestName))).toEqual(other);
    await writeFile(nas(id, manifestName), original);
    await truncate(nas(id, 'INDEX'), 10);
    const damaged = await site.holdfast('copy', id, '--to', 'nas', '--json');
    expect(damaged.status).toBe(14);
    expect(damaged.stderr).toContain('holds');
    expect(await site.leftovers()).toEqual([]);
  });

  it('are told damaged, when they are, and nothing of them stays in the target', async () => {
    const taken = (await listed('--storage', 'nas'))[0] ?? '';
    const archive = (await readdir(nas(taken))).find((name) => name.endsWith('.tar.gz')) ?? '';
    const bytes = await readFile(nas(taken, archive));
    bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1;
    await writeFile(nas(taken, archive), bytes);
    const copied = await site.holdfast('copy', taken, '--from', 'nas', '--to', 'far');
    expect(copied.status).toBe(13);
    expect(copied.stderr).toContain(`[HF-STORAGE-009] storage nas holds ${taken}/${archive} with`);
    expect(await listed('--storage', 'far')).toEqual([id]);
    const { keys, uploads } = await server.contents(bucket);
    expect(keys.filter((key) => key.includes(taken))).toEqual([]);
    expect(uploads).toEqual([]);
    expect(await site.leftovers()).toEqual([]);
  });

  it('are free of what a terminated copy left, once the next one has begun', async () => {
    const { workspace, modelUuid, directory: c } = site.example;
    const stray = `20200101-000000.${modelUuid}`;
    const target = openFileStorage({ name: 'nas', path: join(c, 'nas') });
    const began = await target.startBackup(modelUuid, stray, 'its owner');
    await began.putFile('INDEX', Buffer.from('half a copy'));
    const kept = join(workspace, 'copies', randomUUID());
    const ref: CopyRef = {
      v: 1,
      backupId: stray,
      directory: modelUuid,
      owner: 'its owner',
      from: 'default',
      fromRoot: site.example.storage,
      to: 'nas',
      toRoot: join(c, 'nas'),
      began: 1,
    };
    await mkdir(kept, { recursive: true, mode: 0o700 });
    await writeFile(join(kept, 'copy.json'), JSON.stringify(ref));
    expect((await site.holdfast('copy', id, '--to', 'far')).status).toBe(0);
    expect(await readdir(nas())).not.toContain(stray);
    expect(await site.leftovers()).toEqual([]);
  });

  it('are pruned and pinned in one of them apart from the others', async () => {
    expect((await site.holdfast('unpin', id)).status).toBe(0);
    expect((await site.holdfast('pin', id, '--storage', 'far')).stderr).toContain('pinned now');
    const rules = ['prune', '--keep-last', '1'];
    expect((await site.holdfast(...rules, '--storage', 'far')).stdout).toMatch(/ keep .* pinned, /);
    expect((await site.holdfast(...rules)).stdout).not.toContain('pinned');
  });

  it('are looked for nowhere else than where the configuration says', async () => {
    const list = await site.holdfast('list', '--storage', 'fra');
    expect(list.status).toBe(2);
    expect(list.stderr).toContain(
      '[HF-STORAGE-011] no storage is named fra here (did you mean far?); configured: default, far, nas',
    );
    const nowhere = await site.holdfast('copy', id, '--to', 'tape');
    expect([nowhere.status, nowhere.stderr]).toEqual([
      2,
      expect.stringContaining('no storage is named tape here; configured'),
    ]);
    const same = await site.holdfast('copy', id, '--to', 'default');
    expect([same.status, same.stderr]).toEqual([
      2,
      expect.stringContaining('storages default and default are the same place'),
    ]);
    expect((await site.holdfast('copy', id)).stderr).toContain('say where to: pass --to NAME');
    const shown = await site.holdfast('config', 'show', '--json');
    expect(documentSchemas['config show'].parse(JSON.parse(shown.stdout)).origins).toHaveProperty([
      'storages.nas.path',
    ]);
  });
});

async function contentOf(handle: ReadHandle, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const content: AsyncIterable<Buffer> = await handle.readFile(name);
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
