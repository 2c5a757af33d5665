import { randomBytes } from 'node:crypto';
import type { MongoClient } from 'mongodb';
import { HoldfastError } from '../core/errors';
import { Secret } from '../core/secret';
import { explained, serverCode } from './errors';

/** The user of one attempt at a load: it can write data and make collections, and nothing else. */
export interface AttemptUser {
  readonly username: string;
  readonly password: Secret;
}

const roles = ['readWriteAnyDatabase', 'dbAdminAnyDatabase', 'clusterMonitor'];
const majority = { w: 'majority', wtimeout: 30_000 };
const userNotFound = 11;

function prefix(runId: string): string {
  return `holdfast-${runId}-`;
}

async function epochsOf(admin: MongoClient, runId: string): Promise<number[]> {
  const start = prefix(runId);
  const { users } = await explained(admin, 'usersInfo', 'admin', () =>
    admin.db('admin').command({ usersInfo: 1 }),
  );
  if (!Array.isArray(users)) return [];
  return users.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('user' in entry)) return [];
    const name = String(entry.user);
    const epoch = name.slice(start.length);
    return name.startsWith(start) && /^\d+$/.test(epoch) ? [Number(epoch)] : [];
  });
}

async function dropEpochs(admin: MongoClient, runId: string, epochs: number[]): Promise<void> {
  for (const epoch of epochs) {
    const name = `${prefix(runId)}${epoch}`;
    try {
      await admin.db('admin').command({ dropUser: name, writeConcern: majority });
    } catch (error) {
      if (serverCode(error) === userNotFound) continue;
      await explained(admin, 'dropUser', name, () => Promise.reject(error));
    }
  }
}

/**
 * Makes the user `holdfast-<run>-<epoch>` in `admin` for one attempt, after dropping those of the
 * run's earlier attempts: their connections die at their next command. Called again for the same
 * epoch it makes the user anew with another password.
 *
 * @param admin connected as a user with userAdminAnyDatabase
 * @throws HoldfastError HF-FENCE-001 when a later attempt has its user already, HF-MONGO-004, -005
 */
export async function createAttemptUser(
  admin: MongoClient,
  runId: string,
  epoch: number,
): Promise<AttemptUser> {
  const epochs = await epochsOf(admin, runId);
  const newest = Math.max(epoch, ...epochs);
  if (newest > epoch) {
    throw new HoldfastError('HF-FENCE-001', { mine: epoch, step: 'the load', newer: newest });
  }
  await dropEpochs(admin, runId, epochs);
  const username = `${prefix(runId)}${epoch}`;
  const password = new Secret(randomBytes(24).toString('base64url'));
  await explained(admin, 'createUser', username, () =>
    admin.db('admin').command({
      createUser: username,
      pwd: password.reveal(),
      roles: roles.map((role) => ({ role, db: 'admin' })),
      writeConcern: majority,
    }),
  );
  return { username, password };
}

/**
 * Drops the users of every attempt of a run. None is fine.
 *
 * @throws HoldfastError HF-MONGO-004, -005
 */
export async function dropAttemptUsers(admin: MongoClient, runId: string): Promise<void> {
  await dropEpochs(admin, runId, await epochsOf(admin, runId));
}
