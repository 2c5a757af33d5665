import { join } from 'node:path';
import type { MongoClient } from 'mongodb';
import { z } from 'zod';
import { readJsonFile, writeFileDurably } from '../config/durable-file';
import { readSecret } from '../config/secret-reference';
import { findAgentConf, type AgentConf } from '../controller/agent-conf';
import { mongoCandidates } from '../controller/mongo-target';
import { errorText, HoldfastError, isHoldfastError } from '../core/errors';
import { Secret } from '../core/secret';
import { connectMongo, type MongoTarget } from '../mongo/connection';
import type { ActivityDependencies } from './dependencies';

export interface AccessOptions {
  /** Part of the appName, so that the connection can be told from others: `holdfast-<purpose>`. */
  readonly purpose: string;
  /** Pin one member, the first that can be reached, instead of following the replica set. */
  readonly direct: boolean;
  readonly signal: AbortSignal;
  /** Run directory: what worked is kept there until the operation ends. */
  readonly directory?: string;
  /** agent.conf of the archive, once that is verified. */
  readonly archivedAgentConf?: AgentConf;
}

const keptSchema = z.object({
  v: z.literal(1),
  hosts: z.array(z.string()),
  replicaSet: z.string().optional(),
  ca: z.string().optional(),
  caFile: z.string().optional(),
  allowInvalidHostnames: z.boolean().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  authSource: z.string().optional(),
});

/**
 * Connects as the agent does, trying in order: what worked before in this operation, the
 * configuration, agent.conf, agent.conf of the verified archive, the localhost exception.
 * @throws HoldfastError the first refusal, since it is the one the operator configured for.
 */
export async function connectAgent(
  dependencies: ActivityDependencies,
  options: AccessOptions,
): Promise<MongoClient> {
  return (await openAgent(dependencies, options)).client;
}

/** As connectAgent; also tells the way that worked. */
export async function openAgent(
  dependencies: ActivityDependencies,
  options: AccessOptions,
): Promise<{ client: MongoClient; target: MongoTarget }> {
  const kept = options.directory === undefined ? undefined : await readKept(options.directory);
  const targets = kept === undefined ? [] : [kept];
  targets.push(...(await candidates(dependencies, options.archivedAgentConf)));
  let refusal: unknown;
  const ways = targets.flatMap((target) =>
    options.direct ? byHost(target) : [{ way: target, target }],
  );
  for (const { way, target } of ways) {
    try {
      const client = await connectMongo(way, {
        appName: `holdfast-${options.purpose}`,
        direct: options.direct,
        signal: options.signal,
      });
      if (target.username === undefined) await requireException(client);
      if (options.directory !== undefined && target !== kept) {
        await keepTarget(options.directory, target);
      }
      return { client, target };
    } catch (error) {
      options.signal.throwIfAborted();
      if (!isHoldfastError(error, 'HF-MONGO-001', 'HF-MONGO-002', 'HF-MONGO-005')) throw error;
      refusal ??= error;
    }
  }
  throw refusal ?? new HoldfastError('HF-MONGO-003', { hosts: 'nowhere' });
}

/** A direct connection leads to one member: the first that can be reached. */
function byHost(target: MongoTarget): { way: MongoTarget; target: MongoTarget }[] {
  return target.hosts.map((host) => ({ way: { ...target, hosts: [host] }, target }));
}

/** Without a user mongod accepts the connection and refuses the first command; better told here. */
async function requireException(client: MongoClient): Promise<void> {
  try {
    await client.db('admin').command({ listDatabases: 1, nameOnly: true });
  } catch (error) {
    await client.close();
    throw new HoldfastError(
      'HF-MONGO-002',
      { hosts: 'localhost', user: '(none)', reason: errorText(error) },
      { cause: error },
    );
  }
}

/** Every way to this host's mongod, in the order they are tried. */
export async function candidates(
  dependencies: ActivityDependencies,
  archivedAgentConf: AgentConf | undefined,
): Promise<MongoTarget[]> {
  const { config, environment } = dependencies;
  const { root, dataDir } = config.controller;
  const { hosts, replicaSet, tls, username, password } = config.mongo;
  let agentConf: AgentConf | undefined;
  try {
    agentConf = await findAgentConf(root, dataDir);
  } catch (error) {
    // A damaged agent.conf is one of the things a restore is for: the other ways are still tried.
    if (!isHoldfastError(error, 'HF-HOST-003')) throw error;
  }
  const secret = password === undefined ? undefined : await readSecret(password, environment);
  return mongoCandidates({
    configured: {
      ...(hosts === undefined ? {} : { hosts }),
      ...(replicaSet === undefined ? {} : { replicaSet }),
      ...(tls === undefined ? {} : { tls }),
      ...(username === undefined ? {} : { username }),
      ...(secret === undefined ? {} : { password: secret }),
    },
    agentConf,
    archivedAgentConf,
  }).map(({ target }) => target);
}

/** Remembers until the operation ends how mongod was reached. */
export async function keepTarget(directory: string, target: MongoTarget): Promise<void> {
  const { password, tls, ...rest } = target;
  const kept: z.input<typeof keptSchema> = {
    v: 1,
    hosts: [...rest.hosts],
    ...(rest.replicaSet === undefined ? {} : { replicaSet: rest.replicaSet }),
    ...(rest.username === undefined ? {} : { username: rest.username }),
    ...(rest.authSource === undefined ? {} : { authSource: rest.authSource }),
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.caFile === undefined ? {} : { caFile: tls.caFile }),
    ...(tls?.allowInvalidHostnames === undefined
      ? {}
      : { allowInvalidHostnames: tls.allowInvalidHostnames }),
    ...(password === undefined ? {} : { password: password.reveal() }),
  };
  await writeFileDurably(join(directory, 'credentials.json'), JSON.stringify(kept));
}

async function readKept(directory: string): Promise<MongoTarget | undefined> {
  const value = await readJsonFile(join(directory, 'credentials.json'));
  if (value === undefined) return undefined;
  const kept = keptSchema.parse(value);
  const tls = {
    ...(kept.ca === undefined ? {} : { ca: kept.ca }),
    ...(kept.caFile === undefined ? {} : { caFile: kept.caFile }),
    ...(kept.allowInvalidHostnames === undefined
      ? {}
      : { allowInvalidHostnames: kept.allowInvalidHostnames }),
  };
  return {
    hosts: kept.hosts,
    ...(kept.replicaSet === undefined ? {} : { replicaSet: kept.replicaSet }),
    ...(kept.username === undefined ? {} : { username: kept.username }),
    ...(kept.authSource === undefined ? {} : { authSource: kept.authSource }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
    ...(kept.password === undefined ? {} : { password: new Secret(kept.password) }),
  };
}
