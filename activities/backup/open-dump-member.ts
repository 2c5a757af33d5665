import type { MongoClient } from 'mongodb';
import { isHoldfastError } from '../../core/errors';
import { connectMongo, type MongoTarget } from '../../mongo/connection';
import {
  rankMembers,
  readSetMembers,
  requireReadable,
  type SetMember,
} from '../../mongo/set-members';
import type { ActivityDependencies } from '../dependencies';
import { keepTarget, openAgent } from '../mongo-access';
import type { Attempt } from '../step';

const purpose = 'dump';
const defaultPatience = 15_000;

export interface DumpMemberOptions {
  /** Run directory: the set's members are remembered there, to be asked when this one is gone. */
  readonly directory: string;
  /** Member an earlier attempt began with, as the set's configuration names it. */
  readonly bound: string | undefined;
  /** How long that one may be away before another is read, milliseconds: 15,000 by default. */
  readonly patience?: number;
}

/**
 * Connects to the member that is to be dumped: the one an earlier attempt began with while it can be
 * read, since places in its data mean nothing elsewhere; else the best of the set.
 *
 * @returns a direct connection; the caller closes it
 * @throws HoldfastError the first refusal: HF-MONGO-001, -002, -004, -005
 */
export async function openDumpMember(
  dependencies: ActivityDependencies,
  attempt: Pick<Attempt, 'signal' | 'progress' | 'warn'>,
  { directory, bound, patience = defaultPatience }: DumpMemberOptions,
): Promise<MongoClient> {
  const { signal, progress } = attempt;
  const opening = async (): Promise<MongoClient> => {
    const seed = await openAgent(dependencies, { purpose, direct: true, signal, directory });
    let chosen: MongoClient | undefined;
    try {
      const members = await readSetMembers(seed.client);
      if (members.length < 2) return (chosen = seed.client);
      const hosts = new Set([...seed.target.hosts, ...members.map(({ host }) => host)]);
      await keepTarget(directory, { ...seed.target, hosts: [...hosts] });
      const held = members.find(({ host }) => host === bound);
      const ranked = rankMembers(members, dependencies.config.mongo.readFrom);
      const others = ranked.filter((member) => member !== held);
      let refusal: unknown;
      for (const member of held === undefined ? others : [held, ...others]) {
        try {
          const wait = member === held ? patience : undefined;
          return (chosen = await open(member, seed.client, seed.target, signal, wait));
        } catch (error) {
          signal.throwIfAborted();
          if (!isHoldfastError(error, ...passedOver)) throw error;
          refusal ??= error;
          attempt.warn('a member of the replica set is passed over', {
            member: member.host,
            reason: error.message,
          });
        }
      }
      if (refusal !== undefined) throw refusal;
      return (chosen = seed.client);
    } finally {
      if (chosen !== seed.client) await seed.client.close();
    }
  };
  return progress.during(opening());
}

/** Not reached, not let in, not readable. */
const passedOver = ['HF-MONGO-001', 'HF-MONGO-002', 'HF-MONGO-004', 'HF-MONGO-005'] as const;

async function open(
  member: SetMember,
  seed: MongoClient,
  target: MongoTarget,
  signal: AbortSignal,
  wait: number | undefined,
): Promise<MongoClient> {
  if (member.self && member.state !== 'other') return seed;
  const client = await connectMongo(
    { ...target, hosts: [member.host] },
    {
      appName: `holdfast-${purpose}`,
      direct: true,
      signal,
      ...(wait === undefined ? {} : { timeouts: { selectionMs: wait } }),
    },
  );
  try {
    await requireReadable(client);
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}
