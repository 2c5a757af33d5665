import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { Browser } from './browser';
import { Scenes } from './scenes';

interface Flags {
  readonly size: string;
  readonly to: string;
}

const window = { width: 1400, height: 960 };

async function main(flags: Flags): Promise<void> {
  const program = process.env['HOLDFAST_CHROMIUM'];
  if (program === undefined) throw new Error('HOLDFAST_CHROMIUM is not set');
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-screenshots-'));
  const stops: (() => Promise<void>)[] = [
    () => rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  ];
  let ended = false;
  const end = async (): Promise<void> => {
    if (ended) return;
    ended = true;
    for (const stop of stops.toReversed()) await stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void end().finally(() => process.exit(130)));
  }
  try {
    await mkdir(flags.to, { recursive: true });
    const browser = await Browser.start(program, join(directory, 'browser'), window);
    stops.push(() => browser.stop());
    const scenes = await Scenes.prepare(browser, directory, flags);
    stops.push(() => scenes.stop());
    await scenes.play();
  } finally {
    await end();
  }
}

void new Command('screenshots')
  .description('takes the pictures of the documentation from a real run')
  .option('--size <bytes>', 'size of the controller', '200M')
  .option('--to <directory>', 'where the pictures go', 'docs/images')
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
