import { serialize } from 'bson';
import { gzipSync } from 'node:zlib';
import type { HoldfastError } from '../../core/errors';
import { zlibMember } from '../../archive/compressor';
import { inspectArchive } from '../../archive/inspect-archive';
import type { IndexLine } from '../../archive/index-line';
import { filesBundle } from '../../archive/paths';
import type { TarEntry } from '../../archive/tar-entry';
import { encodeTarHeader, paddingAfter } from '../../archive/tar-header';
import { archiveName, digestOf, refusalOf, sampleTime, sha256Of, streamOf } from './sample-archive';

const owner = { uid: 0, gid: 0, mtime: sampleTime } as const;
const dir = (path: string, mode = 0o755): TarEntry => ({ ...owner, path, mode, type: 'directory' });
const link = (path: string, target: string): TarEntry => {
  return { ...owner, path, mode: 0o777, type: 'symlink', link: target };
};

interface Piece {
  readonly entry: TarEntry;
  readonly body: Buffer;
  /** What stands in the tar instead of the entry's own header. */
  readonly header?: Buffer;
  readonly inner?: readonly Piece[];
  readonly documents?: number;
}

const file = (path: string, body = '', over: Partial<Piece> & { mode?: number } = {}): Piece => {
  const { mode = 0o644, ...rest } = over;
  const bytes = Buffer.from(body);
  return {
    entry: { ...owner, path, mode, type: 'file', size: bytes.length },
    body: bytes,
    ...rest,
  };
};
const latin = (path: string, body: string): Piece => {
  const bytes = Buffer.from(body, 'latin1');
  const entry = { ...owner, path, mode: 0o644, type: 'file', size: bytes.length } as const;
  return { entry, body: bytes, documents: 1 };
};
const only = (entry: TarEntry): Piece => ({ entry, body: Buffer.alloc(0) });

/** A header block with other bytes at `offset` and the checksum set right again. */
function patched(entry: TarEntry, offset: number, bytes: Buffer | string): Buffer {
  const whole = encodeTarHeader(entry);
  const block = whole.subarray(whole.length - 512);
  Buffer.from(bytes).copy(block, offset);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return whole;
}

