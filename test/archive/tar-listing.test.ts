import { MemberDamage } from '../../archive/gzip-members';
import type { TarEntry } from '../../archive/tar-entry';
import { encodeTarHeader, paddingAfter } from '../../archive/tar-header';
import { TarListing } from '../../archive/tar-listing';

const file = {
  type: 'file',
  path: 'var/lib/jujü/x',
  mode: 0o640,
  uid: 3_000_000,
  gid: 1000,
  mtime: 1_763_714_596.25,
  size: 700,
} as const;

const link = {
  type: 'symlink',
  path: 'var/lib/l',
  mode: 0o777,
  uid: 0,
  gid: 0,
  mtime: 0,
  link: '/var/lib/jujü',
} as const;

const tar = Buffer.concat([
  encodeTarHeader(file),
  Buffer.alloc(file.size, 'x'),
  Buffer.alloc(paddingAfter(file.size)),
  encodeTarHeader(link),
  Buffer.alloc(1024),
]);

async function list(expected: readonly TarEntry[], chunk: number): Promise<void> {
  const listing = new TarListing('a.tar.gz', 'bundle', (path) => path);
  try {
    for (let at = 0; at < tar.length; at += chunk)
      await listing.write(tar.subarray(at, at + chunk));
    for (const entry of expected) listing.expect(entry);
    await listing.finish();
  } finally {
    listing.abandon();
  }
}

test.each([1, 511, 512, 700, 4096])(
  'a tar in chunks of %i bytes is what is expected',
  async (chunk) => {
    await expect(list([file, link], chunk)).resolves.toBeUndefined();
  },
);

test.each<[string, readonly TarEntry[]]>([
  ['another name', [{ ...file, path: 'var/lib/juju/x' }, link]],
  ['another mode', [{ ...file, mode: 0o600 }, link]],
  ['another owner', [{ ...file, uid: 0 }, link]],
  ['another group', [{ ...file, gid: 0 }, link]],
  ['another time', [{ ...file, mtime: 1_763_714_596 }, link]],
  ['another size', [{ ...file, size: 701 }, link]],
  ['another target', [file, { ...link, link: '/var/lib/juju' }]],
  ['another order', [link, file]],
  ['one entry less', [file]],
  ['one entry more', [file, link, link]],
])('a tar is refused when %s is expected', async (_, expected) => {
  await expect(list(expected, 4096)).rejects.toThrow(MemberDamage);
});
