import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { serialize } from 'bson';
import { goZeroTime } from '../../archive/go-json';
import { inspectArchive } from '../../archive/inspect-archive';
import { inspectRope, type RopeInspection } from '../../archive/inspect-rope';
import {
  isRestorable,
  parseManifest,
  serializeManifest,
  type Manifest,
} from '../../archive/manifest';
import { emptyMetadata, publicMetadata, serializeMetadata } from '../../archive/metadata';
import { composeRope, type RopeSource } from '../../archive/rope';
import { openRope } from '../../archive/rope-file';
import { SegmentFile } from '../../archive/segment-file';
import type { InnerEntry } from '../../archive/tar-entry';
import { encodeTarHeader, paddingAfter } from '../../archive/tar-header';
import {
  archiveName,
  attributes,
  directory as directoryAttributes,
  digestOf,
  sha256Of,
  spool,
  streamOf,
  temporaryDirectory,
  refusalOf,
} from './sample-archive';
import { zlibOf } from './zlib-of';

/** The archive, INDEX and MANIFEST of format holdfast-manifest/1 that every later reader must accept. */
const golden = join(__dirname, '../fixtures/golden/manifest-1');

// Level 0 keeps the bytes the same whatever zlib a Node was built with.
const level = 0;

const modelUuid = 'a78216c9-fa4e-4f57-874f-c662329232b8';
const controllerUuid = '97e64c95-e2a9-400d-8aea-793b054b5b2e';

const metadata = emptyMetadata({
  formatVersion: 1,
  started: '2026-11-21T09:03:16.5Z',
  finished: goZeroTime,
  notes: 'golden <1>',
  modelUuid,
  machine: '0',
  hostname: 'juju-5f2c1a-0',
  version: '2.9.21',
  series: 'focal',
  controllerUuid,
  haNodes: 1,
  controllerMachineId: '0',
  controllerMachineInstanceId: 'i-0',
});

async function build(runDirectory: string): Promise<{ bytes: Buffer; inspection: RopeInspection }> {
  const nonce = Buffer.from('machine-0:golden\n');
  const inner: InnerEntry[] = [
    { ...directoryAttributes, path: 'var/lib/juju', type: 'directory' },
    {
      ...attributes,
      path: 'var/lib/juju/nonce.txt',
      type: 'file',
      size: nonce.length,
      sha256: sha256Of(nonce),
    },
    {
      ...attributes,
      mode: 0o777,
      path: 'var/lib/juju/tools/machine-0',
      type: 'symlink',
      link: '/var/lib/juju/tools/2.9.21-ubuntu-amd64',
    },
  ];
  const tar = Buffer.concat([
    ...inner.flatMap((entry) =>
      entry.type === 'file'
        ? [encodeTarHeader(entry), nonce, Buffer.alloc(paddingAfter(nonce.length))]
        : [encodeTarHeader(entry)],
    ),
    Buffer.alloc(1024),
  ]);
  const dump = Buffer.concat([1, 2, 3].map((n) => serialize({ _id: n, name: `model-${n}` })));
  const segment = await SegmentFile.create(runDirectory, 'seg-1');
  const members = await spool(segment, tar, 2048);
  const documents = await spool(segment, dump, 50);
  await segment.close();
  const name = 'juju-backup/dump/juju/models';
  const sources: RopeSource[] = [
    { ...directoryAttributes, path: 'juju-backup', type: 'directory' },
    {
      ...attributes,
      path: 'juju-backup/root.tar',
      type: 'bundle',
      members,
      size: tar.length,
      inner,
    },
    { ...directoryAttributes, path: 'juju-backup/dump', type: 'directory' },
    { ...attributes, path: 'juju-backup/dump/oplog.bson', type: 'bytes', bytes: Buffer.alloc(0) },
    { ...directoryAttributes, path: 'juju-backup/dump/juju', type: 'directory' },
    {
      ...attributes,
      path: `${name}.bson`,
      type: 'spooled',
      members: documents,
      size: dump.length,
      documents: 3,
    },
    { ...attributes, path: `${name}.metadata.json`, type: 'bytes', bytes: Buffer.from('{}') },
    {
      ...attributes,
      path: 'juju-backup/metadata.json',
      type: 'bytes',
      bytes: serializeMetadata('v1-2.8', metadata),
    },
  ];
  const rope = await composeRope(sources, {
    runDirectory,
    literalsFile: 'lit-1',
    compressor: zlibOf(level),
  });
  const options = { runDirectory, indexFile: 'INDEX', archive: archiveName };
  const inspection = await inspectRope(rope, options);
  const chunks: Buffer[] = [];
  for await (const chunk of openRope(rope, runDirectory, 0)) chunks.push(chunk);
  return { bytes: Buffer.concat(chunks), inspection };
}

