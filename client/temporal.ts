import { setMaxListeners } from 'node:events';
import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  isGrpcServiceError,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../config/environment';
import type { TemporalConfig } from '../config/holdfast-config';
import { temporalConnection } from '../config/temporal';
import { errorText, HoldfastError, isHoldfastError } from '../core/errors';
import { connectionOptions } from '../worker/connection-options';
import { requireServer } from '../worker/probe-server';

const connectTimeout = 10_000;
/** Milliseconds that calls in flight get to end when the session is closed. */
const closeWithin = 5_000;
/** gRPC status codes DEADLINE_EXCEEDED and UNAVAILABLE. */
const unavailable = [4, 14];

/** A client's connection to Temporal. */
export class TemporalSession {
  readonly #closing: AbortController;
  /** What is in flight, each with its own signal: the SDK leaves its listeners on a signal for good. */
  readonly #calls = new Map<Promise<unknown>, AbortController>();

  private constructor(
    readonly client: Client,
    readonly connection: Connection,
    readonly namespace: string,
    readonly address: string,
    closing: AbortController,
  ) {
    this.#closing = closing;
  }

  /**
   * Connects to Temporal.
   * @throws HoldfastError HF-TEMPORAL-001 when no server answers (within 300 ms when nothing listens).
   */
  static async open(config: TemporalConfig, environment: Environment): Promise<TemporalSession> {
    const settings = await temporalConnection(config, environment);
    const { address, namespace } = settings;
    await requireServer(address);
    const closing = new AbortController();
    const retry = defaultGrpcRetryOptions();
    // A retry of the SDK's that fires after the channel has been closed ends the process.
    const interceptor = makeGrpcRetryInterceptor({
      ...retry,
      retryableDecider: (attempt, status) =>
        !closing.signal.aborted && retry.retryableDecider(attempt, status),
    });
    try {
      const connection = await Connection.connect({
        ...connectionOptions(settings),
        connectTimeout,
        interceptors: [interceptor],
      });
      const identity = `holdfast-client@${environment.hostname}:${environment.pid}`;
      const client = new Client({ connection, namespace, identity });
      return new TemporalSession(client, connection, namespace, address, closing);
    } catch (error) {
      throw unreachable(address, error);
    }
  }

  /**
   * Does calls on the connection; closing it cancels them.
   * @throws HoldfastError HF-TEMPORAL-001 when the server went away; else what the calls throw.
   */
  async call<T>(calls: () => Promise<T>): Promise<T> {
    const leave = new AbortController();
    // The SDK leaves a listener on it with every request, and to wait for an end is one every 20 s.
    setMaxListeners(0, leave.signal);
    const running = this.connection.withAbortSignal(leave.signal, calls);
    this.#calls.set(running, leave);
    try {
      return await running;
    } catch (error) {
      throw serviceError(this.address, error);
    } finally {
      this.#calls.delete(running);
    }
  }

  /** Cancels what is in flight and ends the connection. */
  async close(): Promise<void> {
    this.#closing.abort();
    const settled = Promise.allSettled(this.#calls.keys()).then(() => true);
    for (const leave of this.#calls.values()) leave.abort();
    const patience = new AbortController();
    const ended = await Promise.race([
      settled,
      sleep(closeWithin, false, { signal: patience.signal, ref: false }).catch(() => false),
    ]);
    patience.abort();
    if (ended) await this.connection.close();
  }
}

/** HF-TEMPORAL-001 for an error that means so, else the error itself. */
function serviceError(address: string, error: unknown): unknown {
  let next: unknown = error;
  // What has a code of ours was understood where it was raised.
  while (next instanceof Error && !isHoldfastError(next)) {
    if (isGrpcServiceError(next) && unavailable.includes(next.code)) {
      return unreachable(address, next);
    }
    next = next.cause;
  }
  return error;
}

function unreachable(address: string, cause: unknown): HoldfastError {
  return new HoldfastError('HF-TEMPORAL-001', { address, reason: errorText(cause) }, { cause });
}
