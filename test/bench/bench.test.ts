import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { compiled } from '../examples/compiled';

const run = promisify(execFile);

const sample = z.object({ wall: z.number(), cpu: z.number(), server: z.number(), rss: z.number() });
const resultsSchema = z.object({
  ground: z.object({ peers: z.record(z.string(), z.string()) }),
  sizes: z.array(
    z.object({
      size: z.string(),
      data: z.object({ documents: z.number(), bytes: z.number() }),
      rows: z.array(
        z.object({
          title: z.string(),
          table: z.array(
            z.object({
              name: z.string(),
              samples: z.array(sample),
              median: sample.extend({ output: z.number().optional(), disk: z.number().optional() }),
            }),
          ),
          verdicts: z.array(z.object({ what: z.string(), value: z.string() })),
        }),
      ),
    }),
  ),
});

describe('the benchmark', () => {
  let scratch = '';

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'hf-bench-test-'));
    await mkdir(join(scratch, 'work'));
  });

  afterAll(async () => {
    await rm(scratch, { recursive: true, force: true });
  });

  test('measures Holdfast and its peers on one controller, and leaves nothing behind', async () => {
    const json = join(scratch, 'results.json');
    const { stdout: page } = await run(
      process.execPath,
      [
        [compiled('bench/main.js'), '--size', '4M', '--rounds', '1', '--operations', '500'],
        ['--only', 'create,disk,history,dump,load,replay'],
        ['--directory', join(scratch, 'work'), '--json', json],
      ].flat(),
      // Told to end, it takes what it started with it.
      { cwd: scratch, timeout: 110_000 },
    );
    const results = resultsSchema.parse(JSON.parse(await readFile(json, 'utf8')));
    const [size] = results.sizes;
    expect(size?.size).toBe('4M');
    expect(size?.data.bytes).toBeGreaterThan(3_000_000);
    expect(size?.data.bytes).toBeLessThan(6_000_000);
    const rows = size?.rows ?? [];
    expect(rows.map(({ title }) => title)).toEqual([
      'Backup, whole',
      'Peak disk of a backup beyond its result',
      'Workflow history of a backup',
      'Dump with gzip',
      'Load',
      'Oplog replay',
    ]);
    const measured = new Map(rows.flatMap(({ table }) => table).map((one) => [one.name, one]));
    for (const { name, samples, median } of measured.values()) {
      expect({ name, runs: samples.length }).toEqual({ name, runs: 1 });
      expect(median.wall).toBeGreaterThan(0.02);
      expect(median.wall).toBeLessThan(30);
      expect(median.cpu).toBeGreaterThan(0.02);
      expect(median.server).toBeGreaterThanOrEqual(0.01);
      expect(median.rss).toBeGreaterThan(1_000_000);
    }
    const output = (name: string): number => measured.get(name)?.median.output ?? Number.NaN;
    const peer = output('mongodump --gzip -j4');
    expect(peer).toBeGreaterThan(1_000_000);
    expect(output('holdfast dump, level 6') / peer).toBeLessThan(1.1);
    // Level 1 against level 6, and the host's files.
    expect(output('holdfast create') / peer).toBeLessThan(1.6);
    const values = new Map(
      rows.flatMap(({ verdicts }) => verdicts.map(({ what, value }) => [what, value])),
    );
    expect(values.get('workflow history of create')).toMatch(/^0\.\d\d MB$/);
    expect(values.get('oplog replay, against mongorestore --oplogReplay')).toMatch(/^[\d.]+x$/);
    expect(page).toContain('| mongodump --gzip -j4 |');
    expect(page).not.toContain(scratch);
    expect(await readdir(join(scratch, 'work'))).toEqual([]);
  }, 120_000);

  test('names the rows when it is asked for one that there is not', async () => {
    const asked = run(process.execPath, [compiled('bench/main.js'), '--only', 'speed']);
    await expect(asked).rejects.toThrow(/unknown: speed; rows are create, disk, history, dump/);
  });
});
