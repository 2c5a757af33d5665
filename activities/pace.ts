import type { ByteBudget } from '../core/byte-budget';
import type { Progress } from './progress';

/** What all steps of a host may read and write in a second, together. */
export interface HostPace {
  /** Of what is read from mongod, host files and storage. */
  readonly read: ByteBudget;
  /** Of what is written to storage and mongod. */
  readonly write: ByteBudget;
}

const smallestPiece = 16 * 1024;
const largestPiece = 1024 * 1024;

/** A budget as one attempt of a step uses it: the step counts as alive while it waits for its share. */
export class StepBudget {
  constructor(
    private readonly budget: ByteBudget,
    private readonly progress: Progress,
    private readonly signal: AbortSignal,
  ) {}

  /** Bytes that pass at once without making a burst, when `ways` streams pass them: 16 KiB to 1 MiB; any without a limit. */
  piece(ways = 1): number {
    const { bytesPerSecond } = this.budget;
    if (bytesPerSecond === undefined) return Number.POSITIVE_INFINITY;
    const share = Math.floor(bytesPerSecond / (4 * ways));
    return Math.min(largestPiece, Math.max(smallestPiece, share));
  }

  /** Resolves when `bytes` may pass. @throws the reason of the step's abort */
  take(bytes: number): Promise<void> {
    if (this.budget.bytesPerSecond === undefined) return Promise.resolve();
    return this.progress.during(this.budget.take(bytes, this.signal));
  }

  /** Charges what can't wait. */
  spend(bytes: number): void {
    this.budget.spend(bytes);
  }

  /** The same bytes, at the budget's rate: in smaller pieces where there is a limit. */
  through(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    return this.budget.bytesPerSecond === undefined ? source : this.#slowly(source);
  }

  async *#slowly(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const most = this.piece();
    for await (const chunk of source) {
      for (let at = 0; at < chunk.length; at += most) {
        const piece = chunk.subarray(at, at + most);
        await this.take(piece.length);
        yield piece;
      }
    }
  }
}

/** Both budgets as one attempt uses them. */
export interface StepPace {
  readonly read: StepBudget;
  readonly write: StepBudget;
}

/** The host's budgets for one attempt. */
export function stepPace(pace: HostPace, progress: Progress, signal: AbortSignal): StepPace {
  return {
    read: new StepBudget(pace.read, progress, signal),
    write: new StepBudget(pace.write, progress, signal),
  };
}
