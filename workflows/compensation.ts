import { CancellationScope, log } from '@temporalio/workflow';

interface Compensation {
  readonly name: string;
  run(): Promise<unknown>;
}

/**
 * The undo steps of an operation, last registered first run. A step is registered before the
 * effect it undoes, because a step can fail after its effect; so each must be safe to run in vain.
 */
export class Compensations {
  #stack: Compensation[] = [];

  register(name: string, run: () => Promise<unknown>): void {
    this.#stack.push({ name, run });
  }

  /** The operation has succeeded: nothing is to be undone any more. */
  clear(): void {
    this.#stack = [];
  }

  get pending(): boolean {
    return this.#stack.length > 0;
  }

  /**
   * Shielded from cancellation. A failing step keeps neither the others from running nor the
   * operation from telling why it failed: what it leaves is compensated from the journal by the next
   * operation on the host.
   * @returns whether everything was undone.
   */
  async run(): Promise<boolean> {
    let complete = true;
    await CancellationScope.nonCancellable(async () => {
      for (let next = this.#stack.pop(); next !== undefined; next = this.#stack.pop()) {
        try {
          await next.run();
        } catch (error) {
          complete = false;
          log.error(`compensation failed: ${next.name}`, { error });
        }
      }
    });
    return complete;
  }
}
