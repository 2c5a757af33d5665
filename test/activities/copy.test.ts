import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clearCopy } from '../../activities/copy/clear-copy';
import { commitCopy } from '../../activities/copy/commit-copy';
import type { CopyAttempt } from '../../activities/copy/copy-directory';
import { copyFiles } from '../../activities/copy/copy-files';
import { prepareCopy } from '../../activities/copy/prepare-copy';
import { verifyCopied } from '../../activities/copy/verify-copied';
import type { ActivityDependencies } from '../../activities/dependencies';
import { stepPace } from '../../activities/pace';
import { Progress } from '../../activities/progress';
import { loadConfig } from '../../config/load';
import { unlimited } from '../../core/byte-budget';
import { HoldfastError } from '../../core/errors';
import { archiveName } from '../../core/ids';
import { openFileStorage } from '../../storage/file-storage';
import { meterStorage } from '../../storage/metered-storage';
import { manifestName } from '../../storage/contract';
import { serializeManifest } from '../../archive/manifest';
import { manifestOf } from '../catalog/stored-backup';
import { bareEnvironment, Temporary } from '../config/temporary';
import { controller, copyInput, sampleBackupId } from '../workflows/samples';

const mebibyte = 1024 ** 2;
const size = 12 * mebibyte;
const run = { v: 1, workflowId: 'holdfast/it/repository', runId: 'run-1' } as const;
const placement = { workflow: 'w', host: 'h', storage: 'h' };
const input = copyInput(placement);
const pace = { read: unlimited, write: unlimited };
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let temporary: Temporary;
let dependencies: ActivityDependencies;
/** Bytes read from the source so far, and what is told of them. */
let read: number;
let whenRead: (bytes: number) => void;
const progresses: Progress[] = [];

beforeEach(async () => {
  temporary = await Temporary.create();
  read = 0;
  whenRead = () => undefined;
  await configure('there');
});
afterEach(async () => {
  for (const progress of progresses.splice(0)) progress.stop();
  await temporary.remove();
});

/** A configuration whose second storage lies in this directory. */
async function configure(target: string): Promise<void> {
  const environment = bareEnvironment();
  const content = JSON.stringify({
    workspace: 'workspace',
    storage: { type: 'file', path: 'here' },
    storages: { offsite: { type: 'file', path: target } },
    limits: { freeSpace: { bytes: 0, percent: 0 } },
  });
  const { config } = await loadConfig({
    environment,
    file: await temporary.write('holdfast.yaml', content),
  });
  const at = (name: string) =>
    openFileStorage({
      name,
      path: join(temporary.path, name === 'default' ? 'here' : target),
      progressBytes: mebibyte,
    });
  const meter = {
    call: () => undefined,
    bytes: (direction: 'read' | 'written', count: number): void => {
      if (direction !== 'read') return;
      read += count;
      whenRead(read);
    },
  };
  const storages = new Map([
    ['default', meterStorage(at('default'), meter, () => 0)],
    ['offsite', at('offsite')],
  ]);
  const openStorage = (name: string) => {
    const storage = storages.get(name);
    if (storage === undefined) throw new Error(`no storage ${name}`);
    return storage;
  };
  dependencies = { config, environment, openStorage, pace };
}

function attempt(change: Partial<CopyAttempt> = {}): CopyAttempt {
  const signal = change.signal ?? new AbortController().signal;
  const beat = { heartbeat: () => undefined, interval: 60_000, now: () => 0 };
  const progress = new Progress(beat, 'copying', 'bytes');
  progresses.push(progress);
  return {
    signal,
    progress,
    pace: stepPace(pace, progress, signal),
    requireWanted: () => Promise.resolve(),
    warn: () => undefined,
    ...change,
  };
}

async function storedBackup(): Promise<void> {
  const archive = randomBytes(size);
  const index = Buffer.from('the index');
  const name = archiveName(sampleBackupId);
  const base = manifestOf(sampleBackupId);
  const stored = { size, sha256: digest(archive) };
  const manifest = serializeManifest({
    ...base,
    files: base.files.map((file) => ({
      ...file,
      name,
      content: { ...stored, sha1Base64: '' },
      stored,
    })),
    index: { ...base.index, size: index.length, sha256: digest(index) },
  });
  const storage = openFileStorage({ name: 'default', path: join(temporary.path, 'here') });
  const handle = await storage.startBackup(controller, sampleBackupId, 'run');
  await handle.putFile(name, archive);
  await handle.putFile(base.index.name, index);
  await handle.putFile(manifestName, manifest, { ifAbsent: true });
}

