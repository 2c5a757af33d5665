import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { HoldfastError } from '../../core/errors';
import { hasCode } from '../error-code';

const recordSchema = z.object({
  v: z.literal(1),
  /** Version of the server that wrote the database. */
  version: z.string(),
  /** The server that was started last; it may be gone. */
  process: z.object({ pid: z.number(), startTime: z.string() }).optional(),
});

/** What a state directory knows of its server: `<state>/server.json`. */
export type ServerRecord = z.output<typeof recordSchema>;

/** The record; undefined for a state directory that never had a server. */
export async function readServerRecord(path: string): Promise<ServerRecord | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  return recordSchema.parse(JSON.parse(text));
}

/** Replaces the record in one step. */
export async function writeServerRecord(path: string, record: ServerRecord): Promise<void> {
  const next = `${path}.next`;
  await writeFile(next, `${JSON.stringify(record)}\n`, { mode: 0o600, flush: true });
  await rename(next, path);
}

/**
 * A database that another version wrote is not opened without being told to: an older server
 * can't read it, and a newer one changes it for good.
 * @throws HoldfastError HF-TEMPORAL-003
 */
export function requireSameVersion(
  record: ServerRecord | undefined,
  found: string,
  acceptNew: boolean,
): void {
  if (record === undefined || record.version === found || acceptNew) return;
  throw new HoldfastError('HF-TEMPORAL-003', { recorded: record.version, found });
}
