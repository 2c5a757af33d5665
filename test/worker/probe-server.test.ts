import { spawn } from 'node:child_process';
import { once } from 'node:events';
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

it('refuses where nothing listens', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  await expect(requireServer(address)).rejects.toMatchObject({
    code: 'HF-TEMPORAL-001',
    exit: 17,
    message: `no Temporal server answers at ${address}: connection refused`,
  });
});

it('waits 300 ms for a server that is there and never answers', async () => {
  const script = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 },
    function () { console.log(this.address().port); })`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await once(child.stdout, 'data');
    const address = `127.0.0.1:${String(line).trim()}`;
    child.kill('SIGSTOP');
    // A stopped program accepts nobody; the kernel does until its queue is full, then it is silent.
    let reason: string | undefined;
    for (let tries = 0; reason === undefined && tries < 64; tries += 1) {
      reason = await probe(address);
    }
    expect(reason).toBe('no answer within 300 ms');
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
});
