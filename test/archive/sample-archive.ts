import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'bson';
import { HoldfastError } from '../../core/errors';
import type { SpoolMember } from '../../core/spool';
import { bundleFiles, type Bundle } from '../../archive/files-bundle';
import { zlibMember } from '../../archive/compressor';
import type { FileDigest } from '../../archive/index-file';
import { inspectRope, type RopeInspection } from '../../archive/inspect-rope';
import type { ReadRange } from '../../archive/read-entry';
import { composeRope, type Rope, type RopeSource } from '../../archive/rope';
import { openRope } from '../../archive/rope-file';
import { SegmentFile } from '../../archive/segment-file';
import { zlibOf } from './zlib-of';

/** Seconds since the epoch that every sample entry carries. */
export const sampleTime = 1_763_714_596;

export const archiveName = 'juju-backup-20261121-090316.tar.gz';

/** Small, fast, seeded numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Bytes that don't compress, the same for the same seed. */
export function noise(size: number, seed: number): Buffer {
  const key = Buffer.alloc(16, seed);
  return createCipheriv('aes-128-ctr', key, key).update(Buffer.alloc(size));
}

/** BSON documents one after the other, as a dump holds them. */
export function dumpOf(documents: number, seed: number, bytesEach = 40): Buffer {
  const random = seeded(seed);
  const all: Uint8Array[] = [];
  for (let n = 0; n < documents; n += 1) {
    const text = Array.from({ length: bytesEach }, () => 33 + Math.floor(random() * 90));
    all.push(serialize({ _id: n, text: String.fromCharCode(...text), at: random() }));
  }
  return Buffer.concat(all);
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A run directory that is removed at the end of the test. */
export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'holdfast-archive-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Writes content as gzip members of `pieceSize` bytes. */
export async function spool(
  segment: SegmentFile,
  content: Buffer,
  pieceSize: number,
): Promise<SpoolMember[]> {
  const members: SpoolMember[] = [];
  for (let at = 0; at < content.length; at += pieceSize) {
    const piece = content.subarray(at, at + pieceSize);
    const stored = await zlibMember(piece, 6);
    members.push(await segment.append({ stored, content: piece.length }));
  }
  return members;
}

export const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: sampleTime } as const;
export const directory = { mode: 0o700, uid: 0, gid: 0, mtime: sampleTime } as const;

/** A small tree like a controller's, below `root`. */
export async function writeHostTree(root: string): Promise<string[]> {
  const juju = join(root, 'var/lib/juju');
  await mkdir(join(juju, 'tools/2.9.21-ubuntu-amd64'), { recursive: true });
  await mkdir(join(juju, 'agents/machine-0'), { recursive: true });
  await mkdir(join(root, 'home/ubuntu/.ssh'), { recursive: true });
  await writeFile(join(juju, 'tools/2.9.21-ubuntu-amd64/jujud'), Buffer.alloc(70_000, 'jujud '));
  await writeFile(join(juju, 'agents/machine-0/agent.conf'), 'tag: machine-0\n', { mode: 0o600 });
  await writeFile(join(juju, 'nonce.txt'), '');
  await writeFile(join(root, 'home/ubuntu/.ssh/authorized_keys'), 'ssh-ed25519 AAAA jujü\n');
  await symlink(join(juju, 'tools/2.9.21-ubuntu-amd64'), join(juju, 'tools/machine-0'));
  await symlink('jujud', join(juju, 'tools/2.9.21-ubuntu-amd64/juju-run'));
  const long = join(juju, 'agents', 'unit-'.padEnd(120, 'x'), 'charm-'.padEnd(130, 'y'));
  await mkdir(long, { recursive: true });
  await writeFile(join(long, 'état-☃.yaml'), 'operation: idle\n', { mode: 0o640 });
  await utimes(join(juju, 'nonce.txt'), sampleTime, sampleTime);
  return ['var/lib/juju/tools', 'var/lib/juju/agents', 'var/lib/juju/nonce.txt', 'home'].map(
    (path) => join(root, path),
  );
}

