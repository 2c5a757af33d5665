import {
  ActivityFailure,
  CancellationScope,
  defineUpdate,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import { RootCancellationScope } from '@temporalio/workflow/lib/cancellation-scope';
import { messageNames, type CancelAnswer, type CancelRequest } from '../core/messages';
import { kindText } from '../core/operation';
import { failure } from './failure';

/** The update `cancel`: asks an operation to stop, and is told what will happen. */
export const cancelUpdate = defineUpdate<CancelAnswer, [CancelRequest]>(messageNames.cancel);

/**
 * What a cancel means now. `no-return`: only a rollback leads back. `no-way-back`: what was before
 * is being removed.
 */
type Meaning = CancelAnswer['will'] | 'no-return' | 'no-way-back';

/**
 * The one decision about cancels of an operation, whether asked by the update or by a cancel of
 * Temporal's own: until the point of no return it stops and is undone, from there on it goes to its
 * end, unless the update asks for the rollback.
 */
export class Cancellation {
  readonly #stoppable = new CancellationScope();
  #reversible: CancellationScope | undefined;
  #meaning: Meaning = 'stopping';
  #asked = false;

  constructor(private readonly kind: CancelAnswer['kind']) {
    setHandler(cancelUpdate, (): CancelAnswer => ({ v: 1, kind, will: this.#decide() }), {
      validator: (request: CancelRequest) => this.#validate(request),
    });
  }

  /** Runs the operation: inside a cancel stops what runs, as long as that is what it means. */
  run<T>(operation: () => Promise<T>): Promise<T> {
    return this.#stoppable.run(operation);
  }

  /** From here on a cancel stops nothing: `finishing` a commit, or `rolling-back`, or the last removal. */
  passed(meaning: 'finishing' | 'rolling-back' | 'no-way-back'): void {
    this.#meaning = meaning;
  }

  /**
   * Past the point of no return: only a cancel with rollback stops these steps. A step that can't
   * succeed would otherwise keep the way back shut. To be called where Temporal's own cancel is
   * shielded off.
   */
  async reversible<T>(steps: () => Promise<T>): Promise<T> {
    this.#meaning = 'no-return';
    // Without a parent: Temporal's own cancel would reach the child of a shielded scope in a run
    // whose history does not say otherwise. The SDK exports neither this class nor its mark for "no
    // parent"; test/workflows/bundle.test.ts says when it does.
    const scope = new RootCancellationScope();
    this.#reversible = scope;
    const result = await scope.run(steps);
    // It may have been asked while the last step ended well.
    if (scope.consideredCancelled) await scope.cancelRequested;
    this.#meaning = 'no-way-back';
    return result;
  }

  /** Whether an operation ended by this error because the update asked it to. */
  caused(error: unknown): boolean {
    return this.#asked && isCancellation(error);
  }

  /** How an operation fails that the update stopped. */
  failure(outcome: string, error: unknown): Error {
    const cause = error instanceof ActivityFailure ? error.cause : error;
    const kind = kindText(this.kind);
    return failure('HF-CANCEL-001', { kind, outcome }, cause instanceof Error ? cause : undefined);
  }

  #validate({ rollback }: CancelRequest): void {
    if (this.#meaning === 'no-return' && !rollback) throw failure('HF-CANCEL-002', {});
    if (this.#meaning === 'no-way-back') throw failure('HF-CANCEL-003', {});
  }

  #decide(): CancelAnswer['will'] {
    switch (this.#meaning) {
      case 'stopping':
        this.#asked = true;
        this.#stoppable.cancel();
        return 'stopping';
      case 'no-return':
        this.#asked = true;
        this.#meaning = 'rolling-back';
        this.#reversible?.cancel();
        return 'rolling-back';
      case 'finishing':
      case 'rolling-back':
        return this.#meaning;
      case 'no-way-back':
        throw failure('HF-CANCEL-003', {});
      default:
        throw new TypeError(`meaning ${String(this.#meaning satisfies never)}`);
    }
  }
}
