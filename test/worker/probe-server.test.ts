import { createServer } from 'node:net';
import { probe, requireServer, splitAddress } from '../../worker/probe-server';
import { freePort } from '../client/temporary';

it('splits names, IPv4 and IPv6 addresses from their port', () => {
  expect(splitAddress('temporal.example:7233')).toEqual({ host: 'temporal.example', port: 7233 });
  expect(splitAddress('[::1]:7233')).toEqual({ host: '::1', port: 7233 });
});

it('finds a listening server, also when this process is busy for longer than it waits', async () => {
  const server = createServer((socket) => socket.destroy());
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    }),
  );
  const answer = probe(`127.0.0.1:${port}`);
  const busyUntil = performance.now() + 400;
  while (performance.now() < busyUntil);
  await expect(answer).resolves.toBeUndefined();
  await new Promise((resolve) => server.close(resolve));
});

it('refuses within 300 ms and some where nothing listens or nothing answers', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  await expect(requireServer(address)).rejects.toMatchObject({
    code: 'HF-TEMPORAL-001',
    exit: 17,
    message: `no Temporal server answers at ${address}: connection refused`,
  });
  const began = performance.now();
  // A documentation address (RFC 5737): packets to it vanish or are refused.
  expect(await probe('192.0.2.1:7233')).toEqual(expect.any(String));
  expect(performance.now() - began).toBeLessThan(900);
});
