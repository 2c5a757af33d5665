import { readJournal, type Journal } from '../activities/workspace/journal';
import { Workspace } from '../activities/workspace/workspace';

/** An operation that the journal of this host holds and that nobody works on. */
export interface Interrupted {
  readonly kind: Journal['ref']['kind'];
  readonly workflowId: string;
  readonly runId: string;
  readonly backupId: string;
  readonly state: Journal['state'];
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Address of the Temporal server that ran it. */
  readonly temporal: string;
}

/** What the journal of this host says, whoever works on it; undefined without a journal. */
export async function journaled(workspace: string): Promise<Interrupted | undefined> {
  const journal = await readJournal(new Workspace(workspace));
  if (journal === undefined) return undefined;
  const { ref, state, since, temporal } = journal;
  const { kind, workflowId, runId, backupId } = ref;
  return { kind, workflowId, runId, backupId, state, since, temporal };
}
