import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { importArchive, importedIndex, type ImportedArchive } from '../../archive/import-archive';
import { inspectArchive } from '../../archive/inspect-archive';
import { openRope } from '../../archive/rope-file';
import { loadIndex } from '../../archive/index-file';
import { readEntry } from '../../archive/read-entry';
import {
  archiveName,
  digestOf,
  dumpOf,
  rangesOf,
  refusalOf,
  sha256Of,
  streamOf,
  temporaryDirectory,
} from './sample-archive';
import { zlibOf } from './zlib-of';

const run = promisify(execFile);
const fixture = join(__dirname, '../fixtures', archiveName);

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let imports = 0;
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(() => directory.remove());

interface Imported extends ImportedArchive {
  readonly bytes: Buffer;
  readonly index: Buffer;
}

async function imported(file: AsyncIterable<Buffer>): Promise<Imported> {
  imports += 1;
  const runDirectory = join(directory.path, `import-${imports}`);
  await mkdir(runDirectory);
  const compressor = zlibOf(6);
  const found = await importArchive(file, { archive: archiveName, runDirectory, compressor });
  const chunks: Buffer[] = [];
  for await (const chunk of openRope(found.rope, runDirectory, 0)) chunks.push(chunk);
  const index = await readFile(importedIndex(runDirectory));
  return { ...found, bytes: Buffer.concat(chunks), index };
}

async function* buffers(bytes: Buffer, chunk = 1000): AsyncGenerator<Buffer> {
  for await (const part of streamOf(bytes, chunk)) yield Buffer.from(part);
}

/** A tar of these files, as another program than ours writes it. */
async function tarOf(files: Readonly<Record<string, Buffer | string>>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, Buffer.from(content));
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('an archive made by Juju itself', () => {
  let found: Imported;
  beforeEach(async () => {
    found = await imported(createReadStream(fixture));
  });

  it('becomes one that the strict reader accepts, every byte of it', async () => {
    const totals = await inspectArchive({
      archive: archiveName,
      bytes: streamOf(found.bytes),
      expect: digestOf(found.bytes),
      index: streamOf(found.index),
      expectIndex: digestOf(found.index),
    });
    expect(totals.documents).toBe(3249);
    expect(totals.sha256).toBe(found.inspection.sha256);
  });

  it('keeps what the file was, what its metadata says, and what is in it', () => {
    expect(found.origin).toEqual({
      size: 1_122_529,
      sha256: 'd1424541026df683eb52726fa825c585a645b67684c3c0bcd9e4f793886d413f',
      sha1Base64: 'qzNhvfw4gGIlzcByGIrWvNbYfOY=',
    });
    expect(found.metadata?.metadata).toMatchObject({ version: '2.9.21', formatVersion: 1 });
    const { agent, databases, hostFiles, oplogEntries } = found;
    expect({ agent, databases, hostFiles, oplogEntries }).toEqual({
      agent: 'machine-0',
      databases: ['blobstore', 'juju', 'logs'],
      hostFiles: 14,
      oplogEntries: 1,
    });
  });

  it('holds the same entries with the same contents, which GNU tar finds in both', async () => {
    const ours = join(directory.path, 'ours');
    const theirs = join(directory.path, 'theirs');
    for (const [path, bytes] of [
      [ours, found.bytes],
      [theirs, await readFile(fixture)],
    ] as const) {
      await mkdir(path);
      await writeFile(`${path}.tar.gz`, bytes);
      await run('tar', ['-xpzf', `${path}.tar.gz`, '-C', path]);
      await mkdir(join(path, 'root'));
      await run('tar', ['-xpf', join(path, 'juju-backup/root.tar'), '-C', join(path, 'root')]);
      await rm(join(path, 'juju-backup/root.tar'));
    }
    await run('diff', ['-r', '--no-dereference', ours, theirs]);
    const listing = async (path: string) =>
      (
        await run('find', ['.', '-type', 'f', '-printf', '%p %m %T@\n'], {
          cwd: path,
        })
      ).stdout
        .split('\n')
        .toSorted();
    expect(await listing(join(ours, 'root/var'))).toEqual(await listing(join(theirs, 'root/var')));
  });

  it('can be read in any part, by ranges', async () => {
    const index = await loadIndex(streamOf(found.index), { archive: archiveName });
    const line = index.get('juju-backup/dump/blobstore/blobstore.chunks.bson');
    if (line?.type !== 'file') throw new Error('no such entry');
    const parts: Buffer[] = [];
    const range = { start: 100_000, end: 100_500 };
    for await (const part of readEntry(line, rangesOf(found.bytes), {
      archive: archiveName,
      range,
    })) {
      parts.push(part);
    }
    const { stdout } = await run('tar', ['-xOzf', fixture, line.path], {
      encoding: 'buffer',
      maxBuffer: 1 << 24,
    });
    expect(Buffer.concat(parts).equals(stdout.subarray(100_000, 100_500))).toBe(true);
    expect(line.sha256).toBe(sha256Of(stdout));
  });

  it('gives the same archive when it is read again', async () => {
    const again = await imported(createReadStream(fixture));
    expect(again.bytes.equals(found.bytes)).toBe(true);
  });

  it('is read the same when it was written in several members', async () => {
    const tar = gunzipSync(await readFile(fixture));
    const half = Math.floor(tar.length / 2);
    const members = [gzipSync(tar.subarray(0, half)), gzipSync(tar.subarray(half))];
    const again = await imported(buffers(Buffer.concat(members), 4096));
    expect(again.bytes.equals(found.bytes)).toBe(true);
  });
});

