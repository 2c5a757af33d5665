import { spawn } from 'node:child_process';
import { documentSchemas, lineSchemas } from '../../client/json-schema';
import { collect } from '../client/built-command';
import { compiled } from '../examples/compiled';
import { until } from '../examples/until';
import { Site } from './site';
import {
  captureSite,
  catchMoment,
  journalState,
  runFileSize,
  siteDifferences,
  type SiteState,
} from './state';

describe('holdfast cancel', () => {
  let site: Site;
  let before: SiteState;
  let id: string;

  beforeAll(async () => {
    site = await Site.start({ mongod: '6.0', seed: 41, size: 10_000_000 });
    await site.startWorkers();
    id = await site.create('good');
    // What is there now differs from the backup: a rollback must bring exactly this back.
    const client = site.database();
    await client.db('juju').collection('models').insertOne({ note: 'written after the backup' });
    await client.close();
    before = await captureSite(site);
  });
  afterAll(() => site.stop());
  afterEach(async () => {
    expect(siteDifferences(before, await captureSite(site))).toEqual([]);
    expect(await site.leftovers()).toEqual([]);
  });

  /** A program on a real pseudo terminal, which `script` of util-linux makes. */
  function onTerminal(program: string, ...args: readonly string[]) {
    const { configFile } = site.example;
    const words = [process.execPath, program, ...args];
    if (program.endsWith('worker/main.js')) words.push(configFile);
    const command = words.map((word) => `'${word}'`).join(' ');
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      env: { ...process.env, HOLDFAST_CONFIG: configFile, TERM: 'xterm', SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    return { text: collect(child.stdout), ended, type: (keys: string) => child.stdin.write(keys) };
  }

  const epoch = async (step: string): Promise<boolean> =>
    (await runFileSize(site, `${step}/epoch-1`)) !== undefined;

  it('leaves in the operations log what the steps did, a line an event', async () => {
    const text = await site.log('host');
    const events = text
      .split('\n')
      .filter((line) => line.includes('"holdfast-operations"'))
      .map((line): unknown => JSON.parse(line));
    const operation = `holdfast/${site.example.modelUuid}`;
    const told = { operation, phase: 'dumping', step: 'dumpDatabase', attempt: 1 };
    expect(events).toContainEqual(expect.objectContaining({ ...told, event: 'began' }));
    expect(events).toContainEqual(
      expect.objectContaining({ ...told, attempt: expect.any(Number), event: 'ended' }),
    );
  });

  it('has nothing to stop when nothing runs: exit 10', async () => {
    const { status, stderr } = await site.holdfast('cancel');
    expect(status).toBe(10);
    expect(stderr).toContain('[HF-JOB-001]');
    expect(stderr).toContain('has no operation that runs');
  });

  it('stops a backup in the dump, and nothing of it stays', async () => {
    const creating = site.begin('create', '--quiet');
    await catchMoment('it dumps', () => epoch('dump'));
    const { status, stdout } = await site.holdfast('cancel', '--json');
    const answer = documentSchemas.cancel.parse(JSON.parse(stdout));
    expect(answer).toMatchObject({ kind: 'backup', will: 'stopping' });
    expect(status).toBe(0);
    const { status: waiting, stderr } = await creating.result;
    expect(waiting).toBe(130);
    expect(stderr).toContain('[HF-CANCEL-001] the backup was cancelled; what it had begun was');
    expect((await site.holdfast('list', '--quiet')).stdout.trim()).toBe(id);
  });

  it('stops a verification that waits for its host, named by its backup', async () => {
    await site.signalWorker('host', 'SIGKILL');
    const verifying = site.begin('verify', id, '--wait');
    // The server's index knows it a moment later.
    const answer = await until('the cancel', async () => {
      const { status, stdout } = await site.holdfast('cancel', id.slice(0, 15));
      return status === 0 ? stdout : undefined;
    });
    expect(answer).toContain('The verify stops now; it changes nothing.');
    const { status, stderr } = await verifying.result;
    expect(status).toBe(130);
    expect(stderr).toContain('[HF-CANCEL-001] the verify was cancelled; it had changed nothing');
    await site.startWorker('host');
  });

  it('is asked about at the second Ctrl-C, and a cold yes stops the backup', async () => {
    const host = site.worker('host');
    const { text, ended, type } = onTerminal(compiled('client/cli/main.js'), 'create');
    await until('the step', () => Promise.resolve(/dumping/.test(text()) || undefined));
    // What is dumped is small: it is kept from ending before somebody can type.
    host.kill('SIGSTOP');
    try {
      type('\u0003');
      await until('the offer', () => Promise.resolve(/Ctrl-C once more/.test(text()) || undefined));
      type('\u0003');
      await until('the question', () =>
        Promise.resolve(text().includes('Cancel the backup? [y/N]') || undefined),
      );
      type('y\n');
      expect(await ended).toBe(130);
    } finally {
      host.kill('SIGCONT');
    }
    expect(text()).toContain('The backup stops now, and what it had begun is undone.');
    const { status } = await site.holdfast('watch');
    expect(status).toBe(130);
  });

  it('is logged for people where the worker runs on a terminal', async () => {
    const { text, ended, type } = onTerminal(compiled('worker/main.js'), 'workflow');
    await until('the worker', () => Promise.resolve(text().includes('ready ') || undefined));
    type('\u0003');
    await ended;
    const lines = text().split(/\r?\n/);
    expect(lines).toContainEqual(expect.stringMatching(/\d\d:\d\d:\d\d.* workflow .*Worker/));
    expect(text()).not.toContain('{"level"');
  });

  it('is told by watch and jobs with the same lines and documents as published', async () => {
    const started = await site.holdfast('create', 'watched', '--detach', '--json');
    const { runId } = lineSchemas.detached.parse(JSON.parse(started.stdout));
    const watched = await site.holdfast('watch', runId, '--json');
    expect(watched.status).toBe(0);
    const lines = watched.stdout.trim().split('\n');
    const summary = lineSchemas.summary.parse(JSON.parse(lines.pop() ?? ''));
    expect(summary).toMatchObject({ kind: 'backup', outcome: 'complete' });
    const backupId = 'backupId' in summary ? summary.backupId : '';
    const statuses = lines.map((line) => lineSchemas.status.parse(JSON.parse(line)));
    expect(new Set(statuses.map((status) => status.runId))).toEqual(new Set([runId]));
    const listed = documentSchemas.jobs.parse(
      JSON.parse((await site.holdfast('jobs', '--json')).stdout),
    );
    const job = listed.jobs.find((each) => each.runId === runId);
    expect(job).toMatchObject({ state: 'completed', outcome: 'complete', phase: 'done' });
    expect(listed.interrupted).toBeNull();
    const again = await site.holdfast('watch', backupId, '--quiet');
    expect({ status: again.status, stdout: again.stdout }).toEqual({
      status: 0,
      stdout: `${backupId}\n`,
    });
  });

  it('stops a restore while it loads, and everything is as before', async () => {
    const restoring = site.begin('restore', id, '--yes');
    await catchMoment('it loads', () => epoch('load'));
    const { status, stdout } = await site.holdfast('cancel');
    expect(status).toBe(0);
    expect(stdout).toContain('The restore stops now, and what it had begun is undone.');
    const { status: waiting, stderr } = await restoring.result;
    expect(waiting).toBe(130);
    expect(stderr).toContain('[HF-CANCEL-001] the restore was cancelled');
  });

  it('past the point of no return is refused, and goes back to the exact state with --rollback', async () => {
    // With its worker killed the swap cannot be over before the cancels are heard.
    const restoring = site.begin('restore', id, '--yes');
    await catchMoment(
      'the point of no return',
      async () => (await journalState(site)) === 'past-no-return',
    );
    await site.signalWorker('host', 'SIGKILL');
    const refused = await site.holdfast('cancel');
    expect(refused.status).toBe(14);
    expect(refused.stderr).toContain('[HF-CANCEL-002]');
    expect(refused.stderr).toContain('holdfast cancel --rollback');
    const { status, stdout } = await site.holdfast('cancel', '--rollback');
    expect({ status, stdout }).toMatchObject({ status: 0 });
    expect(stdout).toContain('The restore goes back to the exact state before.');
    await site.startWorker('host');
    const { status: waiting, stderr } = await restoring.result;
    expect(waiting).toBe(130);
    expect(stderr).toContain('it was rolled back, and the controller is as it was before');
  });
});
