import { readdir, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleFiles } from '../../activities/backup/bundle-files';
import { commitBackup } from '../../activities/backup/commit-backup';
import { composeArchive } from '../../activities/backup/compose-archive';
import { dumpDatabase } from '../../activities/backup/dump-database';
import { finishBackup } from '../../activities/backup/finish-backup';
import { inspectRope } from '../../activities/backup/inspect-rope';
import { prepareBackup } from '../../activities/backup/prepare-backup';
import { storeArchive } from '../../activities/backup/store-archive';
import { undoBackup } from '../../activities/backup/undo-backup';
import { verifyStored } from '../../activities/backup/verify-stored';
import type { RunInfo } from '../../activities/steps';
import { backupId, controllerWorkflowId } from '../../core/ids';
import type { BackupInput } from '../../core/messages';
import type { OperationRef } from '../../core/operation';
import { begin, commonInput, end, type StepHost } from './step-host';

interface Begun {
  readonly input: BackupInput;
  readonly run: RunInfo;
  readonly ref: OperationRef;
}

async function prepare(host: StepHost): Promise<Begun> {
  const { identity, dependencies, attempt } = host;
  const input: BackupInput = { ...commonInput(host), notes: '', purpose: 'manual' };
  const run = {
    v: 1,
    workflowId: controllerWorkflowId(identity.modelUuid),
    runId: attempt.runId,
  } as const;
  const id = backupId(new Date(dependencies.environment.now()), identity.modelUuid);
  const { ref } = await prepareBackup(dependencies, attempt, input, run, id);
  return { input, run, ref };
}

/** Every step of a backup, one after the other. */
export async function backUp(host: StepHost): Promise<void> {
  const { dependencies, attempt } = host;
  begin();
  const { input, ref } = await prepare(host);
  await dumpDatabase(dependencies, attempt, ref);
  await bundleFiles(dependencies, attempt, ref);
  await composeArchive(dependencies, attempt, ref, input);
  const { archive } = await inspectRope(dependencies, attempt, ref);
  await storeArchive(dependencies, attempt, ref, archive);
  await verifyStored(dependencies, attempt, ref, archive);
  await commitBackup(dependencies, attempt, ref, input, archive);
  await finishBackup(dependencies, attempt, ref);
  end({ size: archive.size });
}

/** The dump into the spool; what it wrote is removed again, outside of what is measured. */
export async function dump(host: StepHost, runs: string): Promise<void> {
  const { dependencies, attempt } = host;
  const { run, ref } = await prepare(host);
  begin();
  const { bytes, documents } = await dumpDatabase(dependencies, attempt, ref);
  end({ bytes, documents, stored: await spooled(join(runs, ref.runId, 'dump')) });
  await undoBackup(dependencies, attempt, run);
}

/** Bytes of the dump's segments. */
async function spooled(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory)) {
    if (name.startsWith('seg-')) bytes += (await lstat(join(directory, name))).size;
  }
  return bytes;
}
