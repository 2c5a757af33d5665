import { ActivityFailure, CancellationScope, isCancellation, log } from '@temporalio/workflow';
import type { PreflightReport, RestoreInput, RestoreReport } from '../core/messages';
import type { OperationRef } from '../core/operation';
import { formatSize } from '../core/sizes';
import type { LoadSummary } from '../activities/steps';
import { Cancellation } from './cancellation';
import { ConfirmationGate } from './confirmation';
import { failure, throwIfCancelled, undoneText } from './failure';
import { HostRunner, runInfo } from './host-steps';
import { OperationState } from './operation-state';
import {
  describeRestore,
  inspected,
  loadedText,
  refuseOn,
  unchangedReport,
} from './restore-report';
import { count, timeText } from './story';

/**
 * Restores a backup: the data is loaded beside the live data while the agents run, and swapped in
 * within seconds. Until the point of no return a failure or cancel leaves everything as it was;
 * from there on it ends complete, or is rolled back to the exact state before.
 */
export async function restore(input: RestoreInput): Promise<RestoreReport> {
  const state = new OperationState({ ...input, kind: 'restore' });
  const host = new HostRunner(input.placement.host, input.limits, state);
  try {
    return await new RestoreRun(input, state, host).run();
  } catch (error) {
    state.giveUp(error);
    throw error;
  }
}

class RestoreRun {
  readonly #started = Date.now();
  readonly #cancellation = new Cancellation('restore');
  readonly #gate: ConfirmationGate;
  #compensated: string | undefined;
  #preflight: PreflightReport | undefined;
  /** An earlier run has begun to remove what was before: there is only the end left. */
  #finishing = false;

  constructor(
    private readonly input: RestoreInput,
    private readonly state: OperationState,
    private readonly host: HostRunner,
  ) {
    this.#gate = new ConfirmationGate(state, input.limits.confirmWait);
  }

