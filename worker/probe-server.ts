import { connect } from 'node:net';
import { HoldfastError } from '../core/errors';

const patience = 300;

/** Host and port of `host:port`; an IPv6 host stands in brackets. */
export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(address.slice(colon + 1)) };
}

/**
 * Whether something accepts TCP connections at `address`; the answer takes at most 300 ms. The SDK
 * alone needs 10 s to find out that nothing does.
 * @returns undefined when it does, else the reason why not.
 */
export function probe(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(splitAddress(address));
    const answer = (reason: string | undefined): void => {
      socket.destroy();
      resolve(reason);
    };
    // An answer that came while this process was busy is found in the poll phase, after the timers.
    socket.setTimeout(patience, () =>
      setImmediate(() => setImmediate(answer, `no answer within ${patience} ms`)),
    );
    socket.once('connect', () => answer(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code ?? error.message));
  });
}

/** @throws HoldfastError HF-TEMPORAL-001 when nothing accepts connections at `address`. */
export async function requireServer(address: string): Promise<void> {
  const reason = await probe(address);
  if (reason === undefined) return;
  const said = reason === 'ECONNREFUSED' ? 'connection refused' : reason;
  throw new HoldfastError('HF-TEMPORAL-001', { address, reason: said });
}
