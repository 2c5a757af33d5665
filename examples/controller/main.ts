import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { exampleFile, readExample } from './build-controller';
import { resumeController, startController, type RunningController } from './run-controller';

interface StartFlags {
  readonly directory: string;
  readonly seed: string;
  readonly size: string;
  readonly mongod?: string;
  readonly temporal?: string;
}

function bytesOf(size: string): number {
  const match = /^(\d+)\s*([kmg]?)i?b?$/i.exec(size);
  const unit = { '': 1, k: 1e3, m: 1e6, g: 1e9 }[match?.[2]?.toLowerCase() ?? ''];
  if (match === null || unit === undefined) throw new Error(`${size} is not a size such as 10M`);
  return Number(match[1]) * unit;
}

function pidFile(directory: string): string {
  return join(resolve(directory), 'example.pid');
}

async function start(flags: StartFlags): Promise<void> {
  const mongod = flags.mongod ?? process.env['HOLDFAST_MONGOD'];
  let running: RunningController;
  if (existsSync(exampleFile(flags.directory))) {
    running = await resumeController(await readExample(flags.directory));
  } else {
    if (mongod === undefined) throw new Error('name mongod with --mongod or HOLDFAST_MONGOD');
    running = await startController({
      directory: flags.directory,
      seed: Number(flags.seed),
      sizeBytes: bytesOf(flags.size),
      mongod,
      now: new Date(),
      temporalAddress: flags.temporal,
    });
  }
  const { example, supervisorPid } = running;
  await writeFile(pidFile(flags.directory), `${process.pid}\n`);
  let told = false;
  const end = (): void => {
    told = true;
    void running.stop();
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end);
  process.stdout.write(
    `${JSON.stringify({
      v: 1,
      directory: example.directory,
      root: example.root,
      config: example.configFile,
      hosts: example.hosts,
      mongodVersion: example.mongodVersion,
      modelUuid: example.modelUuid,
      supervisorPid,
      socket: example.socket,
      agentReport: example.agentReport,
    })}\n`,
  );
  await running.ended;
  if (!told) process.exitCode = 1;
  await rm(pidFile(flags.directory), { force: true });
}

/** Whether this process id still is an example's `start` in that directory, not one that came after it. */
function isExample(pid: number, directory: string): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return line.includes('start') && line.some((word) => resolve(word) === resolve(directory));
  } catch {
    return false;
  }
}

async function stop(directory: string): Promise<void> {
  if (!existsSync(pidFile(directory))) return;
  const pid = Number(readFileSync(pidFile(directory), 'utf8'));
  if (isExample(pid, directory)) process.kill(pid, 'SIGTERM');
  while (isExample(pid, directory)) await delay(50);
}

if (require.main === module) {
  const program = new Command('example-controller').description(
    'A small Juju controller to try Holdfast on',
  );
  program
    .command('start')
    .description('build it (or take the one that is there) and run it until SIGTERM')
    .requiredOption('--directory <path>', 'everything of the example lies below it')
    .option('--seed <number>', 'decides its documents and files', '1')
    .option('--size <size>', 'of its documents, such as 10M', '10M')
    .option('--mongod <path>', 'mongod to run; HOLDFAST_MONGOD when not given')
    .option('--temporal <address>', 'address of Temporal for holdfast.yaml')
    .action(start);
  program
    .command('stop')
    .description('stop the one that runs in a directory')
    .requiredOption('--directory <path>')
    .action(async (flags: { readonly directory: string }) => stop(flags.directory));
  program.parseAsync().catch((error: unknown) => {
    process.stderr.write(`example-controller: ${String(error)}\n`);
    process.exitCode = 1;
  });
}
