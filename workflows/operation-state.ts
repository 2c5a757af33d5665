import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import {
  defineQuery,
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
  #phase: Phase = 'preparing';
  #backupId: string | undefined;
  #preflight: PreflightReport | undefined;
  #pastNoReturn = false;

  constructor(
    readonly kind: WorkflowStatus['kind'],
    controller: string,
  ) {
    setHandler(statusQuery, () => this.#status());
    upsertSearchAttributes([
      { key: attributes.controller, value: controller },
      { key: attributes.phase, value: this.#phase },
    ]);
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
    upsertSearchAttributes([{ key: attributes.phase, value: phase }]);
    this.#tell();
  }

  concerns(backupId: string): void {
    if (backupId === this.#backupId) return;
    this.#backupId = backupId;
    upsertSearchAttributes([{ key: attributes.backupId, value: backupId }]);
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

  end(outcome: string, report: string): void {
    this.#phase = 'done';
    upsertSearchAttributes([
      { key: attributes.phase, value: this.#phase },
      { key: attributes.outcome, value: outcome },
    ]);
    setCurrentDetails(report);
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

  #tell(): void {
    const lines = [`**${this.kind}** of backup \`${this.#backupId ?? 'not chosen yet'}\``];
    lines.push('', `Phase: ${this.#phase}`);
    if (this.#pastNoReturn) {
      lines.push('', 'Past the point of no return: it ends complete, or is rolled back.');
    }
    for (const check of this.#preflight?.checks ?? []) {
      lines.push('', `- ${check.verdict}: ${check.name}: ${check.text}`);
    }
    setCurrentDetails(lines.join('\n'));
  }
}
