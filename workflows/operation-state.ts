import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import {
  ActivityFailure,
  ApplicationFailure,
  defineQuery,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import {
  messageNames,
  type Phase,
  type PreflightReport,
  type WorkflowStatus,
} from '../core/messages';
import { kindText } from '../core/operation';
import {
  isFailureDetail,
  latestPhases,
  tellStory,
  type FailureTold,
  type PassedPhase,
  type Story,
  type Subject,
} from './story';

/** The query `status` of every Holdfast workflow. */
export const statusQuery = defineQuery<WorkflowStatus>(messageNames.status);

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
const attributes = {
  controller: keyword(messageNames.searchAttributes.controller),
  backupId: keyword(messageNames.searchAttributes.backupId),
  phase: keyword(messageNames.searchAttributes.phase),
  outcome: keyword(messageNames.searchAttributes.outcome),
};

/** Where an operation stands: told by the query, the search attributes and the details the Web UI shows. */
export class OperationState {
  readonly kind: WorkflowStatus['kind'];
  #phase: Phase = 'preparing';
  #backupId: string | undefined;
  #preflight: PreflightReport | undefined;
  #pastNoReturn = false;
  #phases: readonly PassedPhase[] = [{ phase: 'preparing', began: Date.now() }];
  #forgotten = 0;
  #failures: readonly FailureTold[] = [];
  #waiting: string | undefined;
  #end: Story['end'];

  constructor(private readonly subject: Subject) {
    this.kind = subject.kind;
    setHandler(statusQuery, () => this.#status());
    upsertSearchAttributes([
      { key: attributes.controller, value: subject.controller },
      { key: attributes.phase, value: this.#phase },
    ]);
    this.#tell();
  }

  get phase(): Phase {
    return this.#phase;
  }

  get pastNoReturn(): boolean {
    return this.#pastNoReturn;
  }

  enter(phase: Phase): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#waiting = undefined;
    upsertSearchAttributes([{ key: attributes.phase, value: phase }]);
    this.#follow(phase);
    this.#tell();
  }

  concerns(backupId: string): void {
    if (backupId === this.#backupId) return;
    this.#backupId = backupId;
    upsertSearchAttributes([{ key: attributes.backupId, value: backupId }]);
    this.#tell();
  }

  /** What the current phase counted, for the details: `37 collections, 32,687 documents`. */
  counted(result: string): void {
    const last = this.#phases.at(-1);
    if (last === undefined) return;
    this.#phases = [...this.#phases.slice(0, -1), { ...last, result }];
    this.#tell();
  }

  /** What the operation waits for and what to do about it (Markdown), until its next phase. */
  waits(text: string): void {
    this.#waiting = text;
    this.#tell();
  }

  checked(preflight: PreflightReport): void {
    this.#preflight = preflight;
    this.#tell();
  }

  passNoReturn(): void {
    this.#pastNoReturn = true;
    this.#tell();
  }

  /** Tells why a step (`doing`: its summary), or else the operation itself, failed. A cancellation is no failure. */
  failed(error: unknown, doing?: string): void {
    if (isCancellation(error)) return;
    const told = failureTold(error, doing);
    // The step has told it already when its failure ends the operation.
    const known = this.#failures.some(
      ({ code, message }) => code === told.code && message === told.message,
    );
    if (known) return;
    this.#failures = [...this.#failures, told];
    this.#tell();
  }

  end(outcome: string, report: string): void {
    this.#phase = 'done';
    upsertSearchAttributes([
      { key: attributes.phase, value: this.#phase },
      { key: attributes.outcome, value: outcome },
    ]);
    this.#closePhase();
    this.#end = { outcome, report };
    this.#tell();
  }

  /** The operation ends without a report: what it failed with, if it did, is all there is to tell. */
  giveUp(error: unknown): void {
    this.failed(error);
    this.#closePhase();
    const report = isCancellation(error)
      ? `The ${kindText(this.kind)} was cancelled.`
      : `The ${kindText(this.kind)} **failed**.`;
    this.#end = { outcome: isCancellation(error) ? 'cancelled' : 'failed', report };
    this.#tell();
  }

  #status(): WorkflowStatus {
    return {
      v: 1,
      kind: this.kind,
      phase: this.#phase,
      ...(this.#backupId === undefined ? {} : { backupId: this.#backupId }),
      ...(this.#preflight === undefined ? {} : { preflight: this.#preflight }),
      pastNoReturn: this.#pastNoReturn,
    };
  }

  #follow(phase: Phase): void {
    this.#closePhase();
    const { kept, dropped } = latestPhases([...this.#phases, { phase, began: Date.now() }]);
    this.#phases = kept;
    this.#forgotten += dropped;
  }

  #closePhase(): void {
    const last = this.#phases.at(-1);
    if (last === undefined || last.ended !== undefined) return;
    this.#phases = [...this.#phases.slice(0, -1), { ...last, ended: Date.now() }];
  }

  #tell(): void {
    setCurrentDetails(
      tellStory({
        subject: this.subject,
        backupId: this.#backupId,
        phases: this.#phases,
        forgotten: this.#forgotten,
        failures: this.#failures,
        waiting: this.#waiting,
        preflight: this.#preflight,
        pastNoReturn: this.#pastNoReturn,
        end: this.#end,
      }),
    );
  }
}

/** The failure itself, below the ActivityFailure that only names the step. */
function failureTold(error: unknown, doing: string | undefined): FailureTold {
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  const step = doing === undefined ? {} : { doing };
  const message = cause instanceof Error ? cause.message : String(cause);
  if (!(cause instanceof ApplicationFailure)) {
    return { ...step, code: cause instanceof Error ? cause.name : 'error', message };
  }
  const detail: unknown = cause.details?.[0];
  return {
    ...step,
    code: cause.type ?? cause.name,
    message,
    ...(isFailureDetail(detail) ? { hint: detail.hint } : {}),
  };
}
