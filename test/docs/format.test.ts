import { createHash } from 'node:crypto';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { readIndex } from '../../archive/index-file';
import { isIndexEntry, indexLineSchema, type IndexLine } from '../../archive/index-line';
import { isRestorable, parseManifest } from '../../archive/manifest';
import { summarize } from '../../catalog/backup-summary';
import { openFileStorage } from '../../storage/file-storage';
import { sampleArchive, streamOf, temporaryDirectory } from '../archive/sample-archive';
import { codeBlocks } from './code-blocks';

const page = join(__dirname, '../../docs/format.md');
const golden = join(__dirname, '../fixtures/golden/manifest-1');
const archive = 'juju-backup-20261121-090316.tar.gz';

let manifestExample: string;
let indexExample: string;
beforeAll(async () => {
  const blocks = codeBlocks(await readFile(page, 'utf8'));
  const only = (begins: string): string => {
    const found = blocks.filter((block) => block.startsWith(begins));
    if (found.length !== 1 || found[0] === undefined) throw new Error(`not one block ${begins}`);
    return found[0];
  };
  manifestExample = only('{\n  "format"');
  indexExample = only('{"type"');
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The range of a line, as the page describes it. */
interface Range {
  readonly stored: { readonly offset: number; readonly length: number; readonly sha256: string };
  readonly skip: number;
  readonly members: readonly (readonly [stored: number, content: number])[];
}

/**
 * A reader of entries written from docs/format.md alone: nothing of Holdfast is in it.
 * @param read gives the bytes of the archive from `offset` on; called once.
 */
async function readFromPage(
  line: Range & { size: number },
  read: (offset: number, length: number) => Promise<Buffer>,
  [a, b]: [number, number] = [0, line.size],
): Promise<Buffer> {
  let { offset } = line.stored;
  let position = -line.skip;
  const needed: { offset: number; stored: number; content: number; position: number }[] = [];
  for (const [stored, content] of line.members) {
    if (position < b && position + content > a) needed.push({ offset, stored, content, position });
    offset += stored;
    position += content;
  }
  const [first] = needed;
  if (first === undefined) return Buffer.alloc(0);
  const length = needed.reduce((sum, { stored }) => sum + stored, 0);
  const range = await read(first.offset, length);
  if (length === line.stored.length) expect(sha256(range)).toBe(line.stored.sha256);
  const contents = needed.map((member) => {
    const at = member.offset - first.offset;
    const content = gunzipSync(range.subarray(at, at + member.stored));
    expect(content).toHaveLength(member.content);
    return content;
  });
  return Buffer.concat(contents).subarray(a - first.position, b - first.position);
}

/** Reads of a file that are counted. */
class CountedReads {
  count = 0;
  last: [from: number, to: number] | undefined;
  constructor(private readonly file: FileHandle) {}

  readonly read = async (offset: number, length: number): Promise<Buffer> => {
    this.count += 1;
    this.last = [offset, offset + length - 1];
    const { buffer, bytesRead } = await this.file.read(Buffer.alloc(length), 0, length, offset);
    expect(bytesRead).toBe(length);
    return buffer;
  };
}

async function withGolden<T>(use: (reads: CountedReads) => Promise<T>): Promise<T> {
  const file = await open(join(golden, archive));
  try {
    return await use(new CountedReads(file));
  } finally {
    await file.close();
  }
}

function linesOf(text: string): IndexLine[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => indexLineSchema.parse(JSON.parse(line)));
}

function fileOf(lines: readonly IndexLine[], path: string): IndexLine & { type: 'file' } {
  const found = lines.find((line) => line.type === 'file' && line.path === path);
  if (found?.type !== 'file') throw new Error(`no file ${path}`);
  return found;
}

describe('the MANIFEST of docs/format.md', () => {
  it('is the MANIFEST of the example, byte for byte, and can be restored', async () => {
    expect(manifestExample).toBe(await readFile(join(golden, 'MANIFEST'), 'utf8'));
    const manifest = parseManifest(Buffer.from(manifestExample), 'the page');
    expect(isRestorable(manifest)).toBe(true);
    expect(manifest.files.map(({ name }) => name)).toEqual([archive]);
  });

  it('names the size and digest of the INDEX and of the archive beside it', async () => {
    const { files, index } = parseManifest(Buffer.from(manifestExample), 'the page');
    const [file] = files;
    for (const { name, size, digest } of [
      { name: archive, size: file?.stored.size, digest: file?.stored.sha256 },
      { name: index.name, size: index.size, digest: index.sha256 },
    ]) {
      const bytes = await readFile(join(golden, name));
      expect({ name, size: bytes.length, digest: sha256(bytes) }).toEqual({ name, size, digest });
    }
  });

  it('has a row in the tables for each of its keys', async () => {
    const text = await readFile(page, 'utf8');
    const manifest = parseManifest(Buffer.from(manifestExample), 'the page');
    for (const key of Object.keys(manifest)) {
      expect(text).toMatch(new RegExp(`^\\| (\`\\w+\`, )?\`${key}\``, 'm'));
    }
    const inner = [manifest.mongo, manifest.datasets[0], manifest.files[0], manifest.controller];
    for (const key of inner.flatMap((value) => Object.keys(value ?? {}))) {
      expect(text).toMatch(new RegExp(`\`${key}(\\.\\w+|\\[\\])?\``));
    }
  });
});

describe('the INDEX of docs/format.md', () => {
  it('is the INDEX of the example, and every line has the form that is described', async () => {
    const stored = await readFile(join(golden, 'INDEX'));
    expect(gunzipSync(stored).toString('utf8')).toBe(indexExample);
    const read: IndexLine[] = [];
    for await (const line of readIndex(streamOf(gzipSync(indexExample)), { archive }))
      read.push(line);
    expect(read).toEqual(linesOf(indexExample));
    const types = new Set(read.map(({ type }) => type));
    expect(types).toEqual(
      new Set(['file', 'directory', 'symlink', 'header', 'padding', 'trailer']),
    );
  });

  it('accounts for every byte of the archive', () => {
    const ranged = linesOf(indexExample).filter(
      (line) => 'stored' in line && !line.path.includes('!/'),
    );
    expect(ranged.reduce((sum, { size }) => sum + size, 0)).toBe(9728);
    let end = 0;
    for (const line of ranged) {
      if (!('stored' in line)) continue;
      expect(line.stored.offset).toBeLessThanOrEqual(end);
      end = Math.max(end, line.stored.offset + line.stored.length);
    }
    expect(end).toBe(6975);
  });

  it('lets a reader written from the page reach every entry by one ranged read', () =>
    withGolden(async (reads) => {
      const files = linesOf(indexExample).filter((line) => line.type === 'file');
      expect(files.map(({ path }) => path)).toContain(
        'juju-backup/root.tar!/var/lib/juju/nonce.txt',
      );
      for (const line of files) {
        reads.count = 0;
        const content = await readFromPage(line, reads.read);
        expect([line.path, content.length, sha256(content)]).toEqual([
          line.path,
          line.size,
          line.sha256,
        ]);
        expect(reads.count).toBe(line.size === 0 ? 0 : 1);
      }
    }));

  it('has the place of models.bson that the page works out', () =>
    withGolden(async (reads) => {
      const text = (await readFile(page, 'utf8')).replaceAll('\n', ' ');
      const models = fileOf(linesOf(indexExample), 'juju-backup/dump/juju/models.bson');
      const whole = await readFromPage(models, reads.read);
      expect(whole).toHaveLength(96);
      expect(reads.last).toEqual([3349, 3463]);
      expect(text).toContain('It is the bytes 3349 to 3463 of the archive');
      expect(models.members).toEqual([
        [57, 50],
        [58, 46],
      ]);
      const part = await readFromPage(models, reads.read, [10, 20]);
      expect(part).toEqual(whole.subarray(10, 20));
      expect(reads.last).toEqual([3349, 3405]);
      expect(text).toContain('Bytes 10 to 20 of it need only the first, bytes 3349 to 3405');
      const across = await readFromPage(models, reads.read, [45, 60]);
      expect(across).toEqual(whole.subarray(45, 60));
      const second = await readFromPage(models, reads.read, [50, 96]);
      expect(second).toEqual(whole.subarray(50));
      expect(reads.last).toEqual([3406, 3463]);
    }));

  it('is not the only one that reader can read: names that need pax, contents of many members', async () => {
    const directory = await temporaryDirectory();
    try {
      const sample = await sampleArchive(directory.path);
      const read = (offset: number, length: number): Promise<Buffer> =>
        Promise.resolve(sample.bytes.subarray(offset, offset + length));
      const lines = linesOf(gunzipSync(sample.index).toString('utf8')).filter(isIndexEntry);
      const found = new Map<string, Buffer>();
      for (const line of lines) {
        if (line.type !== 'file') continue;
        found.set(line.path, await readFromPage(line, read));
        expect([line.path, sha256(found.get(line.path) ?? Buffer.alloc(0))]).toEqual([
          line.path,
          line.sha256,
        ]);
      }
      for (const [path, content] of sample.contents) expect(found.get(path)).toEqual(content);
    } finally {
      await directory.remove();
    }
  });
});

describe('what docs/format.md calls complete', () => {
  it.each([
    ['incomplete', 'without MANIFEST', { MANIFEST: undefined }],
    ['damaged', 'without INDEX', { INDEX: undefined }],
    ['damaged', 'with an archive of another size', { [archive]: Buffer.from('short') }],
    ['damaged', 'with a MANIFEST that is none', { MANIFEST: Buffer.from('{}') }],
    ['complete', 'as it was written', {}],
  ])('%s: a backup %s', async (status, _, changes: Record<string, Buffer | undefined>) => {
    const directory = await temporaryDirectory();
    try {
      const storage = openFileStorage({ name: 'default', path: directory.path });
      const { backupId, controller } = parseManifest(Buffer.from(manifestExample), 'the page');
      const handle = await storage.startBackup(controller.modelUuid, backupId, 'test');
      for (const name of [archive, 'INDEX', 'MANIFEST']) {
        const bytes = name in changes ? changes[name] : await readFile(join(golden, name));
        if (bytes !== undefined) await handle.putFile(name, bytes);
      }
      const [scanned] = await storage.scan(controller.modelUuid);
      if (scanned === undefined) throw new Error('nothing was found');
      expect((await summarize(storage, scanned)).status).toBe(status);
    } finally {
      await directory.remove();
    }
  });
});
