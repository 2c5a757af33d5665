import { setImmediate as nextTurn } from 'node:timers/promises';
import { Socket } from 'node:net';
import { BSON, MongoNetworkError, type Document } from 'mongodb';
import * as driver from 'mongodb/lib/cmap/connect';
import { MongoClientAuthProviders } from 'mongodb/lib/mongo_client_auth_providers';
import { scanCollection, type ScanBatch } from '../../mongo/collection-scan';
import { PipelinedCursor } from '../../mongo/pipelined-cursor';
import { replyBody } from '../../mongo/op-msg';
import { WireConnection, type Reserve } from '../../mongo/wire-connection';
import { WireConnections } from '../../mongo/wire-connections';
import { until } from './replica-set';
import { messageTo, WireServer, type WireRequest } from './wire-server';

const reserve: Reserve = (bytes) => Promise.resolve(Buffer.allocUnsafe(bytes));
const never = (): Promise<Buffer> => new Promise(() => undefined);
const command = { find: 'c', $db: 'd' };

let server: WireServer;

beforeEach(async () => {
  server = await WireServer.start();
});
afterEach(() => server.stop());

async function opened<T>(use: (connection: WireConnection) => Promise<T>): Promise<T> {
  const connection = await WireConnection.open(server.client());
  try {
    return await use(connection);
  } finally {
    connection.destroy();
  }
}

async function answer(connection: WireConnection): Promise<Document> {
  return BSON.deserialize(replyBody(await connection.receive(reserve)));
}

/** Reads a collection of the test's server to its end, or the failure. */
async function scan(): Promise<ScanBatch[]> {
  const client = server.client();
  const connections = new WireConnections(client, undefined);
  const request = {
    database: 'd',
    collection: 'c',
    uuid: undefined,
    after: undefined,
    batchBytes: 1_000,
    documentBytes: 100,
    reserve,
  };
  try {
    const batches: ScanBatch[] = [];
    for await (const batch of scanCollection({ client, connections }, request)) batches.push(batch);
    return batches;
  } finally {
    connections.close();
  }
}

describe("the driver's internals that scans stand on", () => {
  test('still are there: connect gives a socket, what it goes through, and destroy', async () => {
    const { options } = server.client();
    const connection = await driver.connect({
      ...options,
      hostAddress: options.hosts[0],
      id: 'a test',
      generation: 0,
      authProviders: new MongoClientAuthProviders(),
    });
    expect(connection.socket).toBeInstanceOf(Socket);
    expect(connection.socket.listenerCount('data')).toBe(1);
    connection.socket.unpipe(connection.messageStream);
    expect(connection.socket.listenerCount('data')).toBe(0);
    expect(connection.socket.timeout ?? 0).toBe(0);
    connection.destroy();
    expect(connection.socket.destroyed).toBe(true);
  });

  test('get nothing of the replies any more', async () => {
    let messages: NodeJS.WritableStream | undefined;
    const real = driver.connect;
    const connect = jest.spyOn(driver, 'connect').mockImplementation(async (options) => {
      const made = await real(options);
      messages = made.messageStream;
      return made;
    });
    server.onRequest = ({ id, socket }) => void socket.write(messageTo(id, { ok: 1 }));
    try {
      await opened(async (connection) => {
        if (messages === undefined) throw new Error('not opened by the driver');
        const write = jest.spyOn(messages, 'write');
        connection.send(command);
        expect(await answer(connection)).toEqual({ ok: 1 });
        expect(write).not.toHaveBeenCalled();
      });
    } finally {
      connect.mockRestore();
    }
  });
});

