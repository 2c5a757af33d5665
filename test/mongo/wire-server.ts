import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import * as os from 'node:os';
import { BSON, MongoClient, type Document } from 'mongodb';

/** A request as it came, and the connection that it came on. */
export interface WireRequest {
  readonly id: number;
  readonly command: Document;
  readonly socket: Socket;
}

const opReply = 1;
const opQuery = 2004;
const opMsg = 2013;

function header(length: number, responseTo: number, opcode: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32LE(length, 0);
  bytes.writeInt32LE(responseTo, 8);
  bytes.writeInt32LE(opcode, 12);
  return bytes;
}

/** An OP_MSG of one section that answers a request. */
export function messageTo(responseTo: number, reply: Document): Buffer {
  const body = BSON.serialize(reply);
  return Buffer.concat([header(21 + body.length, responseTo, opMsg), Buffer.alloc(5), body]);
}

const hello = {
  ismaster: true,
  isWritablePrimary: true,
  maxBsonObjectSize: 16 * 1024 * 1024,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  minWireVersion: 0,
  maxWireVersion: 17,
  setName: 'of-the-test',
  hosts: [],
  ok: 1,
};

/** The first hello is asked, and answered, in the protocol's older form. */
function queryReply(responseTo: number): Buffer {
  const body = BSON.serialize(hello);
  const rest = Buffer.alloc(20);
  rest.writeInt32LE(1, 16);
  return Buffer.concat([header(36 + body.length, responseTo, opReply), rest, body]);
}

function isHello(command: Document): boolean {
  return 'ismaster' in command || 'isMaster' in command || 'hello' in command;
}

/** Speaks just enough of mongod's protocol for the driver to connect; what comes then is the test's. */
export class WireServer {
  readonly sockets: Socket[] = [];
  readonly #server: Server;
  readonly #clients: MongoClient[] = [];
  /** Answers hello, when it is not `false`. */
  greets = true;
  /** Called for every command that is not hello. */
  onRequest: (request: WireRequest) => void = () => undefined;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#read(socket));
  }

  static async start(): Promise<WireServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new WireServer(server);
  }

  get host(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `127.0.0.1:${address.port}`;
  }

  /** A client of this server, not connected yet; closed by `stop`. */
  client(): MongoClient {
    const client = new MongoClient(`mongodb://${this.host}/`, {
      directConnection: true,
      connectTimeoutMS: 60_000,
      runtimeAdapters: { os },
    });
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(this.#clients.map((client) => client.close()));
    this.#server.close();
    await once(this.#server, 'close');
  }

  #read(socket: Socket): void {
    this.sockets.push(socket);
    socket.setNoDelay(true);
    // A client that goes away is what some tests are about.
    socket.on('error', () => undefined);
    let held = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 16 && held.length >= held.readInt32LE(0)) {
        const message = held.subarray(0, held.readInt32LE(0));
        held = held.subarray(message.length);
        this.#answer(message, socket);
      }
    });
  }

  #answer(message: Buffer, socket: Socket): void {
    const id = message.readInt32LE(4);
    const isQuery = message.readInt32LE(12) === opQuery;
    // OP_QUERY: flags, the collection's name as a cstring, numbers to skip and to return.
    const body = isQuery ? message.indexOf(0, 20) + 9 : 21;
    const command = BSON.deserialize(message.subarray(body));
    if (isQuery || isHello(command)) {
      if (this.greets) socket.write(isQuery ? queryReply(id) : messageTo(id, hello));
    } else this.onRequest({ id, command, socket });
  }
}
