import { HoldfastError } from '../core/errors';

/**
 * Updates that met no document, and namespaces that were not there: legal only where the dump did not
 * see what was deleted or dropped later in the window.
 */
export class MissingUpdates {
  readonly #documents = new Map<string, Set<string>>();
  readonly #namespaces = new Set<string>();

  /** An update of this document met nothing. */
  missed(namespace: string, id: Buffer): void {
    const ids = this.#documents.get(namespace) ?? new Set<string>();
    ids.add(id.toString('latin1'));
    this.#documents.set(namespace, ids);
  }

  deleted(namespace: string, id: Buffer): void {
    const ids = this.#documents.get(namespace);
    if (ids === undefined) return;
    ids.delete(id.toString('latin1'));
    if (ids.size === 0) this.#documents.delete(namespace);
  }

  /** An operation met no collection. */
  unknown(namespace: string): void {
    this.#namespaces.add(namespace);
  }

  dropped(namespace: string): void {
    this.#namespaces.delete(namespace);
    this.#documents.delete(namespace);
  }

  /** Every namespace it knows of a database. */
  namespacesOf(database: string): string[] {
    const all = [...this.#documents.keys(), ...this.#namespaces];
    return all.filter((namespace) => namespace.startsWith(`${database}.`));
  }

  /** @throws HoldfastError HF-REPLAY-002 when anything is left */
  finish(): void {
    const [namespace] = [...this.#documents.keys(), ...this.#namespaces];
    if (namespace === undefined) return;
    const documents = [...this.#documents.values()].reduce((sum, ids) => sum + ids.size, 0);
    throw new HoldfastError('HF-REPLAY-002', {
      count: documents + this.#namespaces.size,
      namespace,
    });
  }
}
