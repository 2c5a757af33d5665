import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once, setMaxListeners } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MongoClient } from 'mongodb';
import { createInterface } from 'node:readline';
import { bundleFiles } from '../../activities/backup/bundle-files';
import { commitBackup } from '../../activities/backup/commit-backup';
import { composeArchive } from '../../activities/backup/compose-archive';
import { finishBackup } from '../../activities/backup/finish-backup';
import { inspectRope } from '../../activities/backup/inspect-rope';
import { prepareBackup } from '../../activities/backup/prepare-backup';
import { storeArchive } from '../../activities/backup/store-archive';
import { verifyStored } from '../../activities/backup/verify-stored';
import { beginRestore } from '../../activities/restore/begin-restore';
import { fetchArchive } from '../../activities/restore/fetch-archive';
import { finishRestore } from '../../activities/restore/finish-restore';
import { inspectArchive } from '../../activities/restore/inspect-archive';
import { prepareRestore } from '../../activities/restore/prepare-restore';
import { restoreUsers } from '../../activities/restore/restore-users';
import { stageFiles } from '../../activities/restore/stage-files';
import { startAgents } from '../../activities/restore/start-agents';
import { stopAgents } from '../../activities/restore/stop-agents';
import { swapDatabase } from '../../activities/restore/swap-database';
import { swapFiles } from '../../activities/restore/swap-files';
import type { RunInfo } from '../../activities/steps';
import { readIndex } from '../../archive/index-file';
import { dumpDir, oplogFile } from '../../archive/paths';
import { benchAttempt } from '../../bench/steps/bench-attempt';
import { commonInput, type StepHost } from '../../bench/steps/step-host';
import { processEnvironment } from '../../config/environment';
import { loadConfig } from '../../config/load';
import { backupId, controllerWorkflowId } from '../../core/ids';
import type { BackupInput, RestoreInput } from '../../core/messages';
import type { OperationRef } from '../../core/operation';
import { databaseClient } from '../../examples/controller/database';
import { exampleAccess, startController } from '../../examples/controller/run-controller';
import type { RunningController } from '../../examples/controller/run-controller';
import { captureServer, type Capture } from '../../mongo/capture';
import { compareCaptures } from '../../mongo/compare';
import { hostDependencies, type HostDependencies } from '../../worker/host-dependencies';
import { identifyThisHost } from '../../worker/this-host';
import { seeded } from '../archive/sample-archive';
import { compiled } from '../examples/compiled';
import { binary } from '../mongo/mongod';
import type { MongodVersion } from '../mongo/replica-set';

type Step = 'dumpDatabase' | 'loadStaged';

/** What a controller of the tests holds, bytes of documents: about 50 members of a dump. */
const sizeBytes = 6_000_000;

/** A controller without Temporal, and the steps of its host, each in this process or in one that is killed. */
class StepGround {
  private constructor(
    private readonly directory: string,
    private readonly controller: RunningController,
    private readonly host: StepHost,
    private readonly steps: HostDependencies,
  ) {}

  static async start(version: MongodVersion): Promise<StepGround> {
    const directory = await mkdtemp(join(tmpdir(), 'hf-killed-'));
    await mkdir(join(directory, 'c'), { mode: 0o700 });
    const controller = await startController({
      directory: join(directory, 'c'),
      seed: 5,
      sizeBytes,
      mongod: binary(version === '6.0' ? 'HOLDFAST_MONGOD' : 'HOLDFAST_MONGOD44'),
      now: new Date(),
      programs: join(compiled('examples/controller/agent.js'), '..'),
    });
    const { configFile: file } = controller.example;
    const text = await readFile(file, 'utf8');
    await writeFile(
      file,
      text.replace(/^limits:\n/m, 'limits:\n  memberSize: 128KiB\n  buffers: 1MiB\n'),
    );
    const environment = processEnvironment();
    const { config } = await loadConfig({ environment, file });
    const dependencies = hostDependencies(config, environment);
    const identity = await identifyThisHost(config, environment);
    const attempt = benchAttempt(config, environment);
    setMaxListeners(0, attempt.signal);
    const host = { config, identity, dependencies: dependencies.activities, attempt };
    return new StepGround(directory, controller, host, dependencies);
  }

