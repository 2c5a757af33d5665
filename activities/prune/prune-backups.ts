import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { listBackups } from '../../catalog/storage-catalog';
import { prunedBackup, requireRemovable } from '../../catalog/pruning';
import { planPrune, sweepAfter } from '../../catalog/retention';
import type { BackupSummary } from '../../catalog/backup-summary';
import { HoldfastError } from '../../core/errors';
import { controllerWorkflowId, verifyAllWorkflowId, verifyWorkflowId } from '../../core/ids';
import { messageNames, type PruneInput, type PruneReport } from '../../core/messages';
import { storageDirectory } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import type { Attempt } from '../step';
import { tellCatalog } from '../tell-catalog';

const backupIdKey = defineSearchAttributeKey(
  messageNames.searchAttributes.backupId,
  SearchAttributeType.KEYWORD,
);

/**
 * Removes backups from the storage: those named, or those that the plan of the rules gives up now.
 *
 * Side effect: whole backups are gone. Idempotency key: their ids; what an attempt before this one
 * removed counts as removed when it was named, and is not there any more when rules decide.
 * Compensation: none. Timeouts: the heartbeat.
 * @throws HoldfastError HF-BACKUP-007 for one that is pinned, HF-BACKUP-008 for the last good one,
 * HF-LOCK-004 for one that is read or written now; of named ones none was removed then, but for one that
 * somebody began to read meanwhile.
 */
export async function pruneBackups(
  dependencies: ActivityDependencies,
  attempt: Attempt,
  input: PruneInput,
): Promise<Omit<PruneReport, 'duration'>> {
  const { signal, progress, client } = attempt;
  const storage = dependencies.openStorage(input.storage);
  const controller = storageDirectory(input.controller);
  const backups = await listBackups({ storage, controller, signal });
  const sizes = new Map(backups.map(({ id, size }) => [id, size]));
  const holder = await controllerHolder(client, input.controller);
  const readerOf = async (id: string): Promise<string | undefined> =>
    holder(id) ?? (await verification(client, input, id));
  const chosen =
    input.ids === undefined
      ? byRules(dependencies, backups, input, holder)
      : await named(storage.name, backups, input.ids, readerOf);
  const report: { removed: string[]; swept: string[]; freed: number } = {
    removed: [],
    swept: [],
    freed: 0,
  };
  progress.expect(chosen.length);
  try {
    for (const { id, sweep } of chosen) {
      signal.throwIfAborted();
      const reader = await readerOf(id);
      if (reader !== undefined) {
        if (input.ids === undefined) continue;
        throw new HoldfastError('HF-LOCK-004', { id, reader });
      }
      await storage.removeBackup(controller, id, { signal });
      (sweep ? report.swept : report.removed).push(id);
      report.freed += sizes.get(id) ?? 0;
      progress.add(1);
    }
    // What killed removals and uploads left belongs to no backup; which backups go is decided above.
    const old = dependencies.environment.now() - sweepAfter;
    if (input.ids === undefined) await storage.sweep(controller, old, { signal, keep: () => true });
  } finally {
    const ids = [...report.removed, ...report.swept];
    await tellCatalog(dependencies, attempt, { storage: storage.name, controller, ids });
  }
  return { v: 1, kind: 'prune', ...report };
}

interface Chosen {
  readonly id: string;
  readonly sweep: boolean;
}

function byRules(
  dependencies: ActivityDependencies,
  backups: readonly BackupSummary[],
  { rules = {} }: PruneInput,
  holder: (id: string) => string | undefined,
): Chosen[] {
  const seen = backups.map((backup) => prunedBackup(backup, holder(backup.id)));
  return planPrune(seen, rules, dependencies.environment.now()).flatMap(({ id, action }) =>
    action === 'keep' ? [] : [{ id, sweep: action === 'sweep' }],
  );
}

/** All of them are looked at before the first one goes. @throws HoldfastError HF-BACKUP-007, HF-BACKUP-008, HF-LOCK-004 */
async function named(
  storage: string,
  backups: readonly BackupSummary[],
  ids: readonly string[],
  readerOf: (id: string) => Promise<string | undefined>,
): Promise<Chosen[]> {
  requireRemovable(storage, backups, ids);
  for (const id of ids) {
    const reader = await readerOf(id);
    if (reader !== undefined) throw new HoldfastError('HF-LOCK-004', { id, reader });
  }
  return ids.map((id) => ({ id, sweep: false }));
}

/**
 * What the operation that holds the controller does with a backup. One that has not said yet which
 * backup it is about may be about any.
 */
export async function controllerHolder(
  client: Client,
  controller: string,
): Promise<(id: string) => string | undefined> {
  const held = await running(client, controllerWorkflowId(controller));
  if (held === undefined) return () => undefined;
  const { type, backupId } = held;
  const what = `the ${type} that runs`;
  return (id) => (backupId === undefined || backupId === id ? what : undefined);
}

/** A verification of this backup, or one of several that is at this one. */
async function verification(
  client: Client,
  { controller, storage }: PruneInput,
  id: string,
): Promise<string | undefined> {
  const one = await running(client, verifyWorkflowId(controller, storage, id));
  if (one !== undefined) return 'a verification that runs';
  const several = await running(client, verifyAllWorkflowId(controller, storage));
  return several?.backupId === id ? 'a verification of several backups that runs' : undefined;
}

async function running(
  client: Client,
  workflowId: string,
): Promise<{ readonly type: string; readonly backupId: string | undefined } | undefined> {
  try {
    const { status, type, typedSearchAttributes } = await client.workflow
      .getHandle(workflowId)
      .describe();
    if (status.name !== 'RUNNING' && status.name !== 'PAUSED') return undefined;
    return { type, backupId: typedSearchAttributes.get(backupIdKey) };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
