import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { MongoClient } from 'mongodb';
import { z } from 'zod';
import { databaseClient } from '../../examples/controller/database';
import { exampleAccess, startController } from '../../examples/controller/run-controller';
import type { RunningController } from '../../examples/controller/run-controller';
import { databaseUnitName } from '../../examples/controller/build-controller';
import type { ExampleController } from '../../examples/controller/build-controller';
import { messageNames } from '../../core/messages';
import { bucketsPrefix } from '../../mongo/namespaces';
import { compiled } from '../examples/compiled';
import { until } from '../examples/until';
import { binary, freePort } from '../mongo/mongod';

/** What a command of the built `holdfast` did. */
export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds. */
  readonly took: number;
}

export interface SiteOptions {
  readonly mongod: '6.0' | '4.4';
  readonly seed: number;
  /** Bytes of documents. */
  readonly size: number;
  /** Heartbeat timeout of every step, milliseconds. */
  readonly heartbeatTimeout?: number;
  /** Members and buffers of a dump a 32nd of the defaults: a small dump is to them what a large one is. */
  readonly smallMembers?: boolean;
  readonly mongodParameters?: Readonly<Record<string, string>>;
  readonly modelUuid?: string;
  /** Variables of the workers' environment, besides those of this process. */
  readonly workerEnvironment?: Readonly<Record<string, string>>;
  /** Bytes that must stay free on every volume; the example's own number when not given. */
  readonly keepFree?: number;
  /** The section `storage` of holdfast.yaml, one line of YAML; the example's directory when not given. */
  readonly storage?: string;
  /** The section `storages`, one line of YAML; paths are relative to the example's directory. */
  readonly storages?: string;
  /** The section `catalog`, one line of YAML; the example's own when not given. */
  readonly catalog?: string | undefined;
  /** Is given the example's directory before anything is in it: to mount volumes there. */
  readonly prepare?: (directory: string) => Promise<void>;
}

const usersSchema = z.array(z.object({ user: z.string() }));

type Role = 'workflow' | 'host';

/** A real controller, a real Temporal server and the two workers of a host, all processes of their own. */
export class Site {
  readonly #children: ChildProcess[] = [];
  readonly #workers = new Map<Role, ChildProcess>();
  readonly #starting = new Set<Role>();

  private constructor(
    readonly directory: string,
    readonly controller: RunningController,
    readonly address: string,
    readonly temporal: Client,
    private server: ChildProcess,
    private readonly workerEnvironment: Readonly<Record<string, string>>,
  ) {}

  static async start(options: SiteOptions): Promise<Site> {
    const directory = await mkdtemp(join(tmpdir(), 'hf-site-'));
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const server = startTemporal(directory, port);
    await mkdir(join(directory, 'c'), { mode: 0o700 });
    await options.prepare?.(join(directory, 'c'));
    const controller = await startController({
      directory: join(directory, 'c'),
      seed: options.seed,
      sizeBytes: options.size,
      mongod: binary(options.mongod === '6.0' ? 'HOLDFAST_MONGOD' : 'HOLDFAST_MONGOD44'),
      now: new Date(),
      temporalAddress: address,
      mongodParameters: options.mongodParameters,
      modelUuid: options.modelUuid,
      programs: join(compiled('examples/controller/agent.js'), '..'),
    });
    const connection = await until('Temporal', async () =>
      Connection.connect({ address, connectTimeout: 500 }).catch(() => undefined),
    );
    const temporal = new Client({ connection });
    const environment = options.workerEnvironment ?? {};
    const site = new Site(directory, controller, address, temporal, server, environment);
    await site.#configure(options);
    return site;
  }

  get example(): ExampleController {
    return this.controller.example;
  }

  /** Starts a worker and waits until it polls. */
  async startWorker(role: Role): Promise<ChildProcess> {
    this.#starting.add(role);
    return await this.#startWorker(role).finally(() => this.#starting.delete(role));
  }

  /** Whether a worker is being started. */
  starting(role: Role): boolean {
    return this.#starting.has(role);
  }

