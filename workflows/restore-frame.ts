import { ActivityFailure, CancellationScope, isCancellation, log } from '@temporalio/workflow';
import type { UndoSummary } from '../activities/steps';
import type { CancelAnswer } from '../core/messages';
import type { OperationRef } from '../core/operation';
import { Cancellation } from './cancellation';
import { failure, undoneText } from './failure';
import type { HostRunner } from './host-steps';
import type { OperationState } from './operation-state';

interface RestoreFrameOptions {
  readonly kind: CancelAnswer['kind'];
  readonly state: OperationState;
  readonly host: HostRunner;
  /** Of the undo, for the Web UI. */
  readonly undoSummary: string;
  /** How it fails when it went back from behind its point of no return; as it failed by default. */
  readonly rolledBack?: (error: unknown) => unknown;
}

/**
 * What every restore does around its steps: a cancel or a failure is undone, from the journal once
 * there is one, and the operation ends by saying what became of what it had begun.
 */
export class RestoreFrame {
  readonly cancellation: Cancellation;
  /** The journal is written, or about to be: from here on only `undoRestore` leads back. */
  began = false;
  /** What was before is being removed: a failure can't be undone any more. */
  finishing = false;

  constructor(private readonly options: RestoreFrameOptions) {
    this.cancellation = new Cancellation(options.kind);
  }

  /** Runs what only looks: a cancel has nothing to undo. */
  async prepare(work: () => Promise<OperationRef>): Promise<OperationRef> {
    return await this.cancellation.run(work).catch((error: unknown) => {
      if (!this.cancellation.caused(error)) throw error;
      throw this.cancellation.failure('nothing was changed', error);
    });
  }

  /** Runs the restore, and undoes it when it ends otherwise than well. */
  async run<R>(ref: OperationRef, work: () => Promise<R>): Promise<R> {
    const { state } = this.options;
    try {
      return await this.cancellation.run(work);
    } catch (error) {
      state.failed(error);
      if (this.finishing) throw error;
      if (state.pastNoReturn) {
        this.cancellation.passed('rolling-back');
        const lost = await this.undo(ref);
        throw this.#rolledBack(error, lost);
      }
      // What a failing undo leaves is undone from the journal by the next operation on the host.
      const undone = await this.undo(ref).then(
        () => true,
        (failed: unknown) => {
          log.error('the undo of the restore failed', { error: failed });
          return false;
        },
      );
      if (!this.cancellation.caused(error)) throw error;
      throw this.cancellation.failure(undoneText(undone), error);
    }
  }

  /** Everything backwards, whatever is cancelled; what could not come back. */
  async undo(ref: OperationRef): Promise<readonly string[]> {
    const { state, host, undoSummary } = this.options;
    return await CancellationScope.nonCancellable(async () => {
      state.enter(state.pastNoReturn ? 'rolling-back' : 'compensating');
      if (!this.began) {
        await host.run('discardRun', [ref], { summary: 'clear the workspace' });
        return [];
      }
      return lostOf(await host.run('undoRestore', [ref], { summary: undoSummary }));
    });
  }

  #rolledBack(error: unknown, lost: readonly string[]): unknown {
    if (lost.length > 0) {
      const params = { namespaces: lost.join(', '), reason: reasonOf(error) };
      return failure('HF-RESTORE-004', params, error instanceof Error ? error : undefined);
    }
    if (this.cancellation.caused(error)) {
      const outcome = 'it was rolled back, and the controller is as it was before';
      return this.cancellation.failure(outcome, error);
    }
    if (isCancellation(error)) return error;
    return this.options.rolledBack?.(error) ?? error;
  }
}

/** Histories from before the step had an answer hold none. */
function lostOf(undone: UndoSummary | undefined): readonly string[] {
  return undone?.lost ?? [];
}

/** Why it failed: what the host's step said, not that a step failed. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
