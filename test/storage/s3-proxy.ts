import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';

/** A request as it passes; `operation` tells what of S3 it is. */
export interface Passing {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

export type ProxyFault =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  /** The request is done, its answer lost. */
  | { readonly kind: 'lose answer' }
  /** The request is not done, the connection cut. */
  | { readonly kind: 'cut' }
  /** The connection is cut after so many bytes of the request's body; the server gets no more either. */
  | { readonly kind: 'cut sent'; readonly bytes: number }
  /** The connection is cut after so many bytes of the answer's body. */
  | { readonly kind: 'cut body'; readonly bytes: number }
  /** The answer's body ends after so many bytes, and its length says so. */
  | { readonly kind: 'short body'; readonly bytes: number }
  /** The byte at this place of the request's, or of the answer's body is another one. */
  | { readonly kind: 'wrong byte sent' | 'wrong byte got'; readonly at: number }
  /** The answer's headers say this besides. */
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> }
  /** The request waits. */
  | { readonly kind: 'slow'; readonly wait: () => Promise<void> };

interface Harm {
  readonly match: (passing: Passing) => boolean;
  readonly fault: ProxyFault;
  times: number;
  /** Requests that pass before. */
  skip: number;
}

/** `chunk`, which begins at `offset`, with the byte at `at` changed if it is in it. */
function changed(chunk: Buffer, at: number, offset: number): Buffer {
  if (at < offset || at >= offset + chunk.length) return chunk;
  const copy = Buffer.from(chunk);
  copy[at - offset] = (copy[at - offset] ?? 0) ^ 0x10;
  return copy;
}

/** Stands before a real S3 server and does harm to what passes. The Host header stays, so signatures hold. */
export class S3Proxy {
  readonly seen: Passing[] = [];
  #plan: Harm[] = [];
  struck = 0;

  private constructor(
    readonly endpoint: string,
    private readonly close: () => Promise<void>,
  ) {}

  static async start(target: string): Promise<S3Proxy> {
    const server = createServer((from, to) => void proxy.#pass(from, to, target));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const proxy = new S3Proxy(`http://127.0.0.1:${address.port}`, async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return proxy;
  }

  /** Harms the next `times` requests that match, once `skip` of them have passed. */
  harm(match: (passing: Passing) => boolean, fault: ProxyFault, times = 1, skip = 0): void {
    this.#plan.push({ match, fault, times, skip });
  }

  #take(passing: Passing): ProxyFault | undefined {
    const planned = this.#plan.find(({ match, times }) => times > 0 && match(passing));
    if (planned === undefined) return undefined;
    if (planned.skip > 0) {
      planned.skip -= 1;
      return undefined;
    }
    planned.times -= 1;
    this.struck += 1;
    return planned.fault;
  }

  /** Harms nothing any more, and forgets what passed. */
  clear(): void {
    this.#plan = [];
    this.seen.length = 0;
    this.struck = 0;
  }

  stop(): Promise<void> {
    return this.close();
  }

  async #pass(from: IncomingMessage, to: ServerResponse, target: string): Promise<void> {
    const passing = { method: from.method ?? '', url: from.url ?? '', headers: from.headers };
    this.seen.push(passing);
    const fault = this.#take(passing);
    if (fault?.kind === 'cut') return void from.socket.destroy();
    if (fault?.kind === 'answer') {
      from.resume();
      await once(from, 'end');
      to.writeHead(fault.status, { 'content-type': 'application/xml' });
      to.end(fault.body);
      return;
    }
    if (fault?.kind === 'slow') await fault.wait();
    const { hostname, port } = new URL(target);
    const forward = request(
      { hostname, port, method: from.method, path: from.url, headers: from.headers },
      (answer) => {
        if (fault?.kind === 'lose answer') {
          answer.resume();
          answer.once('end', () => from.socket.destroy());
          return;
        }
        const headers = { ...answer.headers, ...(fault?.kind === 'headers' ? fault.headers : {}) };
        if (fault?.kind === 'short body') headers['content-length'] = String(fault.bytes);
        to.writeHead(answer.statusCode ?? 500, headers);
        const most =
          fault?.kind === 'cut body' || fault?.kind === 'short body' ? fault.bytes : Infinity;
        let done = 0;
        answer.on('data', (chunk: Buffer) => {
          const flip = fault?.kind === 'wrong byte got' ? fault.at : -1;
          to.write(changed(chunk, flip, done).subarray(0, Math.max(0, most - done)));
          done += chunk.length;
          if (fault?.kind === 'cut body' && done >= most) to.destroy();
        });
        answer.on('end', () => to.end());
      },
    );
    forward.on('error', () => from.socket.destroy());
    let sent = 0;
    from.on('data', (chunk: Buffer) => {
      const flip = fault?.kind === 'wrong byte sent' ? fault.at : -1;
      if (fault?.kind === 'cut sent' && sent + chunk.length >= fault.bytes) {
        forward.destroy();
        from.socket.destroy();
        return;
      }
      if (!forward.write(changed(chunk, flip, sent))) {
        from.pause();
        forward.once('drain', () => from.resume());
      }
      sent += chunk.length;
    });
    from.on('end', () => forward.end());
    from.on('close', () => {
      if (!from.complete) forward.destroy();
    });
  }
}
