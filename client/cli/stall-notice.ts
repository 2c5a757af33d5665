import type { OperationHandle } from '../operation-handle';
import type { Status } from '../status';

/** What the notice is made of. */
export interface StallSources {
  readonly queues: OperationHandle['queues'];
  /** Milliseconds of any steady clock. */
  readonly now: () => number;
  /** When a queue was polled last, for people. */
  readonly lastPoll: (queue: keyof OperationHandle['queues']) => Promise<string>;
  readonly note: (line: string) => void;
}

/** Milliseconds. */
const startWithin = 5_000;

/** Says once, for each time that nothing begins for 5 s, which queue waits and what to run where. */
export class StallNotice {
  #since: number | undefined;
  #told = false;

  constructor(private readonly sources: StallSources) {}

  /** Never fails: what can't be found out is left out. */
  async look({ phase, step }: Pick<Status, 'phase' | 'step'>): Promise<void> {
    const waits =
      phase === undefined ||
      (step?.state === 'scheduled' && step.attempt <= 1 && !step.lastFailure);
    if (!waits) {
      this.#since = undefined;
      this.#told = false;
      return;
    }
    const { queues, now, lastPoll, note } = this.sources;
    this.#since ??= now();
    if (this.#told || now() - this.#since < startWithin) return;
    this.#told = true;
    const which = phase === undefined ? 'workflow' : 'host';
    // The server may go away between two questions; the operation is waited for all the same.
    const last = await lastPoll(which).catch(() => '');
    const machine = queues.host.split('/').at(-1) ?? '';
    note(
      `nothing has started yet on queue ${queues[which]}${last}; run \`holdfast worker\` on the host of ${machine}`,
    );
  }
}