  /** The same host, as another run of a workflow. */
  #newRun(): { readonly host: StepHost; readonly run: RunInfo } {
    const runId = randomUUID();
    const { attempt, identity } = this.host;
    const workflowId = controllerWorkflowId(identity.modelUuid);
    return {
      host: { ...this.host, attempt: { ...attempt, runId } },
      run: { v: 1, workflowId, runId },
    };
  }

  database(): MongoClient {
    return databaseClient(exampleAccess(this.controller.example));
  }

  async capture(): Promise<Capture> {
    const client = this.database();
    try {
      return await captureServer(client);
    } finally {
      await client.close();
    }
  }

  /** Takes a backup; `dump` is its second step. `second` tells its id from that of others. */
  async backUp(dump: (ref: OperationRef) => Promise<unknown>, second: number): Promise<string> {
    const { host, run } = this.#newRun();
    const { dependencies, attempt, identity } = host;
    const input: BackupInput = { ...commonInput(host), notes: '', purpose: 'manual' };
    const began = new Date(dependencies.environment.now() + second * 1_000);
    const id = backupId(began, identity.modelUuid);
    const { ref } = await prepareBackup(dependencies, attempt, input, run, id);
    await dump(ref);
    await bundleFiles(dependencies, attempt, ref);
    await composeArchive(dependencies, attempt, ref, input);
    const { archive } = await inspectRope(dependencies, attempt, ref);
    await storeArchive(dependencies, attempt, ref, archive);
    await verifyStored(dependencies, attempt, ref, archive);
    await commitBackup(dependencies, attempt, ref, input, archive);
    await finishBackup(dependencies, attempt, ref);
    return id;
  }

  /** Restores a backup; `load` is the step that loads it beside the live data. */
  async restore(id: string, load: (ref: OperationRef) => Promise<unknown>): Promise<void> {
    const { host, run } = this.#newRun();
    const { dependencies, attempt } = host;
    const input: RestoreInput = {
      ...commonInput(host),
      action: 'restore',
      backup: { id },
      planOnly: false,
      confirmed: true,
      keepOld: false,
    };
    const { ref } = await prepareRestore(dependencies, attempt, input, run, id);
    await fetchArchive(dependencies, attempt, ref);
    await inspectArchive(dependencies, attempt, ref);
    await beginRestore(dependencies, attempt, ref, input);
    await load(ref);
    await stageFiles(dependencies, attempt, ref);
    await stopAgents(dependencies, attempt, ref);
    await swapDatabase(dependencies, attempt, ref);
    await swapFiles(dependencies, attempt, ref);
    await restoreUsers(dependencies, attempt, ref);
    await startAgents(dependencies, attempt, ref);
    await finishRestore(dependencies, attempt, ref, false);
  }

  /** Digests of the collections in a backup, by their paths. */
  async dumped(id: string): Promise<Record<string, string>> {
    const { storage, modelUuid } = this.controller.example;
    const found: Record<string, string> = {};
    const index = createReadStream(join(storage, modelUuid, id, 'INDEX'));
    for await (const line of readIndex(index, { archive: id })) {
      if (line.type !== 'file' || line.path === oplogFile) continue;
      if (line.path.startsWith(`${dumpDir}/`)) found[line.path] = `${line.size} ${line.sha256}`;
    }
    return found;
  }

  /**
   * Runs a step in a process of its own, which is killed with -9 when the moment has come.
   * @returns how many moments it had, undefined when it was killed before its end.
   */
  async attempt(step: Step, ref: OperationRef, moment = 0): Promise<number | undefined> {
    const refFile = join(this.directory, 'ref.json');
    await writeFile(refFile, JSON.stringify(ref));
    const { configFile } = this.controller.example;
    const program = join(__dirname, 'step-until-killed.cjs');
    const child = spawn(process.execPath, [program, configFile, refFile, step, String(moment)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const closed = once(child, 'close');
    let moments: number | undefined;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'now') child.kill('SIGKILL');
      if (line.startsWith('ended ')) moments = Number(line.slice(6));
    }
    await closed;
    const { exitCode, signalCode } = child;
    if (exitCode !== 0 && signalCode !== 'SIGKILL') throw new Error(`${step} failed:\n${said}`);
    return signalCode === 'SIGKILL' ? undefined : moments;
  }

  async stop(): Promise<void> {
    this.host.attempt.progress.stop();
    await this.steps.close();
    await this.controller.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Kills a step until it has been killed often enough in all, and then lets it end. */
class Killer {
  kills = 0;
  readonly #random: () => number;

  constructor(
    private readonly ground: StepGround,
    private readonly step: Step,
    /** Moments of the step when nothing disturbs it. */
    private readonly moments: number,
    private readonly wanted: number,
    seed: number,
  ) {
    this.#random = seeded(seed);
  }

  get done(): boolean {
    return this.kills >= this.wanted;
  }

  async run(ref: OperationRef): Promise<void> {
    for (;;) {
      // Mostly in the first half, so that a step is taken up several times before it ends.
      const range = this.kills % 5 === 4 ? this.moments : this.moments / 2;
      const moment = this.done ? 0 : 1 + Math.floor(this.#random() * range);
      if ((await this.ground.attempt(this.step, ref, moment)) !== undefined) return;
      this.kills += 1;
    }
  }
}

/** The tests of one mongod, each in a file of its own. @param wanted kills of each step */
export function killedAnywhere(version: MongodVersion, wanted: number): void {
  const seed = Number(process.env['HOLDFAST_TEST_SEED'] ?? 20_261_121);

  describe(`on mongod ${version}, killed with -9 at ${wanted} moments of seed ${seed}`, () => {
    let ground: StepGround;
    let before: Capture;
    let id: string;

    beforeAll(async () => {
      ground = await StepGround.start(version);
      before = await ground.capture();
    });
    afterAll(() => ground.stop());

    async function momentsOf(step: Step, ref: OperationRef): Promise<number> {
      const moments = await ground.attempt(step, ref);
      if (moments === undefined) throw new Error(`${step} did not end`);
      expect(moments).toBeGreaterThan(100);
      return moments;
    }

    test('a dump holds what an undisturbed one holds, every byte once', async () => {
      let moments = 0;
      let second = 0;
      id = await ground.backUp(
        async (ref) => (moments = await momentsOf('dumpDatabase', ref)),
        second,
      );
      const expected = await ground.dumped(id);
      expect(Object.keys(expected).length).toBeGreaterThan(20);
      const killer = new Killer(ground, 'dumpDatabase', moments, wanted, seed);
      while (!killer.done) {
        second += 1;
        const disturbed = await ground.backUp((ref) => killer.run(ref), second);
        expect(await ground.dumped(disturbed)).toEqual(expected);
      }
      expect(await ground.capture()).toEqual(before);
    });

    test('a load brings back all that was there, nothing twice and nothing lost', async () => {
      let moments = 0;
      await ground.restore(id, async (ref) => (moments = await momentsOf('loadStaged', ref)));
      expect(compareCaptures(before, await ground.capture())).toEqual([]);
      const killer = new Killer(ground, 'loadStaged', moments, wanted, seed + 1);
      while (!killer.done) {
        const client = ground.database();
        await client.db('juju').collection('statuseshistory').deleteMany({});
        await client.db('juju').collection('units').drop();
        await client.db('juju').collection('newer').insertOne({ x: killer.kills });
        await client.close();
        await ground.restore(id, (ref) => killer.run(ref));
        expect(compareCaptures(before, await ground.capture())).toEqual([]);
      }
    });
  });
}
