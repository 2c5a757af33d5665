import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { z } from 'zod';
import { makeCertificates } from './certificates';
import { exampleDataDir, writeControllerFiles } from './controller-files';
import { mongodArguments } from './database';
import { SeededRandom } from './seeded-random';
import type { SupervisorConfig } from './supervisor-config';

/** What to build. */
export interface BuildOptions {
  /** Everything of the example lies below it. */
  readonly directory: string;
  /** Decides every document, file and password; only key pairs, ports and times differ. */
  readonly seed: number;
  /** Path of mongod. */
  readonly mongod: string;
  /** The example's present: its dates lie before it, those under TTL indexes a year after. */
  readonly now: Date;
  /** Where Holdfast is to find Temporal, for holdfast.yaml. */
  readonly temporalAddress?: string | undefined;
  /** Directory of the compiled programs (supervisor.js, agent.js), this file's own when not given. */
  readonly programs?: string | undefined;
  /** UUID of its controller model, one that the seed decides when not given. */
  readonly modelUuid?: string | undefined;
  /** Parameters of mongod, besides those every example has. */
  readonly mongodParameters?: Readonly<Record<string, string>> | undefined;
}

const exampleSchema = z.object({
  v: z.literal(1),
  directory: z.string(),
  /** `controller.root` of the example. */
  root: z.string(),
  dataDir: z.string(),
  configFile: z.string(),
  /** Reports of agent and supervisor. */
  state: z.string(),
  storage: z.string(),
  workspace: z.string(),
  hosts: z.array(z.string()),
  modelUuid: z.string(),
  controllerUuid: z.string(),
  password: z.string(),
  caCert: z.string(),
  caKey: z.string(),
  mongodVersion: z.string(),
  apiPort: z.int(),
  statePort: z.int(),
  socket: z.string(),
  supervisorConfig: z.string(),
  supervisor: z.string(),
  agentReport: z.string(),
  seed: z.int(),
});

/** Everything there is to know of an example; kept in `<directory>/example.json` (0600). */
export type ExampleController = z.infer<typeof exampleSchema>;

/** The unit of the example's agent, and of its mongod. */
export const agentUnitName = 'jujud-machine-0';
export const databaseUnitName = 'juju-db';

/** Where an example describes itself. */
export function exampleFile(directory: string): string {
  return join(resolve(directory), 'example.json');
}

/** Reads the description of an example that was built. */
export async function readExample(directory: string): Promise<ExampleController> {
  return exampleSchema.parse(JSON.parse(await readFile(exampleFile(directory), 'utf8')));
}

/**
 * Lays out an example controller below an empty directory: its host files, certificates, the
 * configuration of its supervisor, and a holdfast.yaml that points at it. Nothing runs yet.
 */
export async function buildController(options: BuildOptions): Promise<ExampleController> {
  const directory = resolve(options.directory);
  const programs = options.programs ?? __dirname;
  const random = new SeededRandom(options.seed);
  const at = (name: string): string => join(directory, name);
  for (const name of ['', 'root', 'state', 'storage', 'workspace']) {
    await mkdir(at(name), { recursive: true, mode: 0o700 });
  }
  const [statePort, apiPort] = await freePorts();
  const mongodVersion = await versionOf(options.mongod);
  const identity = {
    modelUuid: options.modelUuid ?? random.uuid(),
    controllerUuid: random.uuid(),
    password: random.bytes(18).toString('base64'),
    apiPort,
    statePort,
    mongoVersion: mongodVersion,
  };
  const certificates = makeCertificates(options.now, identity.controllerUuid);
  const root = at('root');
  const data = join(root, exampleDataDir);
  await writeControllerFiles(root, identity, certificates, random, options.now);
  await mkdir(join(data, 'db'), { recursive: true, mode: 0o700 });
  await writeFile(at('state/ca.crt'), certificates.caCert, { mode: 0o600 });
  const example: ExampleController = {
    v: 1,
    directory,
    root,
    dataDir: exampleDataDir,
    configFile: at('holdfast.yaml'),
    state: at('state'),
    storage: at('storage'),
    workspace: at('workspace'),
    hosts: [`127.0.0.1:${statePort}`],
    modelUuid: identity.modelUuid,
    controllerUuid: identity.controllerUuid,
    password: identity.password,
    caCert: certificates.caCert,
    caKey: certificates.caKey,
    mongodVersion,
    apiPort,
    statePort,
    socket: socketPath(directory),
    supervisorConfig: at('state/supervisor.json'),
    supervisor: join(programs, 'supervisor.js'),
    agentReport: at('state/agent.json'),
    seed: options.seed,
  };
  const supervisor: SupervisorConfig = {
    socket: example.socket,
    state: example.state,
    units: {
      [databaseUnitName]: {
        program: resolve(options.mongod),
        args: [
          ...mongodArguments({
            port: statePort,
            dbPath: join(data, 'db'),
            certificateKeyFile: join(data, 'server.pem'),
            caFile: at('state/ca.crt'),
            keyFile: join(data, 'shared-secret'),
            log: at('state/mongod.log'),
          }),
          ...Object.entries(options.mongodParameters ?? {}).flatMap(([name, value]) => [
            '--setParameter',
            `${name}=${value}`,
          ]),
        ],
        log: at('state/mongod.out'),
        enabled: true,
      },
      [agentUnitName]: {
        program: process.execPath,
        args: [
          join(programs, 'agent.js'),
          join(data, 'agents/machine-0/agent.conf'),
          example.agentReport,
        ],
        log: at('state/agent.log'),
        enabled: true,
      },
    },
  };
  await writeFile(example.supervisorConfig, `${JSON.stringify(supervisor, null, 2)}\n`, {
    mode: 0o600,
  });
  await writeFile(example.configFile, configText(example, options.temporalAddress), {
    mode: 0o600,
  });
  await writeFile(exampleFile(directory), `${JSON.stringify(example, null, 2)}\n`, { mode: 0o600 });
  return example;
}

function configText(example: ExampleController, temporalAddress: string | undefined): string {
  return stringify({
    controller: {
      name: 'example',
      root: example.root,
      dataDir: example.dataDir,
      services: { type: 'process', agent: agentUnitName, socket: example.socket },
    },
    storage: { type: 'file', path: example.storage },
    // All of an example is below its directory.
    catalog: { cache: join(example.storage, '..', 'cache') },
    workspace: example.workspace,
    ...(temporalAddress === undefined ? {} : { temporal: { address: temporalAddress } }),
    // An example is small: it must not be refused where a controller's reserve of free disk is missing.
    limits: { freeSpace: { bytes: '64MiB', percent: 0 } },
  });
}

/** A unix socket's path holds 107 bytes; deeper directories get one by digest. */
function socketPath(directory: string): string {
  const beside = join(directory, 'state', 'supervisor.sock');
  if (Buffer.byteLength(beside) <= 100) return beside;
  const digest = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  return join(tmpdir(), `holdfast-example-${digest}.sock`);
}

async function versionOf(mongod: string): Promise<string> {
  const { stdout } = await promisify(execFile)(mongod, ['--version']);
  const version = /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${mongod} --version names no version`);
  return version;
}

async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    if (typeof address === 'object' && address !== null) ports.push(address.port);
  }
  for (const server of servers) await new Promise((done) => server.close(done));
  const [first, second] = ports;
  if (first === undefined || second === undefined) throw new Error('no free port');
  return [first, second];
}
