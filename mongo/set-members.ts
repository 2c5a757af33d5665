import type { MongoClient } from 'mongodb';
import { z } from 'zod';
import { HoldfastError } from '../core/errors';
import { connectionContext, explained } from './errors';

/** A member of a replica set that holds data, as the member that was asked sees it. */
export interface SetMember {
  /** `host:port` as the set's configuration names it. */
  readonly host: string;
  /** `other`: down, starting, resyncing, rolling back. */
  readonly state: 'primary' | 'secondary' | 'other';
  /** How far its newest entry lies behind the primary's, milliseconds. */
  readonly lag: number;
  readonly hidden: boolean;
  /** Kept behind the others on purpose. */
  readonly delayed: boolean;
  /** Whether it is the member that was asked. */
  readonly self: boolean;
}

const states: Readonly<Record<number, SetMember['state']>> = { 1: 'primary', 2: 'secondary' };

const statusSchema = z.object({
  members: z.array(
    z.object({
      name: z.string(),
      state: z.number(),
      health: z.number(),
      optimeDate: z.date().optional(),
      self: z.boolean().default(false),
    }),
  ),
});

const configSchema = z.object({
  config: z.object({
    members: z.array(
      z.object({
        host: z.string(),
        arbiterOnly: z.boolean().default(false),
        hidden: z.boolean().default(false),
        /** Since 5.0; before that `slaveDelay`. */
        secondaryDelaySecs: z.coerce.number().default(0),
        slaveDelay: z.coerce.number().default(0),
      }),
    ),
  }),
});

/**
 * The data-bearing members of the connected member's replica set, in the order of its configuration; none
 * outside a replica set.
 *
 * @throws HoldfastError HF-MONGO-001, -004, -005
 */
export async function readSetMembers(client: MongoClient): Promise<readonly SetMember[]> {
  const run = (name: string): Promise<unknown> =>
    explained(client, name, 'admin', () => client.db('admin').command({ [name]: 1 }));
  if ((await readHello(client)).setName === undefined) return [];
  const { config } = configSchema.parse(await run('replSetGetConfig'));
  const status = statusSchema.parse(await run('replSetGetStatus'));
  const byName = new Map(status.members.map((member) => [member.name, member]));
  const written = (member: (typeof status.members)[number]): number =>
    member.optimeDate?.getTime() ?? 0;
  const primary = status.members.find(({ state, health }) => state === 1 && health === 1);
  const newest =
    primary === undefined ? Math.max(0, ...status.members.map(written)) : written(primary);
  return config.members
    .filter(({ arbiterOnly }) => !arbiterOnly)
    .map(({ host, hidden, secondaryDelaySecs, slaveDelay }) => {
      const member = byName.get(host);
      return {
        host,
        hidden,
        delayed: secondaryDelaySecs > 0 || slaveDelay > 0,
        self: member?.self ?? false,
        state: (member?.health === 1 ? states[member.state] : undefined) ?? 'other',
        lag: Math.max(0, newest - (member === undefined ? 0 : written(member))),
      };
    });
}

/**
 * Whether the connected member's data can be read now.
 *
 * @throws HoldfastError HF-MONGO-001 when it is neither primary nor secondary; -002, -004, -005
 */
export async function requireReadable(client: MongoClient): Promise<void> {
  const hello = await readHello(client);
  if (hello.isWritablePrimary || hello.secondary) return;
  const hosts = connectionContext(client).hosts.join(', ');
  throw new HoldfastError('HF-MONGO-001', { hosts, reason: 'it is neither primary nor secondary' });
}

const helloSchema = z.object({
  isWritablePrimary: z.boolean(),
  secondary: z.boolean().default(false),
  setName: z.string().optional(),
});

async function readHello(client: MongoClient): Promise<z.infer<typeof helloSchema>> {
  const hello = (): Promise<unknown> => client.db('admin').command({ hello: 1 });
  return helloSchema.parse(await explained(client, 'hello', 'admin', hello));
}

/** A secondary further behind is not read while there is another member, milliseconds. */
const defaultMostLag = 10_000;

/**
 * The members a dump can read, the best first. Preferring secondaries: those that keep up, then the
 * primary; preferring the primary: the other way round. Hidden ones come after both, delayed ones
 * and those more than 10 s behind last. Among equals the member that was asked comes first, since it
 * is the nearest, then the one that is least behind.
 *
 * @param mostLag milliseconds
 */
export function rankMembers(
  members: readonly SetMember[],
  prefer: 'secondary' | 'primary',
  mostLag = defaultMostLag,
): readonly SetMember[] {
  const rank = ({ state, lag, hidden, delayed }: SetMember): number => {
    if (state === 'primary') return prefer === 'primary' ? 0 : 2;
    if (delayed || lag > mostLag) return 4;
    return hidden ? 3 : 1;
  };
  return members
    .filter(({ state }) => state !== 'other')
    .toSorted((a, b) => rank(a) - rank(b) || Number(b.self) - Number(a.self) || a.lag - b.lag);
}
