import type { MongoClient } from 'mongodb';
import { readAll } from './raw-cursor';

/**
 * The raw documents of `admin.system.users` and `admin.system.roles`, less those whose name begins
 * with `holdfast`.
 *
 * @throws HoldfastError HF-MONGO-001, -004, -005, -006
 */
export async function readUsersAndRoles(
  client: MongoClient,
): Promise<{ users: Buffer; roles: Buffer }> {
  const read = (collection: string, key: string): Promise<Buffer> =>
    readAll(client, {
      database: 'admin',
      collection,
      command: {
        find: collection,
        filter: { [key]: { $not: /^holdfast/ } },
        sort: { _id: 1 },
        readConcern: { level: 'majority' },
      },
    });
  return { users: await read('system.users', 'user'), roles: await read('system.roles', 'role') };
}