const target = (...names: string[]): string =>
  join(temporary.path, 'there', controller, sampleBackupId, ...names);
const source = (...names: string[]): string =>
  join(temporary.path, 'here', controller, sampleBackupId, ...names);

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof HoldfastError) return `${error.code} ${error.message}`;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('the steps of a copy', () => {
  beforeEach(storedBackup);

  test('go on where the target has acknowledged, and copy byte for byte', async () => {
    await prepareCopy(dependencies, attempt(), input, run);
    read = 0;
    const abort = new AbortController();
    whenRead = (bytes) => {
      if (bytes > 8 * mebibyte) abort.abort();
    };
    await expect(copyFiles(dependencies, attempt({ signal: abort.signal }), run)).rejects.toThrow();
    expect((await readdir(target())).includes(archiveName(sampleBackupId))).toBe(false);
    whenRead = () => undefined;
    read = 0;
    await copyFiles(dependencies, attempt(), run);
    // A piece of 1 MiB, and what was on its way, is read twice at most.
    expect(read).toBeLessThan(8 * mebibyte);
    // Once more, after an answer that was lost: there is nothing left to read.
    read = 0;
    await copyFiles(dependencies, attempt(), run);
    expect(read).toBe(0);
    await verifyCopied(dependencies, attempt(), run);
    expect(await readdir(target())).not.toContain(manifestName);
    await commitCopy(dependencies, attempt(), run);
    await commitCopy(dependencies, attempt(), run);
    await clearCopy(dependencies, attempt(), run);
    await clearCopy(dependencies, attempt(), run);
    for (const name of [archiveName(sampleBackupId), 'INDEX', manifestName]) {
      expect((await readFile(target(name))).equals(await readFile(source(name)))).toBe(true);
    }
    expect(await readdir(join(temporary.path, 'workspace'))).not.toContain('copies');
  });

  test('leave nothing in the target when they are undone before the end', async () => {
    await prepareCopy(dependencies, attempt(), input, run);
    await copyFiles(dependencies, attempt(), run);
    await clearCopy(dependencies, attempt(), run);
    expect(await readdir(join(temporary.path, 'there', controller)).catch(() => [])).toEqual([]);
    expect(await refusal(commitCopy(dependencies, attempt(), run))).toMatch(/^HF-WORKSPACE-001 /);
  });

  test('tell which of both storages has lost bytes', async () => {
    await prepareCopy(dependencies, attempt(), input, run);
    await copyFiles(dependencies, attempt(), run);
    const name = archiveName(sampleBackupId);
    const whole = await readFile(target(name));
    const damaged = Buffer.from(whole);
    damaged[size - 1] = (damaged[size - 1] ?? 0) ^ 1;
    await writeFile(target(name), damaged);
    expect(await refusal(verifyCopied(dependencies, attempt(), run))).toMatch(
      /^HF-STORAGE-009 storage offsite holds /,
    );
    await writeFile(source(name), damaged);
    expect(await refusal(verifyCopied(dependencies, attempt(), run))).toMatch(
      /^HF-STORAGE-009 storage default holds /,
    );
    await writeFile(target(name), whole);
    await verifyCopied(dependencies, attempt(), run);
  });

  test('refuse to go on into another place than they began with', async () => {
    await prepareCopy(dependencies, attempt(), input, run);
    await configure('elsewhere');
    expect(await refusal(copyFiles(dependencies, attempt(), run))).toMatch(
      /^HF-PLAN-001 .* says to = .*there, the configuration now says .*elsewhere$/,
    );
  });

  test('begin nothing when nobody waits for them any more', async () => {
    const late = new HoldfastError('HF-FENCE-001', { mine: 1, newer: 2, step: 'prepareCopy' });
    const asleep = attempt({ requireWanted: () => Promise.reject(late) });
    expect(await refusal(prepareCopy(dependencies, asleep, input, run))).toMatch(/^HF-FENCE-001 /);
    expect(await readdir(join(temporary.path, 'workspace'))).toEqual(['runs']);
    await prepareCopy(dependencies, attempt(), input, { ...run, runId: 'run-2' });
    expect(await refusal(prepareCopy(dependencies, asleep, input, run))).toMatch(/^HF-FENCE-001 /);
    // What the later one has begun is not taken for something left over.
    await copyFiles(dependencies, attempt(), { ...run, runId: 'run-2' });
  });
});
