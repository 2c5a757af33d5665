/** Work on its way, so much at once; the first failure is told to whoever adds or waits next. */
export class Flight {
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(private readonly most: number) {}

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Resolves when the work has begun. @throws the first failure of earlier work */
  async add(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.most) await Promise.race(this.#running);
    this.#throwFailure();
    const running = work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when all is done. @throws the first failure */
  async land(): Promise<void> {
    await this.settle();
    this.#throwFailure();
  }

  /** Resolves when nothing runs any more, whatever came of it. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running);
  }
}