function manifestOf(inspection: RopeInspection, index: Buffer): Manifest {
  const { size, sha256, sha1Base64 } = inspection;
  return {
    format: 'holdfast-manifest/1',
    backupId: `20261121-090316.${modelUuid}`,
    owner: 'holdfast/run-1',
    controller: {
      name: 'prod',
      controllerUuid,
      modelUuid,
      replicaSetId: '673ef1d0a1b2c3d4e5f60718',
    },
    hosts: [{ machine: 'machine-0', hostname: 'juju-5f2c1a-0' }],
    purpose: 'manual',
    kind: 'full',
    outcome: 'complete',
    chain: null,
    started: '2026-11-21T09:03:16.500Z',
    finished: '2026-11-21T09:03:19.000Z',
    notes: 'golden <1>',
    tags: ['nightly'],
    tool: { name: 'holdfast', version: '0.1.0' },
    metadata: publicMetadata('v1-2.8', metadata),
    mongo: {
      version: '4.4.2',
      fcv: '4.4',
      replicaSet: 'juju',
      node: '127.0.0.1:37017',
      dataIdentity: '0f8b6d2c-5e0a-4f0b-9f65-0d4a3c2b1a00',
      oplog: {
        start: { ts: { t: 1_763_715_796, i: 1 }, t: 1 },
        end: { ts: { t: 1_763_715_797, i: 3 }, t: 1 },
        entries: 0,
        firstEntrySha256: null,
      },
    },
    datasets: [
      {
        id: 'controller/controller',
        source: 'controller',
        handler: 'controller',
        repository: 'default',
        file: archiveName,
        atoms: ['juju'],
        totalFiles: inspection.files,
        totalBytes: inspection.bytes,
        bytesAdded: size,
        durationMs: 2500,
      },
    ],
    files: [
      {
        name: archiveName,
        host: 'machine-0',
        content: { size, sha256, sha1Base64 },
        stored: { size, sha256 },
        compression: 'gzip',
        encryption: null,
      },
    ],
    index: { name: 'INDEX', ...digestOf(index) },
  };
}

test('the golden archive, INDEX and MANIFEST are what is written today', async () => {
  const directory = await temporaryDirectory();
  try {
    const { bytes, inspection } = await build(directory.path);
    const index = await readFile(join(directory.path, 'INDEX'));
    if (process.env['HOLDFAST_WRITE_GOLDEN'] === '1') {
      await mkdir(golden, { recursive: true });
      await writeFile(join(golden, archiveName), bytes);
      await writeFile(join(golden, 'INDEX'), index);
      await writeFile(join(golden, 'MANIFEST'), serializeManifest(manifestOf(inspection, index)));
    }
    const kept = await readFile(join(golden, 'INDEX'));
    expect(gunzipSync(index).toString('utf8')).toBe(gunzipSync(kept).toString('utf8'));
    expect(bytes.equals(await readFile(join(golden, archiveName)))).toBe(true);
    const manifest = await readFile(join(golden, 'MANIFEST'), 'utf8');
    expect(serializeManifest(manifestOf(inspection, kept)).toString('utf8')).toBe(manifest);
  } finally {
    await directory.remove();
  }
});

test('the golden backup passes the strict reader', async () => {
  const manifest = parseManifest(await readFile(join(golden, 'MANIFEST')), 'golden');
  expect(isRestorable(manifest)).toBe(true);
  const [file] = manifest.files;
  if (file === undefined) throw new Error('the golden MANIFEST names no file');
  const totals = await inspectArchive({
    archive: file.name,
    bytes: streamOf(await readFile(join(golden, file.name))),
    expect: file.content,
    index: streamOf(await readFile(join(golden, manifest.index.name))),
    expectIndex: manifest.index,
  });
  expect(totals).toMatchObject({ ...file.content, documents: 3 });
});

async function goldenManifest(): Promise<Manifest> {
  return parseManifest(await readFile(join(golden, 'MANIFEST')), 'golden');
}

test('a MANIFEST of a kind nobody knows yet is read, and never restored', async () => {
  const manifest = { ...(await goldenManifest()), kind: 'incremental', later: { any: 1 } };
  const open = JSON.stringify(manifest, undefined, 2).replace(/\n\}$/, ',\n');
  const sealed = `${open}  "digest": "${sha256Of(Buffer.from(open))}"\n}\n`;
  const read = parseManifest(Buffer.from(sealed), 'later');
  expect(read.kind).toBe('incremental');
  expect(isRestorable(read)).toBe(false);
});

test('a MANIFEST that is part of a chain is not restored alone', async () => {
  const chain = { id: 'c', parent: 'p', sequence: 1 };
  expect(isRestorable({ ...(await goldenManifest()), chain })).toBe(false);
});

test.each([
  ['cut off', (text: string) => text.slice(0, -5), /JSON/],
  ['of another format', (text: string) => text.replace('manifest/1', 'manifest/2'), /format/],
  ['without its files', (text: string) => text.replace('"files"', '"fyles"'), /files/],
  ['with a bad digest', (text: string) => text.replace(/"sha256": "../, '"sha256": "zz'), /sha256/],
  [
    'that is not UTF-8',
    (text: string) => Buffer.from(text.replace('prod', 'pr\u00f6d'), 'latin1'),
    /JSON/,
  ],
  ['with other notes', (text: string) => text.replace('golden <1>', 'golden <2>'), /digest/],
  ['without its digest', (text: string) => text.replace(/,\n {2}"digest".*/, ''), /digest/],
  ['over 64 KiB', (text: string) => text.padEnd(64 * 1024 + 1), /65536/],
])('a MANIFEST %s is refused with the reason', async (_, change, reason) => {
  const text = await readFile(join(golden, 'MANIFEST'), 'utf8');
  const bytes = Buffer.from(change(text));
  const refusal = await refusalOf(() => parseManifest(bytes, '20261121'));
  expect(refusal.code).toBe('HF-MANIFEST-001');
  expect(refusal.message).toMatch(reason);
});

test('a MANIFEST that would be too large is not written', async () => {
  const manifest = { ...(await goldenManifest()), notes: 'n'.repeat(64 * 1024) };
  expect((await refusalOf(() => serializeManifest(manifest))).code).toBe('HF-MANIFEST-001');
});
