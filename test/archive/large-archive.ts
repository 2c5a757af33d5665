import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { serialize } from 'bson';
import { bundleFiles } from '../../archive/files-bundle';
import { readIndex } from '../../archive/index-file';
import type { IndexLine } from '../../archive/index-line';
import { inspectRope, type RopeInspection } from '../../archive/inspect-rope';
import { composeRope, type Rope, type RopeSource } from '../../archive/rope';
import { openRope } from '../../archive/rope-file';
import { SegmentFile } from '../../archive/segment-file';
import {
  archiveName,
  attributes,
  directory,
  noise,
  sampleTime,
  spool,
  streamOf,
} from './sample-archive';
import { zlibOf } from './zlib-of';

/** Content of a gzip member of the spooled dumps, bytes. */
const pieceSize = 192 * 1024;

/** Fast: most of the content does not compress anyway. */
const compressor = zlibOf(1);

/** A stored archive of about 65 MB, in hundreds of gzip members, with what INDEX says of it. */
export interface LargeArchive {
  readonly rope: Rope;
  readonly inspection: RopeInspection;
  /** The .tar.gz, whole. */
  readonly bytes: Buffer;
  readonly index: Buffer;
  readonly lines: readonly IndexLine[];
}

/** Composes and inspects it in `runDirectory`; the same one every time. */
export async function largeArchive(runDirectory: string): Promise<LargeArchive> {
  const host = join(runDirectory, 'host');
  await writeTree(host);
  const segment = await SegmentFile.create(runDirectory, 'seg-1');
  const bundle = await bundleFiles({ root: host, paths: [join(host, 'var')], segment, compressor });
  const sources: RopeSource[] = [
    { ...directory, path: 'juju-backup', type: 'directory' },
    {
      ...attributes,
      path: 'juju-backup/root.tar',
      type: 'bundle',
      members: bundle.members,
      size: bundle.size,
      inner: bundle.entries,
    },
    { ...directory, path: 'juju-backup/dump', type: 'directory' },
    await dump(segment, 'juju-backup/dump/oplog.bson', 1_200, 9_000),
    { ...directory, path: 'juju-backup/dump/juju', type: 'directory' },
  ];
  for (let number = 0; number < 40; number += 1) {
    const path = `juju-backup/dump/juju/collection${number}`;
    const size = number % 4 === 3 ? number * 1_000 : 1_600_000;
    const each = number % 3 === 0 ? 60_000 : 3_000;
    sources.push(await dump(segment, `${path}.bson`, Math.ceil(size / each), each));
    const bytes = Buffer.from('{"options":{},"indexes":[]}');
    sources.push({ ...attributes, path: `${path}.metadata.json`, type: 'bytes', bytes });
  }
  const metadata = Buffer.from('{"ID":""}\n');
  const last = { ...attributes, path: 'juju-backup/metadata.json', bytes: metadata } as const;
  sources.push({ ...last, type: 'bytes' });
  await segment.sync();
  await segment.close();
  const rope = await composeRope(sources, { runDirectory, literalsFile: 'literals-1', compressor });
  const inspection = await inspectRope(rope, {
    runDirectory,
    indexFile: 'INDEX',
    archive: archiveName,
  });
  const chunks: Buffer[] = [];
  for await (const chunk of openRope(rope, runDirectory, 0)) chunks.push(chunk);
  const index = await readFile(join(runDirectory, 'INDEX'));
  const lines: IndexLine[] = [];
  for await (const line of readIndex(streamOf(index), { archive: archiveName })) lines.push(line);
  return { rope, inspection, bytes: Buffer.concat(chunks), index, lines };
}

/** Documents of `each` bytes, as a dump holds them, in the spool. */
async function dump(
  segment: SegmentFile,
  path: string,
  documents: number,
  each: number,
): Promise<RopeSource> {
  const data = noise(documents * each, documents % 251);
  const content = Buffer.concat(
    Array.from({ length: documents }, (_, _id) =>
      serialize({ _id, data: data.subarray(_id * each, (_id + 1) * each) }),
    ),
  );
  const members = await spool(segment, content, pieceSize);
  const size = content.length;
  return { ...attributes, path, type: 'spooled', members, size, documents };
}

/** Files like a controller's, whose times are always the same. */
async function writeTree(root: string): Promise<void> {
  const juju = join(root, 'var/lib/juju');
  const files: [string, Buffer][] = [
    ['tools/2.9.21-ubuntu-amd64/jujud', noise(6_000_000, 7)],
    ['tools/2.9.21-ubuntu-amd64/juju-dumplogs', Buffer.alloc(2_000_000, 'dumplogs ')],
    ['init/jujud-machine-0/jujud-machine-0.service', Buffer.from('[Unit]\n')],
    ['nonce.txt', Buffer.from('nonce')],
  ];
  for (let unit = 0; unit < 60; unit += 1) {
    files.push([`agents/machine-${unit}/agent.conf`, noise(unit * 97, unit)]);
  }
  const directories = new Set<string>();
  for (const [name, content] of files) {
    const path = join(juju, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content, { mode: 0o600 });
    await utimes(path, sampleTime, sampleTime);
    for (let up = dirname(path); up !== root; up = dirname(up)) directories.add(up);
  }
  for (const path of directories) await utimes(path, sampleTime, sampleTime);
}
