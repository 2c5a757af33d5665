import type { MongoClient } from 'mongodb';
import { WireConnection } from './wire-connection';

/**
 * Connections of their own for scans: opened when they are needed, used again for the next
 * collection, and closed together.
 */
export class WireConnections {
  readonly #client: MongoClient;
  readonly #signal: AbortSignal | undefined;
  readonly #all = new Set<WireConnection>();
  readonly #idle: WireConnection[] = [];
  readonly #stop = (): void => this.#destroyAll(this.#signal?.reason);
  #closed = false;

  /** @param signal closes them, too, whoever waits for a reply is told its reason */
  constructor(client: MongoClient, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#stop, { once: true });
  }

  /**
   * A connection nobody else uses, until it is given back.
   *
   * @throws what the driver throws when a connection fails; the signal's reason, also while mongod
   * does not answer
   */
  async take(): Promise<WireConnection> {
    this.#signal?.throwIfAborted();
    for (let found = this.#idle.pop(); found !== undefined; found = this.#idle.pop()) {
      if (found.alive) return found;
      this.#all.delete(found);
    }
    return unlessAborted(this.#open(), this.#signal);
  }

  async #open(): Promise<WireConnection> {
    const opened = await WireConnection.open(this.#client);
    if (this.#closed) opened.destroy(this.#signal?.reason);
    else this.#all.add(opened);
    return opened;
  }

  /** For the next collection; one that still has to answer is closed. */
  giveBack(connection: WireConnection): void {
    if (connection.alive && connection.unanswered === 0) {
      this.#idle.push(connection);
      return;
    }
    connection.destroy();
    this.#all.delete(connection);
  }

  /** Closes all of them. */
  close(): void {
    this.#signal?.removeEventListener('abort', this.#stop);
    this.#destroyAll(undefined);
  }

  #destroyAll(reason: unknown): void {
    this.#closed = true;
    for (const connection of this.#all) connection.destroy(reason);
    this.#all.clear();
    this.#idle.length = 0;
  }
}

/** The work's outcome, or the signal's reason as soon as that is aborted; the work goes on unheeded. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
