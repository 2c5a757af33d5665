import { type MongoServerError, MongoWriteConcernError, type MongoClient } from 'mongodb';
import { errorText, HoldfastError } from '../core/errors';
import { elementValue, rawElements } from './bson-frames';
import { explained, failoverCodes, serverCode } from './errors';
import { rawField, type RawValue } from './raw-command';

const codes = { unauthorized: 13, authenticationFailed: 18, namespaceNotFound: 26 };
const writeConcern = { w: 'majority', wtimeout: 60_000 };

/**
 * Codes of a `create` or `createIndexes` that may end otherwise when it is tried again (error_codes.yml
 * of the server): unreachable hosts, locks, time limits, conflicts, a build that was stopped, a name that
 * is being dropped or gone, a full disk.
 */
const passing = [6, 7, 24, 26, 46, 48, 50, 89, 112, 117, 202, 262, 276, 290, 9001, 11601, 14031];

/** The elements of a raw document as fields of a command, each with its own bytes. */
export function rawFields(document: Buffer): Record<string, RawValue> {
  const fields: Record<string, RawValue> = {};
  for (const element of rawElements(document)) {
    Object.assign(fields, rawField(element.name, element.type, elementValue(document, element)));
  }
  return fields;
}

/** Drops a collection, with majority; one that isn't there is fine. */
export async function dropCollection(
  client: MongoClient,
  database: string,
  name: string,
): Promise<void> {
  await explained(client, 'drop', `${database}.${name}`, async () => {
    try {
      await client.db(database).command({ drop: name, writeConcern });
    } catch (error) {
      if (serverCode(error) !== codes.namespaceNotFound) throw error;
    }
  });
}

/** Whether mongod refuses what it is asked to make: it would refuse it for ever. */
export function isRefusal(error: unknown): error is MongoServerError {
  const code = serverCode(error);
  if (code === undefined || error instanceof MongoWriteConcernError) return false;
  const asked = code === codes.unauthorized || code === codes.authenticationFailed;
  return !asked && !failoverCodes.includes(code) && !passing.includes(code);
}

/**
 * Creates a collection, majority committed.
 *
 * @param fields of the command, behind its name
 * @param namespace the name that a refusal is about, when that is another one
 * @throws HoldfastError HF-LOAD-004 when mongod refuses the options, HF-MONGO-001, -004, -005
 */
export async function createCollection(
  client: MongoClient,
  { database, name }: { readonly database: string; readonly name: string },
  fields: Record<string, unknown>,
  namespace = `${database}.${name}`,
): Promise<void> {
  await explained(client, 'create', `${database}.${name}`, async () => {
    try {
      await client.db(database).command({ create: name, ...fields, writeConcern });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const params = { namespace, code: serverCode(error) ?? 'ok', reason: errorText(error) };
      throw new HoldfastError('HF-LOAD-004', params, { cause: error });
    }
  });
}