/** An archive as a backup makes it, with everything a test may want to look at. */
export interface SampleArchive {
  readonly runDirectory: string;
  readonly rope: Rope;
  readonly bundle: Bundle;
  readonly inspection: RopeInspection;
  /** The .tar.gz, whole. */
  readonly bytes: Buffer;
  readonly index: Buffer;
  /** Content of every file of the archive itself, by path. */
  readonly contents: ReadonlyMap<string, Buffer>;
}

export interface SampleOptions {
  /** Content bytes per gzip member of the spooled dumps. */
  readonly pieceSize?: number;
  readonly documents?: number;
  readonly level?: number;
}

/** Composes and inspects a sample archive in `runDirectory`; the host tree lies in its `host/`. */
export async function sampleArchive(
  runDirectory: string,
  options: SampleOptions = {},
): Promise<SampleArchive> {
  const { pieceSize = 3000, documents = 200, level = 6 } = options;
  const host = join(runDirectory, 'host');
  const paths = await writeHostTree(host);
  const segment = await SegmentFile.create(runDirectory, 'seg-1');
  const bundle = await bundleFiles({ root: host, paths, segment, compressor: zlibOf(level) });
  const history = dumpOf(documents, 1);
  const models = dumpOf(3, 2);
  const oplog = dumpOf(5, 3);
  const historyMembers = await spool(segment, history, pieceSize);
  const longMembers = await spool(segment, models, pieceSize);
  await segment.sync();
  await segment.close();
  const long = `juju-backup/dump/juju/${'a%2Fb'.padEnd(190, 'z')}.bson`;
  const metadata = Buffer.from('{"ID":""}\n');
  const options1 = Buffer.from('{"options":{},"indexes":[]}');
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
    {
      ...attributes,
      path: 'juju-backup/dump/oplog.bson',
      type: 'bytes',
      bytes: oplog,
      documents: 5,
    },
    { ...directory, path: 'juju-backup/dump/juju', type: 'directory' },
    {
      ...attributes,
      path: 'juju-backup/dump/juju/statuseshistory.bson',
      type: 'spooled',
      members: historyMembers,
      size: history.length,
      documents,
    },
    {
      ...attributes,
      path: 'juju-backup/dump/juju/statuseshistory.metadata.json',
      type: 'bytes',
      bytes: options1,
    },
    {
      ...attributes,
      path: 'juju-backup/dump/juju/empty.bson',
      type: 'spooled',
      members: [],
      size: 0,
    },
    { ...attributes, path: long, type: 'spooled', members: longMembers, size: models.length },
    { ...attributes, path: 'juju-backup/metadata.json', type: 'bytes', bytes: metadata },
  ];
  const rope = await composeRope(sources, {
    runDirectory,
    literalsFile: 'literals-1',
    compressor: zlibOf(level),
  });
  const inspection = await inspectRope(rope, {
    runDirectory,
    indexFile: 'INDEX',
    archive: archiveName,
  });
  const chunks: Buffer[] = [];
  for await (const chunk of openRope(rope, runDirectory, 0)) chunks.push(chunk);
  return {
    runDirectory,
    rope,
    bundle,
    inspection,
    bytes: Buffer.concat(chunks),
    index: await readFile(join(runDirectory, 'INDEX')),
    contents: new Map([
      ['juju-backup/dump/oplog.bson', oplog],
      ['juju-backup/dump/juju/statuseshistory.bson', history],
      ['juju-backup/dump/juju/statuseshistory.metadata.json', options1],
      ['juju-backup/dump/juju/empty.bson', Buffer.alloc(0)],
      [long, models],
      ['juju-backup/metadata.json', metadata],
    ]),
  };
}

/** The HoldfastError that `work` ends with; fails when there is none. */
export async function refusalOf(work: () => unknown): Promise<HoldfastError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** Bytes as a stream of chunks. */
export async function* streamOf(bytes: Uint8Array, chunk = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
}

/** Ranged reads of bytes at hand. */
export function rangesOf(bytes: Buffer): ReadRange {
  return ({ start, end }) => Promise.resolve(streamOf(bytes.subarray(start, end), 700));
}

/** Ranged reads of a file. */
export function rangesOfFile(path: string): ReadRange {
  return ({ start, end }) => Promise.resolve(createReadStream(path, { start, end: end - 1 }));
}

export function digestOf(bytes: Buffer): FileDigest {
  return { size: bytes.length, sha256: sha256Of(bytes) };
}
