import { errorText, HoldfastError } from '../core/errors';

/** Failures of single files of a backup; a file that is written again successfully is forgiven. */
export class ErrorRecorder {
  readonly #errors = new Map<string, unknown[]>();

  record(file: string, error: unknown): void {
    const known = this.#errors.get(file);
    if (known === undefined) this.#errors.set(file, [error]);
    else known.push(error);
  }

  forgive(file: string): void {
    this.#errors.delete(file);
  }

  get any(): boolean {
    return this.#errors.size > 0;
  }

  /** @throws HoldfastError HF-STORAGE-006 with every recorded failure; its cause is an AggregateError of them. */
  throwIfAny(storage: string, backup: string): void {
    if (!this.any) return;
    const all = [...this.#errors].flatMap(([file, errors]) =>
      errors.map((error) => ({ text: `${file}: ${errorText(error)}`, error })),
    );
    throw new HoldfastError(
      'HF-STORAGE-006',
      {
        storage,
        operation: 'writing',
        name: backup,
        reason: all.map(({ text }) => text).join('; '),
      },
      { cause: new AggregateError(all.map(({ error }) => error)) },
    );
  }
}
