import { condition, defineUpdate, setHandler } from '@temporalio/workflow';
import { messageNames, type Confirmation } from '../core/messages';
import { failure } from './failure';
import type { OperationState } from './operation-state';
import { confirmText } from './restore-report';

/** The update `confirm`: answers a restore that waits after its preflight. */
export const confirmUpdate = defineUpdate<void, [Confirmation]>(messageNames.confirm);

/** Waits for the answer of the person who asked for a restore. */
export class ConfirmationGate {
  #answer: Confirmation['answer'] | undefined;
  #awaited: string | undefined;

  constructor(
    private readonly state: OperationState,
    /** Milliseconds. */
    private readonly wait: number,
  ) {
    setHandler(confirmUpdate, (confirmation) => this.#take(confirmation), {
      validator: (confirmation: Confirmation) => this.#validate(confirmation),
    });
  }

  /** @throws ApplicationFailure HF-CANCEL-001 for a no, HF-RESTORE-001 when nobody answered in time */
  async pass(backupId: string): Promise<void> {
    this.#awaited = backupId;
    this.state.enter('awaiting-confirmation');
    this.state.waits(confirmText(backupId, this.wait));
    const answered = await condition(() => this.#answer !== undefined, this.wait, {
      summary: 'give up when nobody confirms',
    });
    this.#awaited = undefined;
    if (answered && this.#answer === 'yes') return;
    throw answered
      ? failure('HF-CANCEL-001', { kind: 'restore', outcome: 'nothing was changed' })
      : failure('HF-RESTORE-001', { minutes: Math.round(this.wait / 60_000) });
  }

  /** The first answer counts: a second one finds nothing that waits. */
  #take({ answer }: Confirmation): void {
    this.#answer = answer;
    this.#awaited = undefined;
  }

  #validate(confirmation: Confirmation): void {
    if (this.#awaited === undefined) {
      throw failure('HF-USAGE-001', {
        problem: 'this restore does not wait for a confirmation',
        command: 'holdfast restore',
      });
    }
    if (confirmation.backupId !== this.#awaited) {
      throw failure('HF-USAGE-001', {
        problem: `this restore is about backup ${this.#awaited}, not ${confirmation.backupId}`,
        command: 'holdfast restore',
      });
    }
  }
}