function tarOf(pieces: readonly Piece[]): Buffer {
  const parts = pieces.flatMap(({ entry, header, body }) => [
    header ?? encodeTarHeader(entry),
    body,
    Buffer.alloc(paddingAfter(body.length)),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

function bundle(inner: readonly Piece[]): Piece {
  const body = tarOf(inner);
  const entry = {
    ...owner,
    path: filesBundle,
    mode: 0o644,
    type: 'file',
    size: body.length,
  } as const;
  return { entry, body, inner };
}

function fileLine(piece: Piece, path: string, range: object): object {
  const documents = piece.documents === undefined ? {} : { documents: piece.documents };
  return { ...piece.entry, path, sha256: sha256Of(piece.body), ...documents, ...range };
}

/** An archive of one gzip member with an INDEX and digests that fit it as well as they can. */
async function inspect(pieces: readonly Piece[], tar = tarOf(pieces)): Promise<void> {
  const bytes = await zlibMember(tar, 6);
  const stored = { offset: 0, length: bytes.length, sha256: sha256Of(bytes) };
  const members = [[bytes.length, tar.length]];
  const lines: object[] = [];
  let at = 0;
  const filler = (type: IndexLine['type'], path: string, size: number): void => {
    lines.push({ type, path, size, stored, skip: at, members });
    at += size;
  };
  for (const piece of pieces) {
    const { path, type } = piece.entry;
    filler('header', path, (piece.header ?? encodeTarHeader(piece.entry)).length);
    if (type !== 'file') lines.push({ ...piece.entry, size: 0 });
    else {
      lines.push(fileLine(piece, path, { stored, skip: at, members }));
      let within = at;
      for (const inner of piece.inner ?? []) {
        within += (inner.header ?? encodeTarHeader(inner.entry)).length;
        const name = `${filesBundle}!/${inner.entry.path}`;
        if (inner.entry.type !== 'file') lines.push({ ...inner.entry, path: name, size: 0 });
        else lines.push(fileLine(inner, name, { stored, skip: within, members }));
        within += inner.body.length + paddingAfter(inner.body.length);
      }
    }
    at += piece.body.length;
    if (paddingAfter(piece.body.length) > 0)
      filler('padding', path, paddingAfter(piece.body.length));
  }
  filler('trailer', '', 1024);
  const index = gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await inspectArchive({
    archive: archiveName,
    bytes: streamOf(bytes),
    expect: digestOf(bytes),
    index: streamOf(index),
    expectIndex: digestOf(index),
  });
}

function refusal(pieces: readonly Piece[], tar?: Buffer): Promise<HoldfastError> {
  return refusalOf(() => inspect(pieces, tar));
}

const top = only(dir('juju-backup', 0o700));
const inJuju = (...pieces: Piece[]): Piece[] => [top, bundle(pieces)];

test('a sound archive made the same way is accepted', async () => {
  const inner = [only(dir('var/lib/juju')), file('var/lib/juju/nonce.txt', 'n')];
  const dump = Buffer.from(serialize({ _id: 1 }));
  await inspect([
    top,
    bundle(inner),
    only(dir('juju-backup/dump')),
    { ...file('juju-backup/dump/oplog.bson', dump.toString('latin1')), documents: 1 },
  ]);
});

test.each<[string, Piece[]]>([
  ['a path that climbs', [file('../x')]],
  ['a path that climbs from inside', [top, file('juju-backup/../../x')]],
  ['an absolute path', [file('/etc/passwd')]],
  ['a part that is a dot', [top, file('juju-backup/./metadata.json')]],
  ['an empty part', [top, file('juju-backup//metadata.json')]],
  ['a sibling with the same beginning', [file('juju-backup-evil/metadata.json')]],
  ['a file outside the layout', [top, file('juju-backup/run.sh')]],
  ['a program in the dump', [top, file('juju-backup/dump/juju/x.sh')]],
  ['a Windows path', [top, file('juju-backup/dump/C:..\\x.bson')]],
  ['a newline and an escape in a name', [top, file('juju-backup/dump/a\n\u001b[2J.bson')]],
  ['a name turned around', [top, file('juju-backup/dump/\u202etxt.bson')]],
  ['a name that is not UTF-8', [top, file('juju-backup/dump/a\udcff.bson')]],
  [
    'a path over 300 bytes',
    [top, file(`juju-backup/dump/${'d'.repeat(150)}/${'n'.repeat(150)}.bson`)],
  ],
  ['a part over 255 bytes', [top, file(`juju-backup/dump/${'n'.repeat(256)}.bson`)]],
  ['too many levels', [top, file(`juju-backup/dump/${'d/'.repeat(40)}x.bson`)]],
  ['an entry twice', [top, file('juju-backup/metadata.json'), file('juju-backup/metadata.json')]],
  ['the content directory as a file', [file('juju-backup')]],
  ['metadata.json as a directory', [top, only(dir('juju-backup/metadata.json'))]],
  ['metadata.json as a link', [top, only(link('juju-backup/metadata.json', '/etc/passwd'))]],
  ['a link in the dump', [top, only(link('juju-backup/dump/x.bson', '../../x'))]],
  [
    'something below a dump file',
    [top, file('juju-backup/dump/a.bson'), file('juju-backup/dump/a.bson/b.bson')],
  ],
  ['a setuid bit in the archive', [top, file('juju-backup/metadata.json', '', { mode: 0o4755 })]],
  ['a path that climbs in root.tar', inJuju(file('var/../../x'))],
  ['an absolute path in root.tar', inJuju(file('/var/lib/juju/x'))],
  ['a file through a link in root.tar', inJuju(only(link('var/lib', '/')), file('var/lib/x'))],
  ['a link over a directory in use', inJuju(file('var/lib/x'), only(link('var/lib', '/')))],
  ['a link that climbs out', inJuju(only(link('var/x', '../../etc')))],
  ['an absolute link that climbs', inJuju(only(link('var/x', '/var/../../etc')))],
  ['an escape in a link target', inJuju(only(link('var/x', '/a\u001b[2J')))],
  ['names that differ in case', inJuju(only(link('var/A', '/etc')), file('var/a'))],
  ['directories that differ in case', inJuju(only(link('var/A', '/etc')), file('var/a/x'))],
  ['names that differ in normalisation', inJuju(file('var/\u00e9'), file('var/e\u0301'))],
  ['names that a sharp s makes alike', inJuju(file('var/stra\u00dfe'), file('var/STRASSE'))],
  ['a file twice in root.tar', inJuju(file('var/x', 'a'), file('var/x', 'b'))],
  ['a file below a file', inJuju(file('var/x'), file('var/x/y'))],
  ['an owner that is no uid', inJuju(only({ ...dir('var'), uid: 2 ** 32 }))],
  ['a time in another age', inJuju(only({ ...dir('var'), mtime: 99_999_999_999_999 }))],
])('%s is refused as not allowed', async (_, pieces) => {
  const error = await refusal(pieces);
  expect([error.code, error.exit]).toEqual(['HF-ARCHIVE-002', 13]);
  expect(String(error.params['entry'])).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
});

const plain = { ...owner, path: 'var/x', mode: 0o644, type: 'file', size: 0 } as const;

test.each([
  ['a hard link', '1'],
  ['a character device', '3'],
  ['a block device', '4'],
  ['a FIFO', '6'],
  ['a contiguous file', '7'],
  ['a sparse file', 'S'],
  ['a multi-volume part', 'M'],
])('%s behind a file in INDEX is refused as not allowed', async (_, flag) => {
  const header = patched(plain, 156, flag);
  const error = await refusal(inJuju({ entry: plain, header, body: Buffer.alloc(0) }));
  expect(error.code).toBe('HF-ARCHIVE-002');
  expect(error.params['entry']).toBe('juju-backup/root.tar!/var/x');
});

test.each<[string, Piece[]]>([
  [
    'a header with a wrong checksum',
    [
      top,
      file('juju-backup/metadata.json', 'x', {
        header: Buffer.concat([encodeTarHeader(plain).fill('7', 148, 154)]),
      }),
    ],
  ],
  [
    'a negative size',
    inJuju({
      entry: plain,
      body: Buffer.alloc(0),
      header: patched(plain, 124, Buffer.alloc(12, 0xff)),
    }),
  ],
  [
    'a size in base 256',
    inJuju({
      entry: plain,
      body: Buffer.alloc(0),
      header: patched(plain, 124, Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0])),
    }),
  ],
  [
    'another owner than INDEX says',
    inJuju({ entry: plain, body: Buffer.alloc(0), header: patched(plain, 108, '0000001\0') }),
  ],
  [
    'a path in pax that INDEX does not know',
    inJuju({
      entry: plain,
      body: Buffer.alloc(0),
      header: Buffer.concat([
        encodeTarHeader({ ...plain, path: 'var/ü' }).subarray(0, 1024),
        encodeTarHeader(plain),
      ]),
    }),
  ],
  [
    'a global pax header',
    inJuju({
      entry: plain,
      body: Buffer.alloc(0),
      header: Buffer.concat([patched(plain, 156, 'g'), encodeTarHeader(plain)]),
    }),
  ],
  ['a dump that is no BSON', [top, file('juju-backup/dump/x.bson', 'not a document')]],
  [
    'a dump whose last document is cut off',
    [top, file('juju-backup/dump/x.bson', '\u0010\0\0\0abc')],
  ],
  ['fewer documents than INDEX says', [top, { ...file('juju-backup/dump/x.bson'), documents: 2 }]],
  ['no documents where INDEX says none', [top, file('juju-backup/dump/x.bson')]],
])('%s is refused as damage', async (_, pieces) => {
  const error = await refusal(pieces);
  expect(error.code).toBe('HF-ARCHIVE-001');
  expect(String(error.params['where'])).toMatch(/^"?juju-backup/);
});

test('an archive with data after its end, without an end, or of zeros only is refused', async () => {
  const pieces = [top, file('juju-backup/metadata.json', '{}\n')];
  const tar = tarOf(pieces);
  expect((await refusal(pieces, Buffer.concat([tar, tar]))).code).toBe('HF-ARCHIVE-002');
  for (const other of [
    Buffer.concat([tar, Buffer.alloc(512)]),
    tar.subarray(0, -1024),
    tar.subarray(0, -512),
    Buffer.alloc(tar.length),
    Buffer.alloc(0),
  ]) {
    expect((await refusal(pieces, other)).code).toBe('HF-ARCHIVE-001');
  }
});

test('a document over 16 MiB is refused in a collection, and named; an oplog may hold one', async () => {
  const dump = Buffer.from(serialize({ x: Buffer.alloc(16 * 1024 * 1024) })).toString('latin1');
  const inDump = (path: string): Piece[] => [top, only(dir('juju-backup/dump')), latin(path, dump)];
  await inspect(inDump('juju-backup/dump/oplog.bson'));
  const { code, params } = await refusal(inDump('juju-backup/dump/units.bson'));
  expect([code, params['where']]).toEqual([
    'HF-ARCHIVE-001',
    expect.stringContaining('units.bson'),
  ]);
  expect(params['reason']).toMatch(/document 0 at byte 0 claims 167\d+ bytes/);
});

test('a member that opens to more than INDEX says is refused without opening it', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  const stored = { offset: 0, length: bomb.length, sha256: sha256Of(bomb) };
  const lines = [
    {
      type: 'header',
      path: 'juju-backup',
      size: 512,
      stored,
      skip: 0,
      members: [[bomb.length, 2048]],
    },
    { ...dir('juju-backup'), size: 0 },
  ];
  const index = gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const before = process.memoryUsage().rss;
  const inspected = inspectArchive({
    archive: archiveName,
    bytes: streamOf(bomb),
    expect: digestOf(bomb),
    index: streamOf(index),
    expectIndex: digestOf(index),
  });
  await expect(inspected).rejects.toMatchObject({ code: 'HF-ARCHIVE-001' });
  expect(process.memoryUsage().rss - before).toBeLessThan(48 * 1024 * 1024);
});
