import type { MongoClient } from 'mongodb';
import type { PreflightCheck } from '../../core/messages';
import { kindText, type OperationRef } from '../../core/operation';
import { compareMoments, type OplogMoment } from '../../core/oplog-limit';
import { leaseHolder } from '../../mongo/lease';
import type { MemberState } from '../../mongo/member-state';
import type { ActivityDependencies } from '../dependencies';
import { describeBytes, freeSpace } from '../disk-space';
import type { Journal } from '../workspace/journal';

/** Data and indexes need more room than the data of the archive alone. */
const dataShare = 1.3;

/** A check that is met. */
export const pass = (name: string, text: string): PreflightCheck => ({
  name,
  verdict: 'pass',
  text,
});
/** A check whose outcome one should know. */
export const warn = (name: string, text: string): PreflightCheck => ({
  name,
  verdict: 'warn',
  text,
});
/** A check that keeps the restore from beginning. */
export const refuse = (name: string, text: string): PreflightCheck => ({
  name,
  verdict: 'refuse',
  text,
});

/** The release a version belongs to: `4.4` of `4.4.2`. */
export function majorMinor(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** Whether another run holds the replica set. */
export async function leaseCheck(
  client: MongoClient,
  ref: OperationRef,
  journal: Journal | undefined,
): Promise<PreflightCheck> {
  const lease = await leaseHolder(client);
  if (lease === undefined || lease.runId === ref.runId)
    return pass('lease', 'nobody else holds it');
  // A leftover of this host's own is compensated before the restore begins.
  const verdict = lease.runId === journal?.ref.runId ? warn : refuse;
  return verdict(
    'lease',
    `run ${lease.runId} (Temporal ${lease.temporal}) holds it since ${lease.since.toISOString()}`,
  );
}

/** Whether something unfinished is on this host. */
export function journalCheck(journal: Journal | undefined, ref: OperationRef): PreflightCheck {
  if (journal === undefined || journal.ref.runId === ref.runId) {
    return pass('journal', 'nothing unfinished on this host');
  }
  const { kind, backupId, runId } = journal.ref;
  const text = `an unfinished ${kindText(kind)} of ${backupId} (run ${runId})`;
  return journal.state === 'open'
    ? warn('journal', `${text} is undone first, unless it still runs`)
    : refuse('journal', `${text} is past its point of no return: --resume or --rollback it first`);
}

/** Whether mongod's volume has room for the data beside what is there. */
export async function diskCheck(
  dependencies: ActivityDependencies,
  member: MemberState,
  collections: readonly { readonly bytes: number }[],
): Promise<PreflightCheck> {
  const need = dataShare * collections.reduce((sum, { bytes }) => sum + bytes, 0);
  const path = member.dbPath ?? dependencies.config.controller.root;
  const { free, size } = await freeSpace(path);
  const { bytes, percent } = dependencies.config.limits.freeSpace;
  const floor = Math.max(bytes, (size * percent) / 100);
  const text = `${path}: ${describeBytes(free)} free, ${describeBytes(need)} needed beside the live data, ${describeBytes(floor)} must stay free`;
  return free >= need + floor ? pass('disk', text) : refuse('disk', text);
}

/**
 * What a limit of the replay means: the backup was read while it was being written, so only its whole
 * window makes it one moment.
 *
 * @param end where the window ends; undefined when it is not known
 */
export function limitChecks(ref: OperationRef, end: OplogMoment | undefined): PreflightCheck[] {
  const limit = ref.oplogLimit;
  if (limit === undefined) return [];
  const at = `${limit.t}:${limit.i}`;
  if (end !== undefined && compareMoments(limit, end) > 0) {
    return [pass('oplog limit', `the window ends before ${at}: all of it is replayed`)];
  }
  return [
    warn(
      'oplog limit',
      `nothing from ${at} on is replayed, but what was read later holds later changes: the data may be of several moments`,
    ),
  ];
}
