import os from 'node:os';

/** Where it was measured, in words that name no host. */
export function describeMachine(): string {
  const kernel = /^\d+\.\d+/.exec(os.release())?.[0] ?? '';
  const cores = os.availableParallelism();
  const memory = Math.round(os.totalmem() / 1024 ** 3);
  return `${cores} cores (${os.cpus()[0]?.model.trim() ?? os.arch()}), ${memory} GiB of memory, ${os.type()} ${kernel}, Node.js ${process.version}`;
}
