import { spawnSync } from 'node:child_process';
import { extract } from 'tar-stream';
import { nameFromBytes, nameToBytes } from '../../archive/name-bytes';
import type { TarEntry } from '../../archive/tar-entry';
import { encodeTarHeader, paddingAfter } from '../../archive/tar-header';
import { refusalOf } from './sample-archive';

const file = {
  type: 'file',
  path: 'juju-backup/metadata.json',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 1_763_714_596,
  size: 10,
} as const;

/** What GNU tar lists for one header, with nothing behind it but the end of the tar. */
function gnuListing(entry: TarEntry): string {
  const input = Buffer.concat([encodeTarHeader(entry), Buffer.alloc(1024)]);
  const options = ['--list', '--verbose', '--numeric-owner', '--full-time', '--utc', '-f', '-'];
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  return spawnSync('tar', options, { input, env }).stdout.toString('latin1').trim();
}

/** The first header as tar-stream reads it. */
async function readBack(entry: TarEntry): Promise<unknown> {
  const parser = extract();
  const header = new Promise((resolve) => {
    parser.on('entry', (seen) => resolve(seen));
  });
  parser.on('error', () => undefined);
  parser.write(encodeTarHeader(entry));
  const seen = await header;
  parser.destroy();
  return seen;
}

test('what ustar can hold takes one block and gives the same bytes again', () => {
  expect(encodeTarHeader(file)).toHaveLength(512);
  expect(encodeTarHeader(file)).toEqual(encodeTarHeader({ ...file }));
});

test('directories have no slash at the end, as Juju writes them', () => {
  const { size, ...attributes } = file;
  const header = encodeTarHeader({ ...attributes, path: 'juju-backup', type: 'directory' });
  expect(header.toString('latin1', 0, 12)).toBe('juju-backup\0');
  expect(header.toString('latin1', 156, 157)).toBe('5');
  expect(size).toBe(10);
});

test.each([
  ['of exactly 100 bytes', 'n'.repeat(100), 512],
  ['that splits into prefix and name', `${'p'.repeat(155)}/${'n'.repeat(100)}`, 512],
])('a path %s needs no pax header', async (_, path, length) => {
  expect(encodeTarHeader({ ...file, path })).toHaveLength(length);
  expect(await readBack({ ...file, path })).toMatchObject({ name: path, size: 10 });
});

test.each([
  ['of 101 bytes without a slash', 'n'.repeat(101)],
  ['whose last part is over 100 bytes', `dump/${'n'.repeat(101)}`],
  ['whose prefix is over 155 bytes', `${'p'.repeat(156)}/name`],
  ['of 999 bytes, where the record length grows a digit', 'x/'.repeat(490) + 'n'.repeat(15)],
  ['outside ASCII', 'dump/jujü/☃.bson'],
])('a path %s goes into a pax header', async (_, path) => {
  expect(encodeTarHeader({ ...file, path }).length).toBeGreaterThan(1024);
  expect(await readBack({ ...file, path })).toMatchObject({ name: path, size: 10 });
});

test('a pax record is right at every length of the path', async () => {
  for (let length = 101; length < 1100; length += 1) {
    const path = 'n'.repeat(length);
    expect(await readBack({ ...file, path })).toMatchObject({ name: path });
  }
});

test('sizes from 8 GiB stand in a pax header and leave the ustar field 0', async () => {
  const largest = 8 ** 11 - 1;
  expect(encodeTarHeader({ ...file, size: largest })).toHaveLength(512);
  const header = encodeTarHeader({ ...file, size: largest + 1 });
  expect(header.toString('latin1', header.length - 512 + 124, header.length - 512 + 136)).toBe(
    '00000000000\0',
  );
  expect(await readBack({ ...file, size: largest + 1 })).toMatchObject({ size: largest + 1 });
  expect(gnuListing({ ...file, size: 2 ** 43 })).toContain(` ${2 ** 43} `);
});

test('ids over 2097151, old, far and fractional times reach GNU tar through pax', () => {
  expect(gnuListing({ ...file, uid: 4_294_967_294, gid: 2_097_152 })).toContain(
    '4294967294/2097152',
  );
  expect(gnuListing({ ...file, mtime: -2 })).toContain('1969-12-31 23:59:58 ');
  expect(gnuListing({ ...file, mtime: 1_763_714_596.25 })).toContain('.25');
  expect(gnuListing({ ...file, mtime: 8 ** 11 })).toContain('2242-03-16');
});

test('link targets over 100 bytes and outside ASCII keep every byte', async () => {
  const { size, ...attributes } = file;
  expect(size).toBe(10);
  for (const link of ['/'.padEnd(101, 'l'), '/var/lib/jujü']) {
    expect(await readBack({ ...attributes, type: 'symlink', link })).toMatchObject({
      linkname: link,
    });
  }
});

test('names that are not UTF-8 lose no byte', () => {
  const bytes = Buffer.from([0x61, 0xff, 0x2f, 0xc3, 0xa9, 0xed, 0xa0, 0x80, 0xf0, 0x9f]);
  const name = nameFromBytes(bytes);
  expect(nameToBytes(name)).toEqual(bytes);
  expect(nameToBytes(String(JSON.parse(JSON.stringify(name))))).toEqual(bytes);
  const header = encodeTarHeader({ ...file, path: name });
  expect(header).toHaveLength(512);
  expect(header.subarray(0, bytes.length)).toEqual(bytes);
});

test.each([
  ['an empty name', { ...file, path: '' }],
  ['a NUL in the name', { ...file, path: 'a\0b' }],
  ['a negative size', { ...file, size: -1 }],
  ['a fractional owner', { ...file, uid: 0.5 }],
  ['a mode over 7777', { ...file, mode: 0o100644 }],
  ['a time that is no number', { ...file, mtime: Number.NaN }],
  ['half a surrogate pair', { ...file, path: '\ud83d' }],
])('%s is refused with HF-ARCHIVE-004', async (_, entry) => {
  expect((await refusalOf(() => encodeTarHeader(entry))).code).toBe('HF-ARCHIVE-004');
});

test('padding fills up to the next block', () => {
  expect([0, 1, 511, 512, 513].map(paddingAfter)).toEqual([0, 511, 1, 0, 511]);
});
