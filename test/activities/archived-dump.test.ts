import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { serialize } from 'bson';
import { fetchedArchive } from '../../activities/restore/fetch-archive';
import { readArchivedDump, type ArchivedDump } from '../../activities/restore/dumped-collections';
import { inspectedMark, LocalArchive } from '../../activities/restore/local-archive';
import { runFiles } from '../../activities/restore/run-files';
import { inspectRope } from '../../archive/inspect-rope';
import { composeRope, type RopeSource } from '../../archive/rope';
import { openRope } from '../../archive/rope-file';
import {
  archiveName,
  attributes,
  digestOf,
  directory as tarDirectory,
} from '../archive/sample-archive';
import { zlibOf } from '../archive/zlib-of';
import { inDirectory } from './temporary';

const { signal } = new AbortController();
const units = '{"options":{},"indexes":[],"collectionName":"units"}';
const view = '{"options":{"viewOn":"units","pipeline":[]},"indexes":[],"collectionName":"seen"}';
const documents = Buffer.from(serialize({ _id: 1 }));

/** Reads the dump of an archive that holds these files in `dump/juju`, as it is fetched and inspected. */
async function read(files: Readonly<Record<string, string | Buffer>>): Promise<ArchivedDump> {
  return inDirectory(async (run) => {
    const sources: RopeSource[] = [
      ...['juju-backup', 'juju-backup/dump', 'juju-backup/dump/juju'].map((path): RopeSource => ({
        ...tarDirectory,
        path,
        type: 'directory',
      })),
      ...Object.entries(files).map(([name, content]): RopeSource => {
        const path = `juju-backup/dump/juju/${name}`;
        return { ...attributes, path, type: 'bytes', bytes: Buffer.from(content) };
      }),
    ];
    const made = { runDirectory: run, literalsFile: 'literals-1', compressor: zlibOf(6) };
    const rope = await composeRope(sources, made);
    await inspectRope(rope, {
      runDirectory: run,
      indexFile: relative(run, runFiles.index(run)),
      archive: archiveName,
    });
    const chunks: Buffer[] = [];
    for await (const chunk of openRope(rope, run, 0)) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    await writeFile(join(run, 'archive-1'), bytes);
    const archive = { name: archiveName, ...digestOf(bytes), sha1Base64: '' };
    await fetchedArchive.write(run, { file: 'archive-1', archive });
    await mkdir(dirname(inspectedMark(run)));
    await writeFile(inspectedMark(run), '{}');
    return readArchivedDump(await LocalArchive.open(run), signal);
  });
}

test('a dump gives its collections and views, each with its documents', async () => {
  const { collections } = await read({
    'units.bson': documents,
    'units.metadata.json': units,
    'seen.metadata.json': view,
  });
  expect(collections).toMatchObject([
    { database: 'juju', name: 'units', documents: 1, bytes: documents.length },
    { database: 'juju', name: 'seen', documents: 0, data: undefined },
  ]);
});

test.each<[string, Record<string, string | Buffer>, string, string]>([
  [
    'metadata of another collection',
    { 'machines.bson': documents, 'machines.metadata.json': units },
    'machines.metadata.json',
    'it says that it is of units',
  ],
  [
    'metadata that is no JSON',
    { 'units.bson': documents, 'units.metadata.json': '{"options":' },
    'units.metadata.json',
    'it is no JSON',
  ],
  [
    'metadata without documents',
    { 'units.metadata.json': units },
    'units.metadata.json',
    'the documents of its collection are not there',
  ],
  [
    'documents without metadata',
    { 'units.bson': documents },
    'units.bson',
    'no metadata says what its collection is',
  ],
  [
    'documents of a view',
    { 'seen.bson': documents, 'seen.metadata.json': view },
    'seen.bson',
    'no metadata says what its collection is',
  ],
])('%s are named, before anything is planned', async (_, files, name, reason) => {
  await expect(read(files)).rejects.toMatchObject({
    code: 'HF-ARCHIVE-001',
    params: { archive: archiveName, where: `juju-backup/dump/juju/${name}`, reason },
  });
});

test('a dump of a mongodump that wrote no names is refused as too old, not as damaged', async () => {
  const old = { 'units.bson': documents, 'units.metadata.json': '{"options":{},"indexes":[]}' };
  await expect(read(old)).rejects.toMatchObject({
    code: 'HF-ARCHIVE-005',
    params: { archive: archiveName, path: 'juju-backup/dump/juju/units.metadata.json' },
  });
});
