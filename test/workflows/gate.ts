import { Context } from '@temporalio/activity';

/** Holds a step until the test opens it: a moment of a workflow that a test can act in. */
export class Gate {
  readonly #reached = deferred();
  readonly #opened = deferred();

  /** Resolves when a step has come to the gate. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  open(): void {
    this.#opened.resolve();
  }

  /** In a step: waits for the gate. A cancellation ends it as it would end real work. */
  async pass(): Promise<void> {
    await this.#beating(Promise.race([this.#opened.promise, Context.current().cancelled]));
  }

  /** In a step: waits for the gate whatever happens, as work does that has no place to stop. */
  async passUnmoved(): Promise<void> {
    await this.#beating(this.#opened.promise);
  }

  /** A cancellation reaches a step with its next heartbeat. */
  async #beating(wait: Promise<void>): Promise<void> {
    const context = Context.current();
    const timer = setInterval(() => context.heartbeat(), 50);
    this.#reached.resolve();
    try {
      await wait;
    } finally {
      clearInterval(timer);
    }
  }
}

interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
}

function deferred(): Deferred {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
