import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const keptSchema = z.object({ v: z.literal(1), pids: z.array(z.int().min(2)) });
const patience = 60_000;

const fileOf = (directory: string): string => join(directory, 'kept.json');

/** Writes down what is left running, in the order in which it is to be stopped. */
export async function keep(directory: string, pids: readonly number[]): Promise<void> {
  const kept: z.input<typeof keptSchema> = { v: 1, pids: [...pids] };
  await writeFile(fileOf(directory), JSON.stringify(kept), { mode: 0o600 });
}

/** Stops what an earlier quickstart left running and removes its directory. */
export async function stopKept(directory: string): Promise<void> {
  const path = resolve(directory);
  const { pids } = keptSchema.parse(JSON.parse(await readFile(fileOf(path), 'utf8')));
  for (const pid of pids) await stopProcess(pid, path);
  await rm(path, { recursive: true, force: true });
}

/** A process id may have been given to another program meanwhile: ours has the directory in its command or environment. */
async function stopProcess(pid: number, directory: string): Promise<void> {
  if (!(await isOurs(pid, directory))) return;
  process.kill(pid, 'SIGTERM');
  const deadline = Date.now() + patience;
  while (await isOurs(pid, directory)) {
    if (Date.now() > deadline) throw new Error(`process ${pid} did not end`);
    await delay(50);
  }
}

async function isOurs(pid: number, directory: string): Promise<boolean> {
  try {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    return command.includes(directory) || environment.includes(directory);
  } catch {
    // No such process any more.
    return false;
  }
}
