import type { MongoClient } from 'mongodb';
import type { Secret } from '../core/secret';
import { explained, serverCode } from './errors';

/** A user as which a controller's agent connects, such as `machine-0`. */
export interface MachineUser {
  readonly username: string;
  readonly password: Secret;
}

/** Roles Juju gives its agents in mongod, all on `admin`. */
export const machineRoles = [
  'dbAdminAnyDatabase',
  'userAdminAnyDatabase',
  'clusterAdmin',
  'readWriteAnyDatabase',
] as const;

const userExists = 51003;

/**
 * Makes the users of the machine tags, or gives those that exist this password and Juju's roles.
 * Other users are not touched.
 *
 * @param admin connected as a user with userAdminAnyDatabase
 * @throws HoldfastError HF-MONGO-004, HF-MONGO-005
 */
export async function upsertMachineUsers(
  admin: MongoClient,
  users: readonly MachineUser[],
): Promise<void> {
  for (const { username, password } of users) {
    const rest = {
      pwd: password.reveal(),
      roles: machineRoles.map((role) => ({ role, db: 'admin' })),
      writeConcern: { w: 'majority', wtimeout: 30_000 },
    };
    const db = admin.db('admin');
    await explained(admin, 'createUser', username, async () => {
      try {
        await db.command({ createUser: username, ...rest });
      } catch (error) {
        if (serverCode(error) !== userExists) throw error;
        await db.command({ updateUser: username, ...rest });
      }
    });
  }
}