describe('replies', () => {
  test('are read right when they come byte by byte', async () => {
    server.onRequest = ({ id, socket }) => {
      const bytes = messageTo(id, { ok: 1, text: `reply ${id}` });
      void (async () => {
        for (const byte of bytes) {
          socket.write(Buffer.of(byte));
          await nextTurn();
        }
      })();
    };
    await opened(async (connection) => {
      for (const at of [1, 2]) {
        connection.send(command);
        expect(await answer(connection)).toEqual({ ok: 1, text: `reply ${at}` });
      }
    });
  });

  test('are read right when several come at once, and into memory given for each', async () => {
    const ids: number[] = [];
    server.onRequest = ({ id, socket }) => {
      ids.push(id);
      if (ids.length < 3) return;
      socket.write(Buffer.concat(ids.map((each) => messageTo(each, { ok: 1, each }))));
    };
    await opened(async (connection) => {
      for (let sent = 0; sent < 3; sent++) connection.send(command);
      expect(connection.unanswered).toBe(3);
      for (const each of [1, 2, 3]) {
        const memory = Buffer.alloc(1_000);
        const rest = await connection.receive(() => Promise.resolve(memory));
        expect(BSON.deserialize(replyBody(rest))).toEqual({ ok: 1, each });
        expect([rest.buffer, rest.byteOffset]).toEqual([memory.buffer, memory.byteOffset]);
      }
      expect(connection.unanswered).toBe(0);
    });
  });

  test('that are none give HF-MONGO-006, which says what is wrong with them', async () => {
    server.onRequest = ({ socket }) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    await expect(scan()).rejects.toMatchObject({
      code: 'HF-MONGO-006',
      message: `mongod at ${server.host} sent a reply that cannot be read: a reply that is no OP_MSG at byte 12`,
    });
  });

  test('that cannot be read end their connection: the next collection has another one', async () => {
    server.onRequest = ({ id, socket }) => {
      const reply = messageTo(id, { ok: 1 });
      // moreToCome, which nobody asked for.
      reply.writeUInt32LE(2, 16);
      socket.write(reply);
    };
    const client = server.client();
    const connections = new WireConnections(client, undefined);
    const cursor = new PipelinedCursor(client, connections, {
      database: 'd',
      collection: 'c',
      command: { find: 'c' },
      batchBytes: 1_000,
      documentBytes: 100,
      reserve,
    });
    await expect(cursor.next()).rejects.toMatchObject({
      code: 'HF-MONGO-006',
      message: `mongod at ${server.host} sent a reply that cannot be read: unknown flags 2 at byte 0`,
    });
    await cursor.close();
    await connections.take();
    expect(server.sockets).toHaveLength(2);
    connections.close();
  });

  test('that nobody asked for end their connection', async () => {
    server.onRequest = ({ id, socket }) => {
      socket.write(messageTo(id, { ok: 1 }));
      socket.write(messageTo(id + 1, { ok: 1 }));
    };
    await opened(async (connection) => {
      connection.send(command);
      await answer(connection);
      await until('the end of the connection', () => Promise.resolve(!connection.alive));
    });
  });
});

describe('a connection', () => {
  test('that mongod closes while it is idle is not used again', async () => {
    const requests: WireRequest[] = [];
    server.onRequest = (request) => {
      requests.push(request);
      if (requests.length % 2 === 1) return;
      // Both at once: the second waits unread while the first is worked on.
      const replies = requests.slice(-2).map(({ id }) => messageTo(id, { ok: 1 }));
      request.socket.write(Buffer.concat(replies));
    };
    const connections = new WireConnections(server.client(), undefined);
    const first = await connections.take();
    first.send(command);
    first.send(command);
    await answer(first);
    await answer(first);
    connections.giveBack(first);
    for (const socket of server.sockets) socket.destroy();
    await until('the end of the connection', () => Promise.resolve(!first.alive));
    const second = await connections.take();
    second.send(command);
    second.send(command);
    expect(await answer(second)).toEqual({ ok: 1 });
    connections.close();
  });

  test('that is lost before, while and after its reply is asked for says so', async () => {
    server.onRequest = ({ id, socket }) => {
      const reply = messageTo(id, { ok: 1 });
      if (id === 2) socket.write(reply.subarray(0, 20));
      socket.end();
    };
    const lost = { name: MongoNetworkError.name, message: 'the connection was closed' };
    await opened(async (connection) => {
      connection.send(command);
      await expect(connection.receive(reserve)).rejects.toMatchObject(lost);
      connection.send(command);
      await expect(connection.receive(reserve)).rejects.toMatchObject(lost);
    });
    await opened(async (connection) => {
      connection.send(command);
      await until('the end of the connection', () => Promise.resolve(!connection.alive));
      await expect(connection.receive(reserve)).rejects.toMatchObject(lost);
    });
  });

  test('that is lost in the middle of a reply says so', async () => {
    server.onRequest = ({ id, socket }) => socket.end(messageTo(id, { ok: 1 }).subarray(0, 20));
    await opened(async (connection) => {
      connection.send(command);
      const message = 'the connection was closed';
      await expect(connection.receive(reserve)).rejects.toMatchObject({ message });
    });
  });

  test('is told the reason of an abort while it waits for memory', async () => {
    server.onRequest = ({ id, socket }) => void socket.write(messageTo(id, { ok: 1 }));
    const stop = new AbortController();
    const connections = new WireConnections(server.client(), stop.signal);
    const connection = await connections.take();
    connection.send(command);
    const waiting = connection.receive(() => {
      setImmediate(() => stop.abort(new Error('enough')));
      return never();
    });
    await expect(waiting).rejects.toThrow('enough');
    expect(connection.alive).toBe(false);
    await expect(connections.take()).rejects.toThrow('enough');
  });

  test('that mongod never greets does not hold up an abort', async () => {
    server.greets = false;
    const stop = new AbortController();
    const connections = new WireConnections(server.client(), stop.signal);
    const taken = connections.take();
    const began = until('a connection', () => Promise.resolve(server.sockets.length === 1));
    void began.then(() => stop.abort(new Error('enough')));
    await expect(taken).rejects.toThrow('enough');
  }, 20_000);
});
