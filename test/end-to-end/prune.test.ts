import { mkdir, readdir, rename, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { documentSchemas, lineSchemas } from '../../client/json-schema';
import { verifyWorkflowId } from '../../core/ids';
import { Site } from './site';

describe('backups that no rule keeps', () => {
  let site: Site;
  let first: string;
  let second: string;
  let third: string;

  beforeAll(async () => {
    site = await Site.start({ mongod: '6.0', seed: 29, size: 1_000_000 });
    await site.startWorkers();
    first = await site.create('first');
    second = await site.create('second');
    third = await site.create('third');
  });
  afterAll(() => site.stop());

  const listed = async (): Promise<string[]> =>
    (await site.holdfast('list', '--quiet')).stdout.split('\n').filter(Boolean).toReversed();

  it('are shown with the reasons why the others stay, and nothing is changed', async () => {
    const { status, stdout, stderr } = await site.holdfast('prune', '--keep-last', '2');
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(new RegExp(`^${third} +keep +.*the last good one, the newest$`));
    expect(lines[3]).toMatch(new RegExp(`^${first} +remove +.*no rule keeps it$`));
    expect(stderr).toContain('nothing was changed: 1 of 3 would go');
    const json = await site.holdfast('prune', '--keep-last', '2', '--json');
    expect(documentSchemas.prune.parse(JSON.parse(json.stdout)).plan).toHaveLength(3);
    expect(await listed()).toEqual([first, second, third]);
  });

  it.each([
    [[], 'say what to keep'],
    [['--keep-last', 'x'], '--keep-last takes a number'],
    [['--older-than', 'soon'], '--older-than takes a time'],
  ])('are not looked for with %j', async (args, problem) => {
    const { status, stderr } = await site.holdfast('prune', ...args);
    expect(status).toBe(2);
    expect(stderr).toContain(problem);
  });

  it('stay when they are pinned, and neither prune nor remove takes them', async () => {
    const pinned = await site.holdfast('pin', first, '--json');
    const { changed } = documentSchemas.pin.parse(JSON.parse(pinned.stdout));
    expect(changed).toBe(true);
    expect((await site.holdfast('pin', first)).stderr).toContain('it was pinned already');
    expect((await site.holdfast('list')).stdout).toMatch(new RegExp(`${first}.*complete, pinned`));
    expect((await site.holdfast('info', first)).stdout).toMatch(/^pinned: +yes/m);
    const removal = await site.holdfast('remove', first, '--yes');
    expect(removal.status).toBe(14);
    expect(removal.stderr).toContain('[HF-BACKUP-007]');
    const pruned = await site.holdfast('prune', '--keep-last', '1', '--yes', '--json');
    const summary = lineSchemas.summary.parse(
      JSON.parse(pruned.stdout.trim().split('\n').at(-1) ?? ''),
    );
    expect(summary).toMatchObject({ kind: 'prune', removed: [second], swept: [] });
    expect(await listed()).toEqual([first, third]);
    // A backup with a pin is as good as before.
    expect((await site.holdfast('verify', first)).status).toBe(0);
    expect((await site.holdfast('list')).stdout).toMatch(
      new RegExp(`${first}.*complete, verified, pinned`),
    );
  });

  it('stay while somebody reads them, and remove says who', async () => {
    // A verification that nobody runs yet: it waits, as one does whose worker is away.
    const verification = await site.temporal.workflow.start('verify', {
      workflowId: verifyWorkflowId(site.example.modelUuid, third),
      taskQueue: 'nobody',
    });
    const removal = await site.holdfast('remove', third, '--yes');
    expect(removal.status).toBe(11);
    expect(removal.stderr).toContain(
      `[HF-LOCK-004] backup ${third} is in use: a verification that runs`,
    );
    expect(await listed()).toEqual([first, third]);
    await verification.terminate();
  });

  it('are removed when the pin is taken back', async () => {
    expect((await site.holdfast('unpin', first)).stderr).toContain('it is not pinned now');
    const removal = await site.holdfast('remove', first, '--yes');
    expect({ status: removal.status, stdout: removal.stdout }).toEqual({
      status: 0,
      stdout: `${first}\n`,
    });
    expect(await listed()).toEqual([third]);
  });

  it('are swept when they are incomplete and nobody wrote them for a day, the last good one stays', async () => {
    const { storage, modelUuid } = site.example;
    const stray = `20200101-000000.${modelUuid}`;
    const directory = join(storage, modelUuid, stray);
    await mkdir(`${directory}.new`, { mode: 0o700 });
    await writeFile(join(`${directory}.new`, 'juju-backup-20200101-000000.tar.gz'), 'half');
    await utimes(join(`${directory}.new`, 'juju-backup-20200101-000000.tar.gz'), 1, 1);
    await rename(`${directory}.new`, directory);
    // What a killed attempt left in a backup that is complete.
    const part = join(storage, modelUuid, third, '.INDEX.1.0123456789ab.part');
    await writeFile(part, 'half');
    await utimes(part, 1, 1);
    const { status, stdout, stderr } = await site.holdfast('prune', '--older-than', '1ms', '--yes');
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${stray}\n` });
    expect(stderr).toContain('0 removed, 1 incomplete ones swept');
    expect(await listed()).toEqual([third]);
    expect(await readdir(join(storage, modelUuid))).toEqual([third]);
    expect((await readdir(join(storage, modelUuid, third))).includes(basename(part))).toBe(false);
    expect(await site.leftovers()).toEqual([]);
  });
});
