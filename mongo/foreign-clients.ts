import type { Document, MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { explained } from './errors';

/** A connection of somebody else. */
export interface ForeignClient {
  readonly connectionId: number;
  /** `host:port` it comes from. */
  readonly client: string;
  readonly appName: string | undefined;
  /** `user@database` it is logged in as. */
  readonly user: string | undefined;
}

interface Connection extends ForeignClient {
  readonly driver: string | undefined;
  readonly command: string | undefined;
}

const serverDrivers = ['NetworkInterfaceTL', 'MongoDB Internal Client'];
const greetings = ['hello', 'isMaster', 'ismaster'];

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined;
}

function connection(entry: Document): Connection | undefined {
  const client = text(entry['client']);
  const id: unknown = entry['connectionId'];
  if (client === undefined || typeof id !== 'number') return undefined;
  const first: unknown = Array.isArray(entry['effectiveUsers'])
    ? entry['effectiveUsers'][0]
    : undefined;
  const user = text(member(first, 'user'));
  const command: unknown = entry['command'];
  return {
    connectionId: id,
    client,
    appName: text(entry['appName']),
    user: user === undefined ? undefined : `${user}@${text(member(first, 'db')) ?? ''}`,
    driver: text(member(member(entry['clientMetadata'], 'driver'), 'name')),
    command: typeof command === 'object' && command !== null ? Object.keys(command)[0] : undefined,
  };
}

/**
 * The connections to this mongod that are neither Holdfast's (appName begins `holdfast`), nor of
 * the replica set itself (`__system@local`), nor the monitors of drivers, which never log in and
 * only greet. Idle ones are listed too.
 *
 * @param client as a user with clusterMonitor (inprog)
 * @throws HoldfastError HF-MONGO-001, -004, -005
 */
export async function foreignClients(client: MongoClient): Promise<ForeignClient[]> {
  const entries = await explained(client, '$currentOp', 'admin', () =>
    client
      .db('admin')
      .aggregate([{ $currentOp: { allUsers: true, idleConnections: true } }])
      .toArray(),
  );
  const connections = entries.flatMap((entry) => connection(entry) ?? []);
  const authenticated = connections.some(({ user }) => user !== undefined);
  const foreign = connections.filter(({ appName, user, driver, command }) => {
    if (appName?.startsWith('holdfast') === true || user === '__system@local') return false;
    if (driver !== undefined && serverDrivers.includes(driver)) return false;
    if (user !== undefined) return true;
    return !authenticated && (command === undefined || !greetings.includes(command));
  });
  const unique = new Map(foreign.map((entry) => [entry.connectionId, entry]));
  return [...unique.values()].map(({ connectionId, client: from, appName, user }) => ({
    connectionId,
    client: from,
    appName,
    user,
  }));
}

function described({ client, appName, user }: ForeignClient): string {
  const named = appName === undefined ? client : `${appName} at ${client}`;
  return user === undefined ? named : `${named} as ${user}`;
}

/**
 * Refuses to go on while others are connected.
 *
 * @throws HoldfastError HF-SWAP-001, retryable, that names them
 */
export async function refuseForeignClients(client: MongoClient): Promise<void> {
  const found = await foreignClients(client);
  if (found.length === 0) return;
  throw new HoldfastError('HF-SWAP-001', { clients: found.map(described).join(', ') });
}