  async run(): Promise<RestoreReport> {
    const ref = await this.#cancellation
      .run(() => this.#prepare())
      .catch((error: unknown) => {
        if (!this.#cancellation.caused(error)) throw error;
        throw this.#cancellation.failure('nothing was changed', error);
      });
    if (this.input.action === 'rollback') return await this.#rollback(ref);
    const progress = { began: this.input.action === 'resume' };
    try {
      return await this.#cancellation.run(() => this.#restore(ref, progress));
    } catch (error) {
      this.state.failed(error);
      if (this.#finishing) throw error;
      const { began } = progress;
      if (this.state.pastNoReturn) {
        this.#cancellation.passed('rolling-back');
        await this.#undo(ref, began);
        throw this.#rolledBack(error);
      }
      // What a failing undo leaves is undone from the journal by the next operation on the host.
      const undone = await this.#undo(ref, began).then(
        () => true,
        (failed: unknown) => {
          log.error('the undo of the restore failed', { error: failed });
          return false;
        },
      );
      if (!this.#cancellation.caused(error)) throw error;
      throw this.#cancellation.failure(undoneText(undone), error);
    }
  }

  /** `progress.began` tells the caller, whatever happens, whether anything was changed. */
  async #restore(ref: OperationRef, progress: { began: boolean }): Promise<RestoreReport> {
    if (!progress.began) {
      this.#preflight = await this.#prove(ref);
      if (this.input.planOnly) return await this.#planned(ref, this.#preflight);
      refuseOn(this.#preflight);
      if (!this.input.confirmed) await this.#gate.pass(ref.backupId);
      progress.began = true;
      this.state.enter('beginning');
      const { compensated } = await this.host.run('beginRestore', [ref, this.input], {
        summary: 'write the journal and take the lease',
        attempt: 600_000,
      });
      this.#compensated = compensated;
    }
    return await this.#replace(ref);
  }

  async #prepare(): Promise<OperationRef> {
    const run = runInfo();
    if (this.input.action !== 'restore') {
      const prepared = await this.host.run('prepareRestore', [this.input, run, undefined], {
        summary: `take up the unfinished restore (${this.input.action})`,
        attempt: 600_000,
      });
      this.state.concerns(prepared.ref.backupId);
      if (prepared.pastNoReturn) this.state.passNoReturn();
      this.#finishing = prepared.finishing;
      return prepared.ref;
    }
    this.state.enter('locating');
    const located = await this.host.run('locateBackup', [this.input, this.input.backup], {
      summary: 'find the backup',
      attempt: 600_000,
    });
    this.state.concerns(located.backupId);
    this.state.counted(`${located.archive.name}, ${formatSize(located.archive.size)}`);
    const prepared = await this.host.run('prepareRestore', [this.input, run, located.backupId], {
      summary: `check the host for ${located.backupId}`,
      attempt: 600_000,
    });
    return prepared.ref;
  }

  /** Everything that can be known before anything is changed. */
  async #prove(ref: OperationRef): Promise<PreflightReport> {
    this.state.enter('fetching');
    await this.host.run('fetchArchive', [ref], { summary: 'fetch the archive' });
    this.state.enter('inspecting');
    const proven = await this.host.run('inspectArchive', [ref], {
      summary: 'prove every byte of the archive',
    });
    this.state.counted(inspected(proven));
    this.state.enter('preflight');
    const report = await this.host.run('preflightRestore', [ref], {
      summary: 'check what could go wrong',
      attempt: 600_000,
    });
    this.state.checked(report);
    this.state.counted(`${report.checks.length} checks`);
    return report;
  }

  async #replace(ref: OperationRef): Promise<RestoreReport> {
    const { host, state } = this;
    let loaded: LoadSummary | undefined;
    let files = 0;
    if (!state.pastNoReturn) {
      if (this.#preflight === undefined) {
        state.enter('fetching');
        await host.run('fetchArchive', [ref], { summary: 'fetch the archive' });
        state.enter('inspecting');
        const proven = await host.run('inspectArchive', [ref], {
          summary: 'prove every byte of the archive',
        });
        state.counted(inspected(proven));
      }
      state.enter('loading');
      loaded = await host.run('loadStaged', [ref], {
        summary: 'load the data beside the live data',
      });
      state.counted(loadedText(loaded));
      state.enter('staging-files');
      files = (await host.run('stageFiles', [ref], { summary: 'lay the files beside theirs' }))
        .files;
      state.counted(`${count(files)} files`);
      state.enter('stopping-agents');
      // While a foreign client keeps the swap waiting the controller is away: not for long.
      await host.run('stopAgents', [ref], { summary: 'stop and mask the agents', attempts: 5 });
      throwIfCancelled();
    }
    const downtime = await CancellationScope.nonCancellable(() => this.#swap(ref));
    const report: RestoreReport = {
      v: 1,
      kind: 'restore',
      outcome: 'restored',
      backupId: ref.backupId,
      ...(this.#preflight === undefined ? {} : { preflight: this.#preflight }),
      collections: loaded?.collections ?? 0,
      documents: loaded?.documents ?? 0,
      oplogEntries: loaded?.oplogEntries ?? 0,
      files,
      ...(downtime === undefined ? {} : { downtime }),
      ...(this.#compensated === undefined ? {} : { compensated: this.#compensated }),
      duration: Date.now() - this.#started,
    };
    state.end('restored', describeRestore(report));
    return report;
  }

  /** From the point of no return to the end: seconds. The host is waited for without limit. */
  async #swap(ref: OperationRef): Promise<number | undefined> {
    const { host, state } = this;
    host.patience = undefined;
    state.passNoReturn();
    if (this.#finishing) this.#cancellation.passed('no-way-back');
    const downtime = this.#finishing
      ? undefined
      : await this.#cancellation.reversible(() => this.#swapAndStart(ref));
    state.enter('cleaning-up');
    await host.run('finishRestore', [ref, this.input.keepOld], {
      summary: 'remove what was before',
    });
    return downtime;
  }

  async #swapAndStart(ref: OperationRef): Promise<number | undefined> {
    const { host, state } = this;
    state.enter('swapping');
    if (ref.kind === 'restoreCollections') {
      await host.run('swapCollections', [ref], { summary: 'give the collections their names' });
      return undefined;
    }
    await host.run('swapDatabase', [ref], { summary: 'swap the collections' });
    await host.run('swapFiles', [ref], { summary: 'swap the files' });
    state.enter('restoring-users');
    await host.run('restoreUsers', [ref], { summary: 'set users and TTL indexes right' });
    state.enter('starting-agents');
    const { downtime } = await host.run('startAgents', [ref], { summary: 'start the agents' });
    if (downtime !== undefined) state.counted(`away for ${timeText(downtime)}`);
    return downtime;
  }

  async #planned(ref: OperationRef, preflight: PreflightReport): Promise<RestoreReport> {
    await this.host.run('discardRun', [ref], { summary: 'clear the workspace' });
    this.state.end('planned', `Nothing was changed. ${preflight.checks.length} checks made.`);
    return unchangedReport(ref.backupId, 'planned', this.#started, preflight);
  }

  async #rollback(ref: OperationRef): Promise<RestoreReport> {
    this.#cancellation.passed('rolling-back');
    await this.#undo(ref, true);
    this.state.end('rolled-back', 'The controller is as it was before the restore.');
    return unchangedReport(ref.backupId, 'rolled-back', this.#started);
  }

  /** How a restore fails that went back from behind its point of no return. */
  #rolledBack(error: unknown): unknown {
    if (this.#cancellation.caused(error)) {
      const outcome = 'it was rolled back, and the controller is as it was before';
      return this.#cancellation.failure(outcome, error);
    }
    if (isCancellation(error)) return error;
    const cause = error instanceof ActivityFailure ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return failure('HF-RESTORE-003', { reason }, error instanceof Error ? error : undefined);
  }

  async #undo(ref: OperationRef, began: boolean): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      this.state.enter(this.state.pastNoReturn ? 'rolling-back' : 'compensating');
      if (!began) {
        await this.host.run('discardRun', [ref], { summary: 'clear the workspace' });
        return;
      }
      await this.host.run('undoRestore', [ref], { summary: 'go back to the state before' });
    });
  }
}
