import { WorkflowNotFoundError } from '@temporalio/client';
import { findRuns, type FoundRun } from './find-run';
import { readStatus, type Status } from './status';
import type { TemporalSession } from './temporal';

/** The operations of a controller: those that run, then the last ended, `most` in all. */
export async function readJobs(
  session: TemporalSession,
  modelUuid: string,
  most: number,
): Promise<readonly Status[]> {
  const runs = await session.call(() => findRuns(session.client, modelUuid, most));
  const statuses = await Promise.all(runs.map((run) => statusIfKept(session, run)));
  return statuses.filter((status) => status !== undefined);
}

async function statusIfKept(session: TemporalSession, run: FoundRun): Promise<Status | undefined> {
  try {
    // Each in a call of its own: the SDK leaves a listener on a call's signal with every request.
    return await session.call(() => readStatus(session.client, { ...run, query: false }));
  } catch (error) {
    // Its time in the server was over between the listing and this.
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