  async #startWorker(role: Role): Promise<ChildProcess> {
    const log = openSync(join(this.directory, `${role}.log`), 'a', 0o600);
    const args = [compiled('worker/main.js'), role, this.example.configFile];
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', log],
      env: { ...process.env, ...this.workerEnvironment },
    });
    this.#children.push(child);
    this.#workers.set(role, child);
    let out = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
    await until(`the ${role} worker`, async () => {
      if (child.exitCode !== null) throw new Error(await this.log(role));
      return Promise.resolve(out.includes('ready ') ? true : undefined);
    });
    return child;
  }

  async startWorkers(): Promise<void> {
    await Promise.all([this.startWorker('workflow'), this.startWorker('host')]);
  }

  /** Signals a worker; SIGKILL is waited for. */
  async signalWorker(role: Role, signal: NodeJS.Signals): Promise<void> {
    const child = this.#workers.get(role);
    if (child === undefined) throw new Error(`no ${role} worker`);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await ended;
  }

  /** Whether a worker's newest process lives. */
  workerLives(role: Role): boolean {
    const child = this.#workers.get(role);
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** The newest process of a worker, to be signalled after another has been started. */
  worker(role: Role): ChildProcess {
    const child = this.#workers.get(role);
    if (child === undefined) throw new Error(`no ${role} worker`);
    return child;
  }

  /** Kills mongod with -9; its supervisor starts it again. */
  async killDatabase(): Promise<void> {
    const { pid } = await this.controller.services.state(databaseUnitName);
    if (pid === undefined) throw new Error('mongod does not run');
    process.kill(pid, 'SIGKILL');
  }

  /** Kills Temporal with -9 and starts it again on its database, on the same port. */
  async restartTemporal(): Promise<void> {
    const ended = new Promise((resolve) => this.server.once('exit', resolve));
    this.server.kill('SIGKILL');
    await ended;
    this.server = startTemporal(this.directory, Number(this.address.split(':')[1]));
    await until('Temporal', async () => {
      const connection = await Connection.connect({
        address: this.address,
        connectTimeout: 500,
      }).catch(() => undefined);
      await connection?.close();
      return connection === undefined ? undefined : true;
    });
  }

  log(role: Role): Promise<string> {
    return readFile(join(this.directory, `${role}.log`), 'utf8');
  }

  /** Runs the built command to its end. */
  holdfast(...args: readonly string[]): Promise<CommandResult> {
    return this.begin(...args).result;
  }

  /** Begins a command; what it does meanwhile can be disturbed. */
  begin(...args: readonly string[]): { child: ChildProcess; result: Promise<CommandResult> } {
    const began = performance.now();
    const child = spawn(process.execPath, [compiled('client/cli/main.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOLDFAST_CONFIG: this.example.configFile },
    });
    this.#children.push(child);
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const result = new Promise<CommandResult>((resolve) => {
      child.on('close', (code) =>
        resolve({ status: code ?? -1, stdout, stderr, took: performance.now() - began }),
      );
    });
    return { child, result };
  }

  /** Takes a backup and gives its id. */
  async create(notes = ''): Promise<string> {
    const created = await this.holdfast('create', notes, '--quiet');
    if (created.status !== 0) throw new Error(created.stderr);
    return created.stdout.trim();
  }

  /** The example's mongod as `machine-0`; to be closed by the caller. */
  database(): MongoClient {
    return databaseClient(exampleAccess(this.example));
  }

  /** What is left of operations, besides complete backups: nothing, when all is well. */
  async leftovers(): Promise<string[]> {
    const left: string[] = [];
    const { workspace, storage, modelUuid } = this.example;
    const names = await readdir(workspace);
    left.push(...names.filter((name) => !['host.json', 'runs', 'temporal'].includes(name)));
    const runs = await readdir(join(workspace, 'runs')).catch(() => []);
    left.push(...runs.map((name) => `runs/${name}`));
    const backups = await readdir(join(storage, modelUuid)).catch(() => []);
    for (const name of backups) {
      const files = await readdir(join(storage, modelUuid, name));
      if (!files.includes('MANIFEST')) left.push(`storage ${name}`);
      left.push(...files.filter((file) => file.endsWith('.part')));
    }
    const client = this.database();
    try {
      const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
      for (const { name } of databases) {
        if (name.startsWith('holdfast')) left.push(`database ${name}`);
        if (['admin', 'local', 'config'].includes(name)) continue;
        const collections = await client.db(name).listCollections({}, { nameOnly: true }).toArray();
        const made = collections.map((c) => c.name);
        left.push(
          ...made
            .filter((one) => one.startsWith('hf-') || isHiddenSeries(one, made))
            .map((one) => `${name}.${one}`),
        );
      }
      const info = await client.db('admin').command({ usersInfo: 1 });
      const users = usersSchema.parse(info['users']);
      left.push(
        ...users.flatMap(({ user }) => (user.startsWith('holdfast') ? [`user ${user}`] : [])),
      );
    } finally {
      await client.close();
    }
    return left;
  }

  async stop(): Promise<void> {
    await this.temporal.connection.close();
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    await this.controller.stop();
    const ended = new Promise((resolve) => this.server.once('exit', resolve));
    this.server.kill('SIGKILL');
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }

  async #configure({
    heartbeatTimeout = 2_000,
    smallMembers,
    keepFree,
    storage,
    storages,
    catalog,
  }: SiteOptions): Promise<void> {
    const members = smallMembers === true ? '  memberSize: 128KiB\n  buffers: 1MiB\n' : '';
    const { configFile } = this.example;
    const text = await readFile(configFile, 'utf8');
    let changed = text.replace(
      /^limits:\n/m,
      `limits:\n  heartbeatTimeout: ${heartbeatTimeout}ms\n${members}`,
    );
    if (keepFree !== undefined) changed = changed.replace('64MiB', String(keepFree));
    if (changed === text) throw new Error('holdfast.yaml of the example has no limits');
    if (storage !== undefined) {
      changed = changed.replace(/^storage:\n(?: .*\n)+/m, `storage: ${storage}\n`);
    }
    if (storages !== undefined) changed += `storages: ${storages}\n`;
    if (catalog !== undefined) {
      changed = changed.replace(/^catalog:\n(?: .*\n)+/m, `catalog: ${catalog}\n`);
    }
    await writeFile(configFile, changed);
  }
}

function startTemporal(directory: string, port: number): ChildProcess {
  const log = openSync(join(directory, 'temporal.log'), 'a', 0o600);
  const attributes = Object.values(messageNames.searchAttributes).flatMap((name) => [
    '--search-attribute',
    `${name}=Keyword`,
  ]);
  const args = ['server', 'start-dev', '--port', String(port), '--ip', '127.0.0.1', '--headless'];
  args.push('--db-filename', join(directory, 'temporal.db'));
  return spawn(binary('HOLDFAST_TEMPORAL_CLI'), [...args, '--log-level', 'error', ...attributes], {
    stdio: ['ignore', log, log],
  });
}

/** Buckets that no time series has. */
function isHiddenSeries(name: string, names: readonly string[]): boolean {
  return name.startsWith(bucketsPrefix) && !names.includes(name.slice(bucketsPrefix.length));
}
