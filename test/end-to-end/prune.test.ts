import { mkdir, readdir, readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { documentSchemas, lineSchemas } from '../../client/json-schema';
import { verifyWorkflowId } from '../../core/ids';
import { until } from '../examples/until';
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

  it('are all verified, and a damaged one does not keep the others from being read', async () => {
    const { storage, modelUuid } = site.example;
    const directory = join(storage, modelUuid, second);
    const name = (await readdir(directory)).find((each) => each.endsWith('.tar.gz')) ?? '';
    const whole = await readFile(join(directory, name));
    const bytes = Buffer.from(whole);
    bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
    await writeFile(join(directory, name), bytes);
    const { status, stdout, stderr } = await site.holdfast('verify', '--all');
    expect({ status, stderr }).toMatchObject({ status: 13 });
    // Those that were taken first were not proven for longest.
    expect(stdout.split('\n').slice(1, 4)).toEqual([
      expect.stringMatching(new RegExp(`^${first} +sound`)),
      expect.stringMatching(new RegExp(`^${second} +damaged .*\\[HF-ARCHIVE-001\\]`)),
      expect.stringMatching(new RegExp(`^${third} +sound`)),
    ]);
    const marks = (await site.holdfast('list')).stdout.split('\n').slice(1, 4);
    expect(marks).toEqual([
      expect.stringMatching(/complete, verified /),
      expect.stringMatching(/complete, found damaged /),
      expect.stringMatching(/complete, verified /),
    ]);
    await writeFile(join(directory, name), whole);
    // Of two results in one second the damage counts.
    const mark = (await readdir(directory)).find((each) => each.endsWith('.damaged')) ?? '';
    const found = Number(mark.split('.')[1]);
    await until('the next second', () =>
      Promise.resolve(Date.now() / 1000 >= found + 1 ? true : undefined),
    );
    const again = await site.holdfast('verify', '--sample', '100%', '--json');
    expect(again.status).toBe(0);
    const last = again.stdout.trimEnd().split('\n').at(-1) ?? '';
    expect(lineSchemas.summary.parse(JSON.parse(last))).toMatchObject({
      kind: 'verifyAll',
      sample: 100,
      outcome: 'sound',
      backups: [{ id: first }, { id: second }, { id: third }],
      left: 0,
    });
    const one = await site.holdfast('verify', '--sample', '5%');
    expect(one.stdout).toMatch(new RegExp(`^${first} +sound`, 'm'));
    expect(one.stdout).toMatch(/^not read: +2, on another day$/m);
  });

  it.each([
    [['verify', 'latest', '--all'], 'name one backup by its ID, or pass --all or --sample'],
    [['verify', '--sample', '5'], '--sample takes a percentage such as 5%, not 5'],
    [['remove', '--yes'], 'name backups by their ID, or pass --keep-latest'],
    [['remove', 'latest', '--keep-latest', '--yes'], 'ID and --keep-latest exclude each other'],
    [['remove', '--keep-latest'], 'pass --yes'],
  ])('are not touched with %j', async (args, problem) => {
    const { status, stderr } = await site.holdfast(...args);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(problem) });
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
    expect((await site.holdfast('list')).stdout).toMatch(
      new RegExp(`${first}.*complete, verified, pinned`),
    );
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
      workflowId: verifyWorkflowId(site.example.modelUuid, 'default', third),
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

  it('are removed several at once when the pin is taken back, but never the last good one', async () => {
    const fourth = await site.create('fourth');
    expect((await site.holdfast('unpin', first)).stderr).toContain('it is not pinned now');
    const refused = await site.holdfast('remove', first, third, fourth, '--yes');
    expect(refused.status).toBe(14);
    expect(refused.stderr).toContain(
      `[HF-BACKUP-008] backup ${fourth} is the last good one in storage default`,
    );
    expect(await listed()).toEqual([first, third, fourth]);
    // Once more the same one, by the beginning of its id.
    const removal = await site.holdfast('remove', fourth, first, first.slice(0, 20), '--yes');
    expect({ status: removal.status, stdout: removal.stdout }).toEqual({
      status: 0,
      stdout: `${fourth}\n${first}\n`,
    });
    expect(await listed()).toEqual([third]);
  });

  it('go all but the newest with --keep-latest', async () => {
    const fifth = await site.create('fifth');
    const removal = await site.holdfast('remove', '--keep-latest', '--yes');
    expect({ status: removal.status, stdout: removal.stdout }).toEqual({
      status: 0,
      stdout: `${third}\n`,
    });
    third = fifth;
    expect(await listed()).toEqual([third]);
    const none = await site.holdfast('remove', '--keep-latest', '--yes');
    expect([none.status, none.stderr]).toEqual([
      0,
      expect.stringContaining('nothing is to be removed'),
    ]);
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
