import type { MongoClient } from 'mongodb';
import { z } from 'zod';
import { explained } from './errors';

const helloSchema = z.object({
  isWritablePrimary: z.boolean(),
  setName: z.string().optional(),
  hosts: z.array(z.string()).default([]),
  passives: z.array(z.string()).default([]),
  arbiters: z.array(z.string()).default([]),
});
const buildSchema = z.object({ version: z.string() });
const fcvSchema = z.object({
  featureCompatibilityVersion: z.object({ version: z.string() }),
});
const optionsSchema = z.object({
  parsed: z.object({ storage: z.object({ dbPath: z.string().optional() }).optional() }).optional(),
});

/** What a restore must know of the mongod it writes to. */
export interface MemberState {
  readonly primary: boolean;
  readonly replicaSet: string;
  /** Members that hold data, and arbiters. */
  readonly members: number;
  readonly version: string;
  /** Feature compatibility version. */
  readonly fcv: string;
  /** Where it keeps its data, as it was told; undefined when by its default. */
  readonly dbPath: string | undefined;
}

/**
 * Reads the state of the connected member.
 *
 * @throws HoldfastError HF-MONGO-001, -004, -005
 */
export async function readMemberState(client: MongoClient): Promise<MemberState> {
  const run = (command: Record<string, unknown>, name: string): Promise<unknown> =>
    explained(client, name, 'admin', () => client.db('admin').command(command));
  const hello = helloSchema.parse(await run({ hello: 1 }, 'hello'));
  const { version } = buildSchema.parse(await run({ buildInfo: 1 }, 'buildInfo'));
  const fcv = fcvSchema.parse(
    await run({ getParameter: 1, featureCompatibilityVersion: 1 }, 'getParameter'),
  );
  const options = optionsSchema.parse(await run({ getCmdLineOpts: 1 }, 'getCmdLineOpts'));
  return {
    primary: hello.isWritablePrimary,
    replicaSet: hello.setName ?? '',
    members: hello.hosts.length + hello.passives.length + hello.arbiters.length,
    version,
    fcv: fcv.featureCompatibilityVersion.version,
    dbPath: options.parsed?.storage?.dbPath,
  };
}
