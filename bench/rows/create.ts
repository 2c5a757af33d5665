import { join } from 'node:path';
import { listFilesToBackUp } from '../../controller/files-to-back-up';
import type { Bench } from '../bench';
import { igzipSetting } from '../compression-setting';
import { median, type Contender, type Measured, type Sample } from '../figures';
import { measureCommand } from '../meter';
import { connectionArguments } from '../peers';
import { secondNamespace } from '../temporal-server';
import { processCpu } from '../usage';
import { historyFacts, type HistoryFacts } from '../workflow-history';

/** Everything that was seen while whole backups were taken. */
export interface Creates {
  readonly zlib: Measured | undefined;
  readonly igzip: Measured | undefined;
  readonly juju: Measured | undefined;
  readonly histories: readonly HistoryFacts[];
  readonly notes: readonly string[];
}

/** `holdfast create` through the command, and Juju's sequence, in turns. */
export async function measureCreates(bench: Bench): Promise<Creates> {
  const { site } = bench;
  const { juju } = bench.options;
  const histories: HistoryFacts[] = [];
  const temporal: number[] = [];
  const igzip = await igzipSetting();
  const notes: string[] = [];
  const holdfast = (name: string, config: string, namespace: string): Contender => ({
    name,
    run: async () => {
      await site.removeBackups();
      await site.workers(config);
      const server = processCpu(site.temporal.pid);
      const { sample } = await site.holdfast(['create', '--quiet'], config);
      temporal.push(processCpu(site.temporal.pid) - server);
      const history = await historyFacts(site.operation(namespace));
      histories.push(history);
      return { ...sample, wall: sample.wall - history.verifying };
    },
  });
  const contenders = [holdfast('holdfast create', site.example.configFile, 'default')];
  if ('missing' in igzip) notes.push(`Skipped with igzip: ${igzip.missing}.`);
  else {
    const config = await site.config('igzip', igzip.changes);
    contenders.push(holdfast('holdfast create, igzip', config, secondNamespace));
  }
  if ('missing' in juju) notes.push(`Skipped Juju's sequence: ${juju.missing}.`);
  else contenders.push({ name: "Juju's sequence", run: () => takeAsJuju(bench, juju.program) });
  const [zlib, ...others] = await bench.alternate(contenders);
  notes.push(
    `Wall time of create is that of the command, from its start to its exit, less what inspectRope and verifyStored took (${median(histories.map(({ verifying }) => verifying)).toFixed(2)} s); Juju proves nothing.`,
    `Of it, in seconds: ${stepTimes(histories)}.`,
    `cpu and memory are those of the command and both workers. Temporal's server took another ${median(temporal).toFixed(2)} s of cpu.`,
  );
  const named = (name: string): Measured | undefined => others.find((one) => one.name === name);
  return {
    zlib,
    igzip: named('holdfast create, igzip'),
    juju: named("Juju's sequence"),
    histories,
    notes,
  };
}

/** Medians of what each activity took. */
function stepTimes(histories: readonly HistoryFacts[]): string {
  return Object.keys(histories[0]?.steps ?? {})
    .map((name) => `${name} ${median(histories.map(({ steps }) => steps[name] ?? 0)).toFixed(2)}`)
    .join(', ');
}

async function takeAsJuju(bench: Bench, program: string): Promise<Sample> {
  const { example } = bench.site;
  const directory = await bench.scratch('juju');
  const { files } = await listFilesToBackUp(example);
  const paths = files.flatMap(({ type, path }) => (type === 'directory' ? [] : [path]));
  const { mongodump } = bench.options.programs;
  const { sample } = await measureCommand(
    program,
    [
      ['--staging', join(directory, 'staging'), '--out', join(directory, 'backup.tar.gz')],
      ['--root', example.root, '--files', paths.join(',')],
      [mongodump, '--oplog', ...connectionArguments(example)],
    ].flat(),
    await bench.meter([directory]),
  );
  return sample;
}