test('one of Juju 1.20, packed by GNU tar and without metadata, is read too', async () => {
  const content = join(directory.path, 'juju-backup');
  const agent = join(directory.path, 'host/var/lib/juju/agents/machine-0');
  await mkdir(join(content, 'dump/juju'), { recursive: true });
  await mkdir(agent, { recursive: true });
  await writeFile(join(agent, 'agent.conf'), 'tag: machine-0\n');
  await symlink('agent.conf', join(agent, 'link'));
  await writeFile(join(content, 'environconfig.json'), '{}');
  await writeFile(join(content, 'dump/juju/machines.bson'), dumpOf(40, 1));
  await run('tar', ['-cf', join(content, 'root.tar'), 'var'], {
    cwd: join(directory.path, 'host'),
  });
  const file = join(directory.path, 'old.tar.gz');
  await run('tar', ['-czf', file, 'juju-backup'], { cwd: directory.path });
  const found = await imported(createReadStream(file));
  expect(found.metadata).toBeUndefined();
  expect(found.agent).toBe('machine-0');
  expect(found.inspection.documents).toBe(40);
  expect(found.oplogEntries).toBeUndefined();
});

describe('a file that is not such an archive', () => {
  it.each([
    ['text', Buffer.from('no archive'), 'HF-ARCHIVE-001'],
    ['nothing', Buffer.alloc(0), 'HF-ARCHIVE-001'],
    ['gzip of text', gzipSync('x'.repeat(2000)), 'HF-ARCHIVE-001'],
  ])('%s is refused', async (_, bytes, code) => {
    expect((await refusalOf(() => imported(buffers(bytes)))).code).toBe(code);
  });

  it.each([
    ['juju-backup/../etc/passwd', 'HF-ARCHIVE-002'],
    ['/etc/passwd', 'HF-ARCHIVE-002'],
    ['etc/passwd', 'HF-ARCHIVE-002'],
    ['juju-backup/dump/juju/x.exe', 'HF-ARCHIVE-002'],
  ])('one with an entry %s is refused by that name', async (name, code) => {
    const refusal = await refusalOf(async () =>
      imported(buffers(gzipSync(await tarOf({ [name]: 'x' })))),
    );
    expect(refusal.code).toBe(code);
    expect(refusal.message).toContain(name);
  });

  it('one whose root.tar leaves the root is refused by the name inside', async () => {
    const root = await tarOf({ '../../etc/passwd': 'x' });
    const outer = gzipSync(await tarOf({ 'juju-backup/root.tar': root }));
    const refusal = await refusalOf(() => imported(buffers(outer)));
    expect(refusal.code).toBe('HF-ARCHIVE-002');
    expect(refusal.message).toContain('root.tar!/../../etc/passwd');
  });

  it('one whose dump is cut off in a document is refused', async () => {
    const dump = dumpOf(3, 1).subarray(0, -4);
    const outer = gzipSync(await tarOf({ 'juju-backup/dump/juju/a.bson': dump }));
    const refusal = await refusalOf(() => imported(buffers(outer)));
    expect(refusal.message).toContain('a.bson');
    expect(refusal.message).toContain('cut off');
  });
});

test.each([0.1, 0.5, 0.9, 0.999])('a real one cut off at %d of it is refused', async (share) => {
  const bytes = await readFile(fixture);
  const cut = bytes.subarray(0, Math.floor(bytes.length * share));
  expect((await refusalOf(() => imported(buffers(cut, 65_536)))).code).toBe('HF-ARCHIVE-001');
});

test.each([0.1, 0.4, 0.8])(
  'a real one with a byte changed at %d of it is refused',
  async (share) => {
    const bytes = await readFile(fixture);
    const at = Math.floor(bytes.length * share);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x40, at);
    expect((await refusalOf(() => imported(buffers(bytes, 65_536)))).code).toMatch(/^HF-ARCHIVE/);
  },
);

test('a source that fails says so itself', async () => {
  const failing = async function* (): AsyncGenerator<Buffer> {
    yield (await readFile(fixture)).subarray(0, 100_000);
    throw new Error('the disk went away');
  };
  await expect(imported(failing())).rejects.toThrow('the disk went away');
});
