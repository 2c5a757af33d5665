import { link, rm } from 'node:fs/promises';
import { z } from 'zod';
import {
  errorCode,
  readJsonFile,
  syncDirectory,
  writeFileDurably,
} from '../../config/durable-file';
import { HoldfastError } from '../../core/errors';
import { kindText, type OperationRef } from '../../core/operation';
import type { Workspace } from './workspace';

const refSchema = z.object({
  v: z.literal(1),
  kind: z.enum(['backup', 'restore', 'restoreCollections']),
  workflowId: z.string(),
  runId: z.string(),
  backupId: z.string(),
  directory: z.string(),
  owner: z.string(),
  host: z.object({ modelUuid: z.string(), machine: z.string(), machineId: z.string() }),
  plan: z.object({
    storage: z.string(),
    storageRoot: z.string(),
    root: z.string(),
    dataDir: z.string(),
    workspace: z.string(),
    compressor: z.enum(['zlib', 'igzip']).default('zlib'),
    level: z.number(),
    memberSize: z.number(),
  }),
  oplogLimit: z.object({ t: z.number(), i: z.number() }).optional(),
  collections: z
    .object({
      dump: z.string().optional(),
      include: z.array(z.string()).readonly(),
      exclude: z.array(z.string()).readonly(),
      rename: z.object({ from: z.string(), to: z.string() }).optional(),
      replace: z.boolean(),
    })
    .optional(),
});

const journalSchema = z.object({
  v: z.literal(1),
  ref: refSchema,
  state: z.enum(['open', 'past-no-return', 'finishing']),
  /** Milliseconds since the epoch. */
  since: z.number(),
  /** Address of the Temporal server that runs it. */
  temporal: z.string(),
});

/**
 * What is being done to this host. It is written before the first effect and removed after the
 * last, so that the host itself knows, whatever became of Temporal.
 */
export type Journal = z.infer<typeof journalSchema>;

export async function readJournal(workspace: Workspace): Promise<Journal | undefined> {
  const value = await readJsonFile(workspace.journalPath);
  return value === undefined ? undefined : journalSchema.parse(value);
}

/** Opens the journal for a run; when this run has it already, it is left as it is. Of two runs exactly one gets it; the other's answer is false. */
export async function openJournal(workspace: Workspace, journal: Journal): Promise<boolean> {
  const temporary = `${workspace.journalPath}.${journal.ref.runId}`;
  await writeFileDurably(temporary, JSON.stringify(journal));
  try {
    // A link appears whole or not at all and refuses an existing name: an exclusive create would
    // leave an empty journal when the host dies between create and write.
    await link(temporary, workspace.journalPath);
    await syncDirectory(workspace.path);
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    const found = await readJournal(workspace);
    return found?.ref.runId === journal.ref.runId;
  } finally {
    await rm(temporary, { force: true });
  }
}

const order = { open: 0, 'past-no-return': 1, finishing: 2 } as const satisfies Record<
  Journal['state'],
  number
>;

/**
 * Says how far the run is. Forward only: an attempt that wakes late must not say that there is a way
 * back when what was before is being removed.
 * @throws HoldfastError HF-LOCK-002 when the run is further already; as requireJournal.
 */
export async function advanceJournal(
  workspace: Workspace,
  ref: OperationRef,
  state: Journal['state'],
): Promise<void> {
  const journal = await requireJournal(workspace, ref);
  if (order[journal.state] > order[state]) throw heldBy(journal);
  await writeFileDurably(workspace.journalPath, JSON.stringify({ ...journal, state }));
}

/**
 * The journal, which must name this run: every step that changes the host, mongod or the storage
 * asks first, so that a run nobody knows any more cannot go on writing.
 * @throws HoldfastError HF-LOCK-002 when it names another run, HF-RESTORE-002 when there is none.
 */
export async function requireJournal(workspace: Workspace, ref: OperationRef): Promise<Journal> {
  const journal = await readJournal(workspace);
  if (journal === undefined) throw new HoldfastError('HF-RESTORE-002');
  if (journal.ref.runId !== ref.runId) throw heldBy(journal);
  return journal;
}

/** Removes the journal if it names this run. Idempotent. */
export async function closeJournal(workspace: Workspace, runId: string): Promise<void> {
  const journal = await readJournal(workspace);
  if (journal?.ref.runId !== runId) return;
  await rm(workspace.journalPath, { force: true });
  await syncDirectory(workspace.path);
}

export function heldBy(journal: Journal): HoldfastError<'HF-LOCK-002'> {
  return new HoldfastError('HF-LOCK-002', {
    kind: kindText(journal.ref.kind),
    backupId: journal.ref.backupId,
    runId: journal.ref.runId,
    state: journal.state === 'open' ? 'still running' : 'past its point of no return',
  });
}
