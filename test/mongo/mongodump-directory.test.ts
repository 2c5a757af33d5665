import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { listDumpDirectory, readDumpFile } from '../../mongo/mongodump-directory';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'hf-dump-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(name: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(join(root, name)), { recursive: true });
  await writeFile(join(root, name), content);
}

const metadata = (name: string): string =>
  JSON.stringify({ indexes: [], collectionName: name, type: 'collection' });

test('names are read as mongodump writes them, and gzip is seen without a suffix', async () => {
  await write('juju/odd+%2F.bson.gz', gzipSync('data'));
  await write('juju/odd+%2F.metadata.json.gz', gzipSync(metadata('odd /')));
  await write('juju/view.metadata.json', metadata('view'));
  await write('juju/old-tool.bson', '');
  await write('oplog.bson', gzipSync('entries'));
  await write('prelude.json.gz', gzipSync('{"ServerVersion":"4.4.2","ToolVersion":"x"}'));
  const { entries, oplog, serverVersion } = await listDumpDirectory(root);
  expect(serverVersion).toBe('4.4.2');
  expect(oplog).toEqual({ path: join(root, 'oplog.bson'), gzip: true });
  expect(entries.map(({ name }) => name)).toEqual(['odd /', 'old-tool', 'view']);
  expect(entries.map(({ data }) => data?.gzip)).toEqual([true, false, undefined]);
  expect(entries.map((one) => one.metadata === undefined)).toEqual([false, true, false]);
});

test('a gzip file of several members is read from any byte of its content on', async () => {
  await write('juju/x.bson.gz', Buffer.concat([gzipSync('0123456'), gzipSync('789')]));
  const file = { path: join(root, 'juju/x.bson.gz'), gzip: true };
  for (const from of [0, 5, 7, 10]) {
    const chunks: Buffer[] = [];
    for await (const chunk of readDumpFile(file, from)) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('0123456789'.slice(from));
  }
});

test.each([
  ['juju/units.metadata.json', metadata('models'), 'it says that it is of models'],
  ['juju/units.metadata.json', '{"indexes"', 'it is no JSON'],
  ['juju/units.metadata.json.gz', 'no gzip', 'incorrect header check'],
  [`juju/${'a'.repeat(208)}%24${'b'.repeat(27)}.bson`, '', 'its name was too long, and no'],
])('metadata that lies is refused and named: %s (%s)', async (name, content, reason) => {
  await write(name, content);
  const refused = listDumpDirectory(root);
  await expect(refused).rejects.toMatchObject({ code: 'HF-ARCHIVE-001' });
  await expect(refused).rejects.toThrow(reason);
  await expect(refused).rejects.toThrow(name);
});
