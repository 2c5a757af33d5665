import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { BsonFrames } from '../../archive/bson-frames';
import { EntryPolicy, type TarPlace } from '../../archive/entry-policy';
import type { TarEntry } from '../../archive/tar-entry';
import { encodeTarHeader } from '../../archive/tar-header';
import { archiveName } from './sample-archive';

interface Listed {
  readonly entry: TarEntry;
  readonly content: Buffer;
}

async function listed(chunks: AsyncIterable<Buffer>): Promise<Listed[]> {
  const all: Listed[] = [];
  const parser = extract();
  const ended = new Promise<void>((resolve, reject) => {
    parser.on('finish', resolve);
    parser.on('error', reject);
  });
  parser.on('entry', (header, stream, next) => {
    const parts: Buffer[] = [];
    stream.on('data', (part) => {
      if (Buffer.isBuffer(part)) parts.push(part);
    });
    stream.on('end', () => {
      const { name: path, mode, uid, gid, size, linkname: link } = header;
      const attributes = { path, mode, uid, gid, mtime: header.mtime.getTime() / 1000 };
      const content = Buffer.concat(parts);
      if (header.type === 'directory')
        all.push({ entry: { ...attributes, type: 'directory' }, content });
      else if (header.type === 'symlink') {
        all.push({ entry: { ...attributes, type: 'symlink', link }, content });
      } else all.push({ entry: { ...attributes, type: 'file', size }, content });
      next();
    });
  });
  for await (const chunk of chunks) parser.write(chunk);
  parser.end(undefined);
  await ended;
  return all;
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

function refused(entries: readonly Listed[], place: TarPlace): string[] {
  const policy = new EntryPolicy(place);
  return entries.flatMap(({ entry }) => {
    const problem = policy.problem(entry);
    return problem === undefined ? [] : [`${entry.path}: ${problem}`];
  });
}

let outer: Listed[];
let inner: Listed[];

beforeAll(async () => {
  const file = createReadStream(join(__dirname, '../fixtures', archiveName));
  outer = await listed(file.pipe(createGunzip()));
  const bundle = outer.find(({ entry }) => entry.path === 'juju-backup/root.tar');
  inner = await listed(once(bundle?.content ?? Buffer.alloc(0)));
});

test('every entry of an archive made by Juju itself is allowed', () => {
  expect(outer.length).toBeGreaterThan(200);
  expect(inner).toHaveLength(18);
  expect(refused(outer, 'archive')).toEqual([]);
  expect(refused(inner, 'bundle')).toEqual([]);
});

test('its dumps consist of whole documents, 3248 and one oplog entry', () => {
  let documents = 0;
  for (const { entry, content } of outer) {
    if (!entry.path.endsWith('.bson')) continue;
    const frames = new BsonFrames();
    frames.update(content);
    documents += frames.finish();
  }
  expect(documents).toBe(3249);
});

test('headers differ from ours in the names of user and group alone', async () => {
  const bundle = outer.find(({ entry }) => entry.path === 'juju-backup/root.tar');
  const tar = bundle?.content ?? Buffer.alloc(0);
  const [first] = inner;
  if (first === undefined) throw new Error('root.tar is empty');
  const theirs = Buffer.from(tar.subarray(0, 512));
  const ours = encodeTarHeader(first.entry);
  // Checksum, user name and group name.
  for (const block of [theirs, ours]) block.fill(0, 148, 156).fill(0, 265, 329);
  expect(ours.equals(theirs)).toBe(true);
});
