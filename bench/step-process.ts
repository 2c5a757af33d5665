import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Sample } from './figures';
import { Meter, type MeterOptions } from './meter';
import { memoryArguments, memoryVariables } from '../worker/process-memory';

const figuresSchema = z.record(z.string(), z.number());

/** What a process of steps said of itself, and what it took between `begin` and `end`. */
export interface MeasuredSteps {
  readonly sample: Sample;
  /** Seconds of the whole process, from its start to its exit. */
  readonly whole: number;
  readonly figures: Readonly<Record<string, number>>;
}

/**
 * Runs steps in a process of their own (steps/main.ts, mongo/replay-steps.ts) and measures the part
 * that it marks.
 * @param profile directory for a CPU profile (`--cpu-prof`).
 */
export async function measureSteps(
  program: string,
  args: readonly string[],
  options: MeterOptions & { readonly profile?: string | undefined },
): Promise<MeasuredSteps> {
  const { profile } = options;
  const profiling = profile === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profile];
  const began = performance.now();
  const nodeArguments = [...memoryArguments, ...profiling];
  const child = spawn(process.execPath, [...nodeArguments, join(__dirname, program), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...memoryVariables },
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000);
  });
  let meter: Meter | undefined;
  let measured: { sample: Sample; figures: Record<string, number> } | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'begin') {
      meter = await Meter.start({ ...options, pids: [...(options.pids ?? []), child.pid ?? 0] });
    } else if (line.startsWith('end ') && meter !== undefined) {
      const figures = figuresSchema.parse(JSON.parse(line.slice(4)));
      measured = { sample: await meter.stop(), figures };
    }
  }
  const status = await ended;
  const whole = (performance.now() - began) / 1000;
  if (status !== 0 || measured === undefined) {
    throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${said}`);
  }
  return { ...measured, whole };
}
