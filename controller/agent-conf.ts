import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { errorText, HoldfastError } from '../core/errors';
import { machineTagPattern, uuidPattern } from '../core/ids';
import { Secret } from '../core/secret';
import { isMissing, underRoot } from './root-path';

/** What Juju's machine agent keeps in `<data dir>/agents/<tag>/agent.conf` (format 2.0, Juju 2.0 to 3.6). */
export interface AgentConf {
  /** Where it was read, for messages. */
  readonly path: string;
  /** Tag of the machine agent, also its user name in MongoDB: `machine-0`. */
  readonly tag: string;
  /** UUID of the controller model. */
  readonly modelUuid: string;
  readonly controllerUuid: string | undefined;
  readonly nonce: string | undefined;
  /** The data directory as the agent knows it, `/var/lib/juju`. */
  readonly dataDir: string | undefined;
  /** `host:port` of API servers. */
  readonly apiAddresses: readonly string[];
  /** `host:port` of mongods; only Juju before 2.0 writes them. */
  readonly stateAddresses: readonly string[];
  readonly statePassword: Secret | undefined;
  readonly apiPassword: Secret | undefined;
  /** The password before the first login; the last way in after a half-finished bootstrap. */
  readonly oldPassword: Secret | undefined;
  /** PEM. */
  readonly caCert: string | undefined;
  /** PEM. */
  readonly controllerCert: string | undefined;
  readonly controllerKey: Secret | undefined;
  readonly caPrivateKey: Secret | undefined;
  readonly sharedSecret: Secret | undefined;
  readonly systemIdentity: Secret | undefined;
  readonly apiPort: number | undefined;
  /** Port of mongod; only a controller's machine has one. */
  readonly statePort: number | undefined;
  /** Version of Juju that runs here, such as `2.9.21`. */
  readonly upgradedToVersion: string | undefined;
  readonly mongoVersion: string | undefined;
  readonly jujuDbSnapChannel: string | undefined;
  readonly jobs: readonly string[];
  readonly values: Readonly<Record<string, string>>;
}

const text = z.string();
const port = z.int().min(1).max(65535);
const optionalSecret = text
  .optional()
  .transform((value) => (value === undefined || value === '' ? undefined : new Secret(value)));

const agentConfSchema = z.object({
  tag: text.regex(machineTagPattern, 'is not the tag of a machine'),
  model: text.optional(),
  environment: text.optional(),
  controller: text.optional(),
  nonce: text.optional(),
  datadir: text.optional(),
  apiaddresses: z.array(text).default([]),
  stateaddresses: z.array(text).default([]),
  statepassword: optionalSecret,
  apipassword: optionalSecret,
  oldpassword: optionalSecret,
  cacert: text.optional(),
  controllercert: text.optional(),
  stateservercert: text.optional(),
  controllerkey: optionalSecret,
  caprivatekey: optionalSecret,
  sharedsecret: optionalSecret,
  systemidentity: optionalSecret,
  apiport: port.optional(),
  stateport: port.optional(),
  upgradedToVersion: text.optional(),
  mongoversion: text.optional(),
  'juju-db-snap-channel': text.optional(),
  jobs: z.array(text).default([]),
  values: z.record(text, text).default({}),
});

function uuidOfTag(tag: string | undefined, kinds: readonly string[]): string | undefined {
  const kind = kinds.find((name) => tag?.startsWith(`${name}-`));
  if (tag === undefined || kind === undefined) return undefined;
  const uuid = tag.slice(kind.length + 1);
  return uuidPattern.test(uuid) ? uuid : undefined;
}

/**
 * Reads the text of an agent.conf.
 * @param path only for messages.
 * @throws HoldfastError HF-HOST-003 with the first things wrong; values are never quoted.
 */
export function parseAgentConf(content: string, path: string): AgentConf {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new HoldfastError('HF-HOST-003', { path, problem }, { cause });
  };
  const format = /^# format (\S+)/.exec(content)?.[1];
  if (format === undefined) return refuse('its first line is not `# format 2.0`');
  if (format !== '2.0' && format !== '1.18') {
    return refuse(`its format is ${format}; known are 1.18 and 2.0`);
  }
  let plain: unknown;
  try {
    plain = parse(content, { prettyErrors: false });
  } catch (error) {
    return refuse('it is not YAML', error instanceof Error ? new Error(error.name) : undefined);
  }
  const read = agentConfSchema.safeParse(plain);
  if (!read.success) {
    const problems = read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    return refuse(problems.slice(0, 5).join('; '));
  }
  const conf = read.data;
  const modelUuid = uuidOfTag(conf.model ?? conf.environment, ['model', 'environment']);
  if (modelUuid === undefined) return refuse('it names no controller model (key `model`)');
  return {
    path,
    tag: conf.tag,
    modelUuid,
    controllerUuid: uuidOfTag(conf.controller, ['controller']),
    nonce: conf.nonce,
    dataDir: conf.datadir,
    apiAddresses: conf.apiaddresses,
    stateAddresses: conf.stateaddresses,
    statePassword: conf.statepassword,
    apiPassword: conf.apipassword,
    oldPassword: conf.oldpassword,
    caCert: conf.cacert,
    controllerCert: conf.controllercert ?? conf.stateservercert,
    controllerKey: conf.controllerkey,
    caPrivateKey: conf.caprivatekey,
    sharedSecret: conf.sharedsecret,
    systemIdentity: conf.systemidentity,
    apiPort: conf.apiport,
    statePort: conf.stateport,
    upgradedToVersion: conf.upgradedToVersion,
    mongoVersion: conf.mongoversion,
    jujuDbSnapChannel: conf['juju-db-snap-channel'],
    jobs: conf.jobs,
    values: conf.values,
  };
}

/** Whether this agent runs a controller: only those know the port of mongod. */
export function isControllerAgent(conf: AgentConf): boolean {
  return conf.statePort !== undefined || conf.jobs.includes('JobManageModel');
}

/**
 * The one controller agent's agent.conf below `root` + `dataDir`, or undefined when no machine
 * agent has one.
 * @throws HoldfastError HF-HOST-003 when it can't be read, or when there is more than one controller agent.
 */
export async function findAgentConf(root: string, dataDir: string): Promise<AgentConf | undefined> {
  const agents = underRoot(root, join(dataDir, 'agents'));
  let names: string[];
  try {
    names = await readdir(agents);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unreadable(agents, error);
  }
  const found: AgentConf[] = [];
  for (const name of names.filter((each) => machineTagPattern.test(each)).sort()) {
    const path = join(agents, name, 'agent.conf');
    let content: string;
    try {
      content = await readFile(path, 'utf8');
    } catch (error) {
      if (isMissing(error)) continue;
      throw unreadable(path, error);
    }
    found.push(parseAgentConf(content, path));
  }
  const controllers = found.length > 1 ? found.filter(isControllerAgent) : found;
  const [only, second] = controllers;
  if (only !== undefined && second !== undefined) {
    throw new HoldfastError('HF-HOST-003', {
      path: only.path,
      problem: `${second.path} is a controller agent too`,
    });
  }
  return only;
}

function unreadable(path: string, cause: unknown): HoldfastError {
  return new HoldfastError(
    'HF-HOST-003',
    { path, problem: `it cannot be read: ${errorText(cause)}` },
    { cause },
  );
}
