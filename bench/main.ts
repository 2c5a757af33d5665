import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { silenceAwsSdkWarning } from '../config/aws-sdk-warning';
import { databaseClient } from '../examples/controller/database';
import { exampleAccess } from '../examples/controller/run-controller';
import { Bench } from './bench';
import { BenchSite } from './bench-site';
import { describeMachine } from './machine';
import { buildJujuSequence, findPrograms, versionOf, type Programs } from './peers';
import { renderResults } from './report';
import { mergeResults, readResults, recordRow, type Results, type SizeResult } from './results';
import { rowNames, rowTitles, runRows, type EarlierMemory, type RowName } from './rows';
import { TemporalServer } from './temporal-server';

interface Flags {
  readonly size: string;
  readonly rounds: string;
  readonly only?: string;
  readonly operations: string;
  readonly directory: string;
  readonly record: boolean;
  readonly json?: string;
  readonly profile?: string;
  readonly cache: string;
}

const recorded = join(__dirname, '../../bench/results.json');
const page = join(__dirname, '../../bench/RESULTS.md');

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Bytes, by powers of 1000: the bars are for 500,000,000 and 5,000,000,000. */
function bytesOf(size: string): number {
  const [, count, unit = ''] = /^(\d+)([KMG]?)$/.exec(size) ?? [];
  if (count === undefined) throw new Error(`${size} is not a size such as 500M`);
  return Number(count) * 1000 ** ['', 'K', 'M', 'G'].indexOf(unit);
}

function chosenRows(only: string | undefined): readonly RowName[] {
  if (only === undefined) return rowNames;
  const wanted = only.split(',');
  const unknown = wanted.filter((name) => !rowNames.some((row) => row === name));
  if (unknown.length > 0) {
    throw new Error(`unknown: ${unknown.join(', ')}; rows are ${rowNames.join(', ')}`);
  }
  return rowNames.filter((name) => wanted.includes(name));
}

async function dataOf(site: BenchSite): Promise<SizeResult['data']> {
  const client = databaseClient(exampleAccess(site.example));
  try {
    let [documents, bytes] = [0, 0];
    for (const name of ['juju', 'logs', 'blobstore']) {
      const stats = await client.db(name).command({ dbStats: 1 });
      documents += Number(stats['objects']);
      bytes += Number(stats['dataSize']);
    }
    return { documents, bytes };
  } finally {
    await client.close();
  }
}

/** Everything that a run uses, and how to end it. */
interface Site {
  readonly directory: string;
  readonly programs: Programs;
  readonly temporal: TemporalServer;
  /** Everything that was started. */
  readonly sites: BenchSite[];
}

async function measureSize(
  ground: Site,
  flags: Flags,
  size: string,
  earlier: EarlierMemory | undefined,
): Promise<{ readonly result: SizeResult; readonly memory: EarlierMemory | undefined }> {
  const { directory, programs, temporal } = ground;
  const [load = 0] = os.loadavg();
  const at = join(directory, size);
  await mkdir(at);
  const cacheBytes = bytesOf(flags.cache);
  const build = async (name: string, sizeBytes: number, seed: number): Promise<BenchSite> => {
    const built = await BenchSite.start({
      directory: join(at, name),
      sizeBytes,
      seed,
      mongod: programs.mongod,
      temporal,
      cacheBytes,
    });
    ground.sites.push(built);
    return built;
  };
  say(`building a controller of ${size}`);
  // Where only files are moved, no documents are needed.
  const documents = chosenRows(flags.only).some((name) => name !== 'storage') ? bytesOf(size) : 0;
  const site = await build('c', documents, 1);
  try {
    const data = await dataOf(site);
    const rounds = Number(flags.rounds);
    const bench = new Bench({
      site,
      programs,
      juju: await buildJujuSequence(directory),
      sizeBytes: bytesOf(size),
      rounds,
      operations: Number(flags.operations),
      directory: join(at, 'peers'),
      profile: flags.profile === undefined ? undefined : resolve(flags.profile),
      emptySite: () => build('empty', 0, 2),
      say,
    });
    const measured = await runRows(bench, chosenRows(flags.only), earlier);
    const how = { date: new Date().toISOString(), load, rounds };
    const rows = measured.rows.map((row) => recordRow(row, how));
    return { result: { size, data, rows }, memory: measured.memory };
  } finally {
    await site.stop();
    await rm(at, { recursive: true, force: true });
  }
}

/** A stop by Ctrl-C leaves neither processes nor files. */
function endWhenTold({ directory, temporal, sites }: Site): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const site of sites) site.kill();
      temporal.kill();
      rmSync(directory, { recursive: true, force: true });
      process.exit(130);
    });
  }
}

async function main(flags: Flags): Promise<void> {
  chosenRows(flags.only);
  const programs = await findPrograms();
  const directory = await mkdtemp(join(resolve(flags.directory), 'hf-bench-'));
  const temporal = await TemporalServer.start(programs.temporal, directory);
  const ground: Site = { directory, programs, temporal, sites: [] };
  endWhenTold(ground);
  try {
    const sizes: SizeResult[] = [];
    let memory: EarlierMemory | undefined;
    for (const size of flags.size.split(',')) {
      const measured = await measureSize(ground, flags, size, memory);
      memory ??= measured.memory;
      sizes.push(measured.result);
    }
    const results: Results = {
      v: 1,
      ground: {
        machine: describeMachine(),
        mongod: await versionOf(programs.mongod),
        cacheBytes: bytesOf(flags.cache),
        temporal: await versionOf(programs.temporal),
        peers: {
          mongodump: await versionOf(programs.mongodump),
          mongorestore: await versionOf(programs.mongorestore),
          "Juju's sequence":
            'bench/juju-sequence (archive/tar, compress/gzip and crypto/sha1 of Go)',
        },
      },
      sizes,
    };
    process.stdout.write(renderResults(results));
    if (flags.json !== undefined) await writeFile(flags.json, JSON.stringify(results, null, 2));
    if (flags.record) {
      const merged = mergeResults(await readResults(recorded), results, rowTitles);
      await writeFile(recorded, `${JSON.stringify(merged)}\n`);
      await writeFile(page, renderResults(merged));
    }
  } finally {
    await temporal.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

silenceAwsSdkWarning(process.env);
new Command('bench')
  .description('Holdfast against the tools it is compared with, on one mongod, in turns')
  .option('--size <sizes>', 'documents of the controller, such as 50M or 500M,5G', '500M')
  .option('--rounds <n>', 'how often each contender runs', '5')
  .option('--only <rows>', `some rows, a comma between them: ${rowNames.join(', ')}`)
  .option('--operations <n>', 'of the oplog replay', '200000')
  .option('--directory <path>', 'where everything is written', os.tmpdir())
  .option('--cache <size>', "mongod's cache", '1G')
  .option(
    '--record',
    'into bench/results.json and bench/RESULTS.md, beside the rows recorded before',
    false,
  )
  .option('--json <file>', 'the same as JSON')
  .option('--profile <directory>', "CPU profiles of Holdfast's steps (dump, load, replay)")
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    say(`bench: ${error instanceof Error ? error.stack : String(error)}`);
    process.exitCode = 1;
  });
