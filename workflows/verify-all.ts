import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { errorTable } from '../core/error-table';
import { fitBytes } from '../core/fit-bytes';
import type { VerifiedBackup, VerifyAllInput, VerifyAllReport } from '../core/messages';
import { formatSize } from '../core/sizes';
import { Cancellation } from './cancellation';
import { HostRunner } from './host-steps';
import { OperationState } from './operation-state';
import { count, timeText } from './story';

/** Bytes: a report names up to a thousand backups. */
const reasonLimit = 300;

/** Codes that say what is wrong with a backup, not with the way to it. */
const damage = Object.entries(errorTable).flatMap(([code, { exit }]) => (exit === 13 ? code : []));

/**
 * Verifies the backups of a controller in a storage one after the other, all of them or a sample. Damage
 * in one is written down and told, and the next is read. Changes no backup, and stops when it is asked
 * to. Its history has one step a backup and at most a thousand of them.
 */
export async function verifyAll(input: VerifyAllInput): Promise<VerifyAllReport> {
  const started = Date.now();
  const state = new OperationState({ ...input, kind: 'verifyAll' });
  const cancellation = new Cancellation('verifyAll');
  const storage = new HostRunner(input.placement.storage, input.limits, state);
  try {
    const found = await cancellation.run(() => verifyChosen(input, state, storage));
    const { backups } = found;
    const report: VerifyAllReport = {
      v: 1,
      kind: 'verifyAll',
      storage: input.storage,
      ...(input.sample === undefined ? {} : { sample: input.sample }),
      outcome: backups.some(({ verdict }) => verdict === 'damaged') ? 'damaged' : 'sound',
      ...found,
      bytes: backups.reduce((sum, { bytes }) => sum + bytes, 0),
      duration: Date.now() - started,
    };
    state.end(report.outcome, describe(report));
    return report;
  } catch (error) {
    const reason = cancellation.caused(error)
      ? cancellation.failure('what it had found by then is written down', error)
      : error;
    state.giveUp(reason);
    throw reason;
  }
}

async function verifyChosen(
  input: VerifyAllInput,
  state: OperationState,
  storage: HostRunner,
): Promise<Pick<VerifyAllReport, 'backups' | 'left' | 'incomplete'>> {
  state.enter('choosing');
  const summary = 'choose those that were not proven for longest';
  const { ids, left, incomplete } = await storage.run('chooseBackups', [input], { summary });
  state.counted(`${count(ids.length)} of ${count(ids.length + left)} backups`);
  state.enter('verifying');
  const backups: VerifiedBackup[] = [];
  for (const id of ids) {
    // Who removes backups asks which one is read now.
    state.concerns(id);
    backups.push(await verifyOne(input, storage, id));
    const damaged = backups.filter(({ verdict }) => verdict === 'damaged').length;
    const worse = damaged === 0 ? '' : `, ${count(damaged)} damaged`;
    state.counted(`${count(backups.length)} of ${count(ids.length)} read${worse}`);
  }
  return { backups, left, incomplete };
}

async function verifyOne(
  input: VerifyAllInput,
  storage: HostRunner,
  id: string,
): Promise<VerifiedBackup> {
  try {
    const summary = `read and prove ${id}`;
    const { bytes } = await storage.run('verifyBackup', [{ ...input, backupId: id }], { summary });
    return { id, verdict: 'sound', bytes };
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : undefined;
    if (!(cause instanceof ApplicationFailure)) throw error;
    const code = cause.type ?? '';
    if (code === 'HF-STORAGE-001') return { id, verdict: 'gone', bytes: 0 };
    if (!damage.includes(code)) throw error;
    return { id, verdict: 'damaged', bytes: 0, code, reason: fitBytes(cause.message, reasonLimit) };
  }
}

function describe(report: VerifyAllReport): string {
  const { backups, left, incomplete, bytes, duration } = report;
  const damaged = backups.filter(({ verdict }) => verdict === 'damaged');
  const sound = backups.filter(({ verdict }) => verdict === 'sound');
  const lines = [
    `**${count(sound.length)}** of ${count(backups.length)} backups are sound, **${count(damaged.length)}** are damaged: ${formatSize(bytes)} read in ${timeText(duration)}.`,
  ];
  if (left > 0) lines.push(`${count(left)} others were not this run's turn.`);
  if (incomplete > 0) lines.push(`${count(incomplete)} incomplete ones have nothing to prove.`);
  const table = damaged.map(({ id, code }) => `| \`${id}\` | ${code ?? ''} |`);
  return table.length === 0
    ? lines.join('\n\n')
    : [lines.join('\n\n'), ['| damaged | |', '| --- | --- |', ...table].join('\n')].join('\n\n');
}
