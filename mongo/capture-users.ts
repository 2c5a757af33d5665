import { BSON, type Document, type MongoClient } from 'mongodb';
import { explained } from './errors';

/** Ours: made for a run and removed with it. */
const own = 'holdfast';

/** Text in which neither the order of fields nor that of lists counts: mongod's are sets. */
function canonicalText(value: unknown): string {
  return JSON.stringify(sorted(BSON.EJSON.serialize(value, { relaxed: false })));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .map(sorted)
      .map((item) => ({ item, text: JSON.stringify(item) }))
      .toSorted((a, b) => (a.text < b.text ? -1 : 1))
      .map(({ item }) => item);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}

function documentsOf(reply: Document, field: string): Record<string, unknown>[] {
  const documents: unknown = reply[field];
  if (!Array.isArray(documents)) return [];
  return documents.map((document: unknown) =>
    typeof document === 'object' && document !== null ? { ...document } : {},
  );
}

/** Users and roles of all databases by id, without credentials and userId, less Holdfast's own. */
export async function captureUsersAndRoles(
  client: MongoClient,
): Promise<{ users: Record<string, string>; roles: Record<string, string> }> {
  const admin = client.db('admin');
  const users: Record<string, string> = {};
  const found = await explained(client, 'usersInfo', 'admin', () =>
    admin.command({ usersInfo: { forAllDBs: true } }),
  );
  for (const user of documentsOf(found, 'users')) {
    const { userId: _userId, credentials: _credentials, ...shown } = user;
    if (!String(user['user']).startsWith(own)) users[String(user['_id'])] = canonicalText(shown);
  }
  const roles: Record<string, string> = {};
  const databases = await explained(client, 'distinct', 'admin.system.roles', () =>
    admin.collection('system.roles').distinct('db'),
  );
  for (const database of databases.map(String).toSorted()) {
    const info = await explained(client, 'rolesInfo', database, () =>
      client.db(database).command({ rolesInfo: 1, showPrivileges: true }),
    );
    for (const role of documentsOf(info, 'roles')) {
      const name = String(role['role']);
      if (!name.startsWith(own)) roles[`${database}.${name}`] = canonicalText(role);
    }
  }
  return { users, roles };
}
