import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { listBackups } from '../../catalog/storage-catalog';
import { prunedBackup } from '../../catalog/pruning';
import { planPrune, sweepAfter } from '../../catalog/retention';
import type { BackupSummary } from '../../catalog/backup-summary';
import { HoldfastError } from '../../core/errors';
import { controllerWorkflowId, verifyWorkflowId } from '../../core/ids';
import { messageNames, type PruneInput, type PruneReport } from '../../core/messages';
import { storageDirectory } from '../../core/operation';
import type { ActivityDependencies } from '../dependencies';
import type { Attempt } from '../step';

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
 * @throws HoldfastError HF-BACKUP-007 for one that is pinned, HF-LOCK-004 for one that is read or written now.
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
  const byId = new Map(backups.map((backup) => [backup.id, backup]));
  const holder = await controllerHolder(client, input.controller);
  const chosen =
    input.ids === undefined
      ? byRules(dependencies, backups, input, holder)
      : named(byId, input.ids);
  const report: { removed: string[]; swept: string[]; freed: number } = {
    removed: [],
    swept: [],
    freed: 0,
  };
  progress.expect(chosen.length);
  for (const { id, sweep } of chosen) {
    signal.throwIfAborted();
    const reader = holder(id) ?? (await verification(client, input.controller, id));
    if (reader !== undefined) {
      if (input.ids === undefined) continue;
      throw new HoldfastError('HF-LOCK-004', { id, reader });
    }
    await storage.removeBackup(controller, id, { signal });
    (sweep ? report.swept : report.removed).push(id);
    report.freed += byId.get(id)?.size ?? 0;
    progress.add(1);
  }
  // What killed removals and uploads left belongs to no backup; which backups go is decided above.
  const old = dependencies.environment.now() - sweepAfter;
  if (input.ids === undefined) await storage.sweep(controller, old, { signal, keep: () => true });
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

function named(byId: ReadonlyMap<string, BackupSummary>, ids: readonly string[]): Chosen[] {
  for (const id of ids)
    if (byId.get(id)?.pinned === true) throw new HoldfastError('HF-BACKUP-007', { id });
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

async function verification(
  client: Client,
  controller: string,
  id: string,
): Promise<string | undefined> {
  const found = await running(client, verifyWorkflowId(controller, id));
  return found === undefined ? undefined : 'a verification that runs';
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
