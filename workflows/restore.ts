import { CancellationScope } from '@temporalio/workflow';
import type { PreflightReport, RestoreInput, RestoreReport } from '../core/messages';
import type { OperationRef } from '../core/operation';
import { formatSize } from '../core/sizes';
import type { LoadSummary } from '../activities/steps';
import { ConfirmationGate } from './confirmation';
import { failure, throwIfCancelled } from './failure';
import { HostRunner, runInfo } from './host-steps';
import { OperationState } from './operation-state';
import { loadInPlace } from './in-place';
import { reasonOf, RestoreFrame } from './restore-frame';
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
  readonly #frame: RestoreFrame;
  readonly #gate: ConfirmationGate;
  #compensated: string | undefined;
  #preflight: PreflightReport | undefined;

  constructor(
    private readonly input: RestoreInput,
    private readonly state: OperationState,
    private readonly host: HostRunner,
  ) {
    this.#frame = new RestoreFrame({
      kind: 'restore',
      state,
      host,
      undoSummary: 'go back to the state before',
      rolledBack: (error) =>
        failure(
          'HF-RESTORE-003',
          { reason: reasonOf(error) },
          error instanceof Error ? error : undefined,
        ),
    });
    this.#gate = new ConfirmationGate(state, input.limits.confirmWait);
  }

  async run(): Promise<RestoreReport> {
    const ref = await this.#frame.prepare(() => this.#prepare());
    if (this.input.action === 'rollback') return await this.#rollback(ref);
    this.#frame.began = this.input.action === 'resume';
    return await this.#frame.run(ref, () => this.#restore(ref));
  }

  async #restore(ref: OperationRef): Promise<RestoreReport> {
    if (!this.#frame.began) {
      this.#preflight = await this.#prove(ref);
      if (this.input.planOnly) return await this.#planned(ref, this.#preflight);
      refuseOn(this.#preflight);
      if (!this.input.confirmed) await this.#gate.pass(ref.backupId);
      this.#frame.began = true;
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
      this.#frame.finishing = prepared.finishing;
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
    if (this.#frame.finishing) this.#frame.cancellation.passed('no-way-back');
    const downtime = this.#frame.finishing
      ? undefined
      : await this.#frame.cancellation.reversible(() => this.#swapAndStart(ref));
    if (!this.#frame.finishing) await loadInPlace(ref, host, state);
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
    this.#frame.began = true;
    this.#frame.cancellation.passed('rolling-back');
    const lost = await this.#frame.undo(ref);
    const but =
      lost.length === 0 ? '' : `, but for ${lost.join(', ')}, which --in-place had dropped`;
    this.state.end('rolled-back', `The controller is as it was before the restore${but}.`);
    return {
      ...unchangedReport(ref.backupId, 'rolled-back', this.#started),
      ...(lost.length === 0 ? {} : { lost }),
    };
  }
}
