import type { Socket } from 'node:net';
import { MongoNetworkError, type Document, type MongoClient } from 'mongodb';
import { connect, type DriverConnection } from 'mongodb/lib/cmap/connect';
import { MongoClientAuthProviders } from 'mongodb/lib/mongo_client_auth_providers';
import { BsonFrameError } from './bson-frames';
import { unreadableReply } from './errors';
import { encodeCommand, messageHeaderBytes, restOfReply } from './op-msg';

/** Gives memory for at least that many bytes. */
export type Reserve = (bytes: number) => Promise<Buffer>;

interface Receiver {
  readonly reserve: Reserve;
  readonly resolve: (rest: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

const none = Buffer.alloc(0);

/**
 * A connection that the driver has opened and authenticated, and whose socket is read here from then
 * on, for two things that the driver does not do: several requests may be under way, so that mongod
 * makes the next batch while one is sent; and a reply is put into memory of the caller's as it comes,
 * where the driver puts it together in memory of its own, which takes half of the time of a dump.
 *
 * It stands on internals of the driver (driver-internals.d.ts); test/mongo/wire-connection.test.ts
 * fails when those change.
 */
export class WireConnection {
  readonly #connection: DriverConnection;
  readonly #socket: Socket;
  readonly #client: MongoClient;
  readonly #header = Buffer.alloc(messageHeaderBytes);
  /** Bytes of the header, then of the rest, that have come. */
  #filled = 0;
  #rest: Buffer | undefined;
  #reserving = false;
  /** What has come and has no place yet. */
  #held: Buffer = none;
  #receiver: Receiver | undefined;
  #failure: unknown;
  #lastRequest = 0;
  #lastReply = 0;

  private constructor(connection: DriverConnection, client: MongoClient) {
    this.#connection = connection;
    this.#socket = connection.socket;
    this.#client = client;
    this.#socket.unpipe(connection.messageStream);
    this.#socket.on('data', (chunk: Buffer) => {
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
      this.#advance();
    });
    this.#socket.on('error', (error) => this.#fail(lost(error.message, error)));
    this.#socket.on('close', () => this.#fail(lost('the connection was closed')));
    // What ended it may have been told before anybody listened here.
    if (this.#socket.destroyed) this.#fail(lost('the connection was closed'));
    else this.#socket.resume();
  }

  /**
   * Opens one more connection as a client of one host has them: same host, TLS, user and name.
   *
   * @throws what the driver throws when a connection fails
   */
  static async open(client: MongoClient): Promise<WireConnection> {
    const { options } = client;
    const [hostAddress] = options.hosts;
    const connection = await connect({
      ...options,
      hostAddress,
      id: 'dump',
      generation: 0,
      authProviders: new MongoClientAuthProviders(),
    });
    return new WireConnection(connection, client);
  }

  /** Requests that have not been answered. */
  get unanswered(): number {
    return this.#lastRequest - this.#lastReply;
  }

  /** Whether it can be used for more. */
  get alive(): boolean {
    return this.#failure === undefined;
  }

  /** Sends a command; replies come in the order of the requests. */
  send(command: Document): void {
    if (this.#failure !== undefined) return;
    this.#lastRequest += 1;
    this.#socket.write(encodeCommand(this.#lastRequest, command));
  }

  /**
   * The next reply without its header, at the start of what `reserve` gave. Before this is called no
   * more is read than the socket's buffer holds. Calls must not overlap. Memory that is given after the
   * connection has failed is not touched.
   *
   * @throws MongoNetworkError when the connection is lost
   * @throws HoldfastError HF-MONGO-006 when what comes is no reply
   */
  receive(reserve: Reserve): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#receiver = { reserve, resolve, reject };
      this.#advance();
    });
  }

  /** Closes the socket at once; who waits for a reply is told the reason. */
  destroy(reason: unknown = lost('the connection was closed')): void {
    this.#fail(reason);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#held = none;
    this.#connection.destroy();
    const receiver = this.#receiver;
    this.#receiver = undefined;
    receiver?.reject(this.#failure);
  }

  /** Puts what has come where it belongs, until there is no more of it or no place. */
  #advance(): void {
    try {
      for (;;) {
        const receiver = this.#receiver;
        if (this.#failure !== undefined) return this.#fail(this.#failure);
        if (receiver === undefined || this.#reserving) {
          if (this.#held.length === 0) break;
          if (this.unanswered === 0) throw new BsonFrameError('a reply that nobody asked for', 0);
          this.#socket.pause();
          return;
        }
        if (this.#rest === undefined) {
          if (!this.#fill(this.#header)) break;
          this.#reserve(receiver, restOfReply(this.#header, this.#lastReply + 1));
        } else {
          if (!this.#fill(this.#rest)) break;
          const rest = this.#rest;
          this.#rest = undefined;
          this.#receiver = undefined;
          this.#lastReply += 1;
          receiver.resolve(rest);
        }
      }
      if (this.#socket.isPaused()) this.#socket.resume();
    } catch (error) {
      this.#fail(
        error instanceof BsonFrameError
          ? unreadableReply(this.#client, error.message, error)
          : error,
      );
    }
  }

  #reserve(receiver: Receiver, bytes: number): void {
    this.#reserving = true;
    receiver.reserve(bytes).then(
      (memory) => {
        this.#reserving = false;
        this.#rest = memory.subarray(0, bytes);
        this.#advance();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Moves bytes in hand into `target`; true when it is full. */
  #fill(target: Buffer): boolean {
    const missing = target.length - this.#filled;
    const part = this.#held.length <= missing ? this.#held : this.#held.subarray(0, missing);
    target.set(part, this.#filled);
    this.#filled += part.length;
    this.#held = part.length === this.#held.length ? none : this.#held.subarray(part.length);
    if (this.#filled < target.length) return false;
    this.#filled = 0;
    return true;
  }
}

function lost(reason: string, cause?: Error): MongoNetworkError {
  return new MongoNetworkError(reason, cause === undefined ? {} : { cause });
}
