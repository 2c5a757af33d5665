import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { HoldfastError } from '../../core/errors';
import type { UploadState } from '../../storage/contract';
import { openFileStorage } from '../../storage/file-storage';
import { compileFolders } from './compile';
import { refusal } from './refusal';

const chunkBytes = 64 * 1024;
const mebibyte = 1024 * 1024;

let compiled: string;
beforeAll(async () => {
  compiled = await mkdtemp(join(tmpdir(), 'holdfast-compiled-'));
  await compileFolders(['config', 'core', 'storage', 'test/storage'], compiled);
});
afterAll(() => rm(compiled, { recursive: true }));

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-storage-'));
});
afterEach(() => rm(root, { recursive: true }));

const open = () => openFileStorage({ name: 'one', path: root, progressBytes: mebibyte });
const inside = () => join(root, 'controller', 'backup');

function chunkAt(at: number): Buffer {
  const chunk = Buffer.alloc(chunkBytes, (at / chunkBytes) % 251);
  chunk.writeDoubleBE(at, 0);
  return chunk;
}

/** The same bytes as the child process uploads. */
function sourceOf(size: number, reads: number[] = []) {
  return {
    size,
    async *read(start: number) {
      reads.push(start);
      for (let at = start; at < size; at += chunkBytes) yield chunkAt(at);
    },
  };
}

function expectChunks(content: Buffer): void {
  for (let at = 0; at < content.length; at += chunkBytes) {
    if (!content.subarray(at, at + chunkBytes).equals(chunkAt(at))) {
      throw new Error(`the chunk at ${at} differs`);
    }
  }
}

function stateOf(json: unknown): UploadState {
  if (typeof json !== 'object' || json === null) throw new Error('no state was told');
  if (!('acknowledged' in json && typeof json.acknowledged === 'number'))
    throw new Error('no number');
  if (!('detail' in json && typeof json.detail === 'object')) throw new Error('no detail');
  const part = json.detail !== null && 'part' in json.detail ? String(json.detail.part) : '';
  return { v: 1, type: 'file', acknowledged: json.acknowledged, detail: { part } };
}

/** Runs an upload in a process of its own until it has told `count` states, then kills it. */
async function killedUpload(count: number): Promise<UploadState> {
  const child = spawn(process.execPath, [join(compiled, 'test/storage/upload-process.js'), root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = '';
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    seen += 1;
    if (seen === count) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
  return stateOf(JSON.parse(last));
}

describe('an upload to a file storage', () => {
  it('killed in the middle goes on, reading only what was not acknowledged', async () => {
    const state = await killedUpload(5);
    expect(state.acknowledged).toBeGreaterThanOrEqual(5 * mebibyte);
    expect(await (await open().openBackup('controller', 'backup')).listFiles()).toEqual([]);

    const size = state.acknowledged + 3 * mebibyte;
    const reads: number[] = [];
    const told: number[] = [];
    const handle = await open().resumeBackup('controller', 'backup', 'run');
    const stored = await handle.uploadFile('archive', sourceOf(size, reads), {
      attempt: 2,
      resume: state,
      onProgress: async ({ acknowledged }) => void told.push(acknowledged),
    });
    expect(reads).toEqual([state.acknowledged]);
    expect(told[0]).toBe(state.acknowledged);
    expect(stored.size).toBe(size);
    const content = await readFile(join(inside(), 'archive'));
    expect(content.length).toBe(size);
    expectChunks(content);
    expect((await readdir(inside())).toSorted()).toEqual(['.owner', 'archive']);
  });

  it('starts anew when the part it should go on from is gone or too short', async () => {
    const state = await killedUpload(2);
    const part = String(state.detail['part']);
    const handle = await open().resumeBackup('controller', 'backup', 'run');
    const size = state.acknowledged + chunkBytes;
    for (const damage of [
      () => writeFile(join(inside(), part), 'x'),
      () => rm(join(inside(), part)),
    ]) {
      await damage();
      const reads: number[] = [];
      const options = { attempt: 2, resume: state };
      await handle.uploadFile(`archive`, sourceOf(size, reads), options);
      expect(reads).toEqual([0]);
      expectChunks(await readFile(join(inside(), 'archive')));
      await writeFile(join(inside(), part), 'x');
    }
  });

  it('that was overtaken stops, and neither writes into the newer one nor removes its part', async () => {
    const handle = await open().startBackup('controller', 'backup', 'run');
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const size = 4 * mebibyte;
    const states: UploadState[] = [];
    const slow = handle.uploadFile('archive', sourceOf(size), {
      attempt: 1,
      onProgress: async (state) => {
        states.push(state);
        await gate;
      },
    });
    while (states.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const [state] = states;
    if (state === undefined) throw new Error('no state');
    let overtaken: HoldfastError | undefined;
    let middle = (): void => undefined;
    const paused = new Promise<void>((resolve) => (middle = resolve));
    const newer = handle.uploadFile('archive', sourceOf(size), {
      attempt: 2,
      resume: state,
      onProgress: async ({ acknowledged }) => {
        if (acknowledged !== 2 * mebibyte) return;
        release();
        overtaken = await refusal(slow);
        middle();
      },
    });
    await paused;
    await newer;
    expect(overtaken?.message).toBe(
      'attempt 1 of the upload of archive was overtaken by attempt 2 and stopped',
    );
    expectChunks(await readFile(join(inside(), 'archive')));
    expect((await readdir(inside())).toSorted()).toEqual(['.owner', 'archive']);
  });

  it('stops on an abort and keeps its part for the next attempt', async () => {
    const handle = await open().startBackup('controller', 'backup', 'run');
    const abort = new AbortController();
    let last: UploadState | undefined;
    const upload = handle.uploadFile('archive', sourceOf(8 * mebibyte), {
      attempt: 1,
      signal: abort.signal,
      onProgress: async (state) => {
        last = state;
        if (state.acknowledged === 3 * mebibyte) abort.abort(new Error('worker stops'));
      },
    });
    await expect(upload).rejects.toThrow('worker stops');
    expect(await handle.listFiles()).toEqual([]);
    if (last === undefined) throw new Error('no state');
    const reads: number[] = [];
    await handle.uploadFile('archive', sourceOf(8 * mebibyte, reads), { attempt: 2, resume: last });
    expect(reads).toEqual([last.acknowledged]);
    expect(last.acknowledged).toBeLessThan(8 * mebibyte);
    expectChunks(await readFile(join(inside(), 'archive')));
  });

  it('never reads a part that a forged state names outside of its own file', async () => {
    await writeFile(join(root, 'outside'), 'x'.repeat(100));
    const handle = await open().startBackup('controller', 'backup', 'run');
    for (const part of ['../../outside', '.other.1.0123456789ab.part', '.archive.1.x.part', '']) {
      const reads: number[] = [];
      const resume = { v: 1, type: 'file', acknowledged: 50, detail: { part } } as const;
      await handle.uploadFile('archive', sourceOf(chunkBytes, reads), { attempt: 1, resume });
      expect(reads).toEqual([0]);
    }
  });
});
