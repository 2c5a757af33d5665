import { writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isIndexEntry } from '../../archive/index-line';
import { readIndex } from '../../archive/index-file';
import { filesBundle, pathInBundle } from '../../archive/paths';
import { readEntry } from '../../archive/read-entry';
import {
  archiveName,
  rangesOf,
  sampleArchive,
  sha256Of,
  streamOf,
  temporaryDirectory,
  type SampleArchive,
} from './sample-archive';
import {
  gnuTar,
  goTar,
  npmTar,
  pythonTar,
  readerIsThere,
  type SeenEntry,
  type TarReader,
} from './tar-readers';

let directory: { path: string; remove(): Promise<void> };
let sample: SampleArchive;
let archiveFile: string;
let bundleFile: string;
const expectedOuter: SeenEntry[] = [];
const expectedInner: SeenEntry[] = [];

beforeAll(async () => {
  directory = await temporaryDirectory();
  sample = await sampleArchive(directory.path);
  archiveFile = join(directory.path, archiveName);
  bundleFile = join(directory.path, 'root.tar');
  await writeFile(archiveFile, sample.bytes);
  for await (const line of readIndex(streamOf(sample.index), { archive: archiveName })) {
    if (!isIndexEntry(line)) continue;
    const inner = pathInBundle(line.path);
    (inner === undefined ? expectedOuter : expectedInner).push({
      path: inner ?? line.path,
      type: line.type,
      mode: line.mode,
      mtime: line.mtime,
      size: line.size,
      sha256: line.type === 'file' ? line.sha256 : sha256Of(Buffer.alloc(0)),
      link: line.type === 'symlink' ? line.link : '',
    });
    if (line.path === filesBundle && line.type === 'file') {
      const chunks: Buffer[] = [];
      for await (const chunk of readEntry(line, rangesOf(sample.bytes), { archive: archiveName })) {
        chunks.push(chunk);
      }
      await writeFile(bundleFile, Buffer.concat(chunks));
    }
  }
});

afterAll(() => directory.remove());

const byPath = (a: SeenEntry, b: SeenEntry): number => (a.path < b.path ? -1 : 1);

async function compare(name: string, reader: TarReader, ordered: boolean): Promise<void> {
  for (const [file, expected] of [
    [archiveFile, expectedOuter],
    [bundleFile, expectedInner],
  ] as const) {
    const scratch = join(
      directory.path,
      `${name}-${expected === expectedInner ? 'inner' : 'outer'}`,
    );
    await mkdir(scratch);
    const seen = await reader(file, scratch);
    if (ordered) expect(seen).toEqual(expected);
    else {
      // An extraction makes parents that have no entry; a link's mode and a directory's time are the system's.
      const known = new Set(expected.map((entry) => entry.path));
      const settled = (entry: SeenEntry): SeenEntry => ({
        ...entry,
        ...(entry.type === 'symlink' ? { mode: 0o777 } : {}),
      });
      expect(seen.filter((entry) => known.has(entry.path)).sort(byPath)).toEqual(
        expected.map(settled).sort(byPath),
      );
    }
  }
}

test('GNU tar extracts what INDEX lists', () => compare('gnu', gnuTar, false));

test("npm's tar lists what INDEX lists", () => compare('npm', npmTar, true));

const pythonTest = readerIsThere('python3', '--version') ? test : test.skip;

pythonTest("Python's tarfile lists what INDEX lists", () => compare('python', pythonTar, true));

const goTest = readerIsThere('go', 'version') ? test : test.skip;

goTest("Go's archive/tar lists what INDEX lists", () => compare('go', goTar, true));

test('names over 255 bytes, non-ASCII names and links are among what was compared', () => {
  const paths = expectedInner.map((entry) => entry.path);
  expect(paths.some((path) => Buffer.byteLength(path) > 256 && /état-☃/.test(path))).toBe(true);
  const links = expectedInner.filter((entry) => entry.type === 'symlink');
  expect(links.map((entry) => entry.link)).toEqual([
    'jujud',
    '/var/lib/juju/tools/2.9.21-ubuntu-amd64',
  ]);
});
