import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { readExample, type ExampleController } from '../controller/build-controller';
import { destroyController } from '../controller/destroy';
import { readAgentReport } from '../controller/run-controller';
import { freePort, holdfast, startBackground, type Background } from './processes';
import { keep, stopKept } from './kept';
import { connectedSince, differences, heldBy, snapshot, type Snapshot } from './proof';
import { resultTable } from './result-table';

interface Flags {
  readonly keep?: boolean;
  readonly stop?: string;
  readonly size: string;
}

const show = (text: string): void => void process.stdout.write(text);
const readySchema = z.object({ webUi: z.string().optional() }).loose();
const agentPatience = 20_000;

/** A controller is backed up, destroyed and restored; then it is proven that nothing differs. */
class Quickstart {
  readonly #running: Background[] = [];

  constructor(
    private readonly directory: string,
    private readonly size: string,
  ) {}

  /** @returns whether the restored controller equals the one before */
  async play(): Promise<boolean> {
    const port = await freePort();
    const uiPort = await freePort();
    const example = await this.#startController(port);
    const env = { ...process.env, HOLDFAST_CONFIG: example.configFile };
    const ui = await this.#startTemporal(env, port, uiPort);
    const run = async (...args: string[]): Promise<string> => {
      const { stdout, status } = await holdfast(args, env, show);
      if (status !== 0) throw new Error(`holdfast ${args[0] ?? ''} ended with status ${status}`);
      return stdout;
    };

    const before = await snapshot(example);
    const id = lastLine(await run('create', 'before the accident'));
    await run('list');
    await run('verify', id);

    show('\nThe accident: every database dropped, every file deleted.\n');
    await destroyController(example.directory, await heldBy(example, id));
    const destroyed = await snapshot(example);
    if ((await differences(before, destroyed)).length === 0) {
      throw new Error('nothing was destroyed, so nothing can be proven');
    }

    const began = Date.now();
    const report = await run('restore', id, '--yes');
    const agent = await waitForAgent(example, began);
    const after = { ...(await snapshot(example)), agent };
    const found = await differences(before, after);
    const back = connectedSince(after.agent, began);
    const downtime = /^downtime: +(.+)$/m.exec(report)?.[1] ?? 'unknown';
    show(resultTable({ before, destroyed, after, found, back, downtime, ui }));
    return found.length === 0 && back;
  }

  async stop(): Promise<void> {
    for (const background of this.#running.toReversed()) await background.stop();
  }

  /** What runs beside this process, in the order in which it is to be stopped. */
  get pids(): readonly number[] {
    return this.#running.map(({ pid }) => pid).toReversed();
  }

  async #startController(temporalPort: number): Promise<ExampleController> {
    const directory = join(this.directory, 'controller');
    show(`Starting a controller to practise on in ${directory}\n`);
    await mkdir(directory, { mode: 0o700 });
    const program = join(__dirname, '../controller/main.js');
    const temporal = `127.0.0.1:${temporalPort}`;
    const args = [program, 'start', '--directory', directory, '--seed', '1', '--size', this.size];
    this.#running.push(
      await startBackground('controller', [...args, '--temporal', temporal], {
        logs: this.directory,
        env: process.env,
      }),
    );
    return await readExample(directory);
  }

  async #startTemporal(env: NodeJS.ProcessEnv, port: number, uiPort: number): Promise<string> {
    const args = ['up', '--port', String(port), '--ui-port', String(uiPort)];
    show(
      `\n$ export HOLDFAST_CONFIG=${env['HOLDFAST_CONFIG'] ?? ''}\n$ holdfast ${args.join(' ')} &\n`,
    );
    const program = join(__dirname, '../../client/cli/main.js');
    const up = await startBackground('up', [program, ...args, '--json'], {
      logs: this.directory,
      env,
    });
    this.#running.push(up);
    return readySchema.parse(JSON.parse(up.ready)).webUi ?? `http://127.0.0.1:${uiPort}`;
  }
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

async function waitForAgent(example: ExampleController, since: number): Promise<Snapshot['agent']> {
  const deadline = Date.now() + agentPatience;
  for (;;) {
    const report = await readAgentReport(example);
    if (connectedSince(report, since) || Date.now() > deadline) return report;
    await delay(100);
  }
}

async function main(flags: Flags): Promise<void> {
  if (flags.stop !== undefined) {
    await stopKept(flags.stop);
    show(`Stopped, and ${flags.stop} removed.\n`);
    return;
  }
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-quickstart-'));
  const quickstart = new Quickstart(directory, flags.size);
  let ended = false;
  const end = async (): Promise<void> => {
    if (ended) return;
    ended = true;
    await quickstart.stop();
    await rm(directory, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void end().finally(() => process.exit(130)));
  }
  try {
    process.exitCode = (await quickstart.play()) ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
  if (flags.keep === true && quickstart.pids.length > 0) {
    await keep(directory, quickstart.pids);
    show(`\nEverything is left running in ${directory}. To stop it:\n\n`);
    show(`$ npm run quickstart -- --stop ${directory}\n`);
    process.exit();
  }
  await end();
}

void new Command('quickstart')
  .description('backs up, destroys and restores a controller made for the purpose')
  .option('--keep', 'leave everything running')
  .option('--stop <directory>', 'stop what --keep left running')
  .option('--size <bytes>', 'size of the controller', '10M')
  .action(main)
  .parseAsync();
