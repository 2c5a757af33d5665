import {
  appendFile,
  chmod,
  lstat,
  mkdir,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { bundleFiles, type BundleOptions } from '../../archive/files-bundle';
import { openMember, type CompressedMember } from '../../archive/gzip-members';
import type { MemberSink } from '../../archive/segment-file';
import type { SpoolMember } from '../../core/spool';
import { noise, sha256Of, temporaryDirectory, writeHostTree, refusalOf } from './sample-archive';
import { zlibOf } from './zlib-of';

let directory: { path: string; remove(): Promise<void> };

beforeEach(async () => {
  directory = await temporaryDirectory();
});

afterEach(() => directory.remove());

class MemorySink implements MemberSink {
  readonly stored: Buffer[] = [];
  #offset = 0;

  append({ stored, content }: CompressedMember): Promise<SpoolMember> {
    this.stored.push(stored);
    const offset = this.#offset;
    this.#offset += stored.length;
    const sha256 = sha256Of(stored);
    return Promise.resolve({ file: 'memory', offset, stored: stored.length, content, sha256 });
  }
}

async function namesIn(tar: Buffer): Promise<string[]> {
  const names: string[] = [];
  const parser = extract();
  parser.on('entry', (header, content, next) => {
    names.push(header.name);
    content.on('end', () => next());
    content.resume();
  });
  const ended = new Promise<void>((resolve, reject) => {
    parser.on('finish', resolve);
    parser.on('error', reject);
  });
  parser.end(tar);
  await ended;
  return names;
}

function options(paths: readonly string[], over: Partial<BundleOptions> = {}): BundleOptions {
  return { root: directory.path, paths, segment: new MemorySink(), compressor: zlibOf(1), ...over };
}

test('files, directories and links are packed under names relative to the root', async () => {
  const paths = await writeHostTree(directory.path);
  const sink = new MemorySink();
  const bundle = await bundleFiles(options(paths, { segment: sink }));
  const tar = gunzipSync(Buffer.concat(sink.stored));
  expect(tar).toHaveLength(bundle.size);
  expect(await namesIn(tar)).toEqual(bundle.entries.map((entry) => entry.path));
  const tools = 'var/lib/juju/tools';
  expect(bundle.entries.slice(0, 5).map(({ path, type }) => [path, type])).toEqual([
    [tools, 'directory'],
    [`${tools}/2.9.21-ubuntu-amd64`, 'directory'],
    [`${tools}/2.9.21-ubuntu-amd64/juju-run`, 'symlink'],
    [`${tools}/2.9.21-ubuntu-amd64/jujud`, 'file'],
    [`${tools}/machine-0`, 'symlink'],
  ]);
  const stat = await lstat(join(directory.path, 'var/lib/juju/agents/machine-0/agent.conf'));
  expect(bundle.entries.find((entry) => entry.path.endsWith('agent.conf'))).toEqual({
    path: 'var/lib/juju/agents/machine-0/agent.conf',
    type: 'file',
    mode: 0o600,
    uid: stat.uid,
    gid: stat.gid,
    mtime: Math.floor(stat.mtimeMs / 1000),
    size: 15,
    sha256: sha256Of(Buffer.from('tag: machine-0\n')),
  });
});

test('link targets inside the root lose it, others stay as they are', async () => {
  const links: Record<string, string> = {
    inside: join(directory.path, 'var/x'),
    root: directory.path,
    sibling: `${directory.path}-other/x`,
    outside: '/etc/hostname',
    relative: './x',
    dangling: join(directory.path, 'missing'),
  };
  await mkdir(join(directory.path, 'var'));
  for (const [name, target] of Object.entries(links)) {
    await symlink(target, join(directory.path, 'var', name));
  }
  const bundle = await bundleFiles(options([join(directory.path, 'var')]));
  const targets = bundle.entries.flatMap((entry) =>
    entry.type === 'symlink' ? [[entry.path, entry.link]] : [],
  );
  expect(Object.fromEntries(targets)).toEqual({
    'var/inside': '/var/x',
    'var/root': '/',
    'var/sibling': `${directory.path}-other/x`,
    'var/outside': '/etc/hostname',
    'var/relative': './x',
    'var/dangling': '/missing',
  });
});

test('sockets are passed over and reported', async () => {
  const path = join(directory.path, 's');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    await writeFile(join(directory.path, 'f'), 'x');
    const bundle = await bundleFiles(options([path, join(directory.path, 'f')]));
    expect(bundle.entries.map((entry) => entry.path)).toEqual(['f']);
    expect(bundle.skipped).toEqual([{ path, reason: 'it is a socket' }]);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test('a big file spans members of 4 MiB, each of which opens on its own', async () => {
  const content = noise(9_500_000, 3);
  await writeFile(join(directory.path, 'big'), content);
  const sink = new MemorySink();
  const bundle = await bundleFiles(options([join(directory.path, 'big')], { segment: sink }));
  expect(bundle.members.map((member) => member.content)).toEqual([
    4 * 1024 * 1024,
    4 * 1024 * 1024,
    bundle.size - 8 * 1024 * 1024,
  ]);
  const opened = await Promise.all(
    sink.stored.map((stored, n) => openMember(stored, bundle.members[n]?.content ?? -1)),
  );
  expect(
    Buffer.concat(opened)
      .subarray(512, 512 + content.length)
      .equals(content),
  ).toBe(true);
  expect(bundle.entries[0]).toMatchObject({ size: content.length, sha256: sha256Of(content) });
});

test('a file that grows while it is read is cut at the size it had', async () => {
  const path = join(directory.path, 'log');
  await writeFile(path, Buffer.alloc(5_000_000, 'a'));
  let grown = 0;
  const sink = new MemorySink();
  const growing: MemberSink = {
    append: async (member) => {
      await appendFile(path, Buffer.alloc(100_000, 'b'));
      grown += 1;
      return sink.append(member);
    },
  };
  const bundle = await bundleFiles(options([path], { segment: growing, inFlight: 1 }));
  expect(grown).toBeGreaterThan(0);
  const sha256 = sha256Of(Buffer.alloc(5_000_000, 'a'));
  expect(bundle.entries[0]).toMatchObject({ size: 5_000_000, sha256 });
});

test('a file that shrinks while it is read fails with HF-HOST-006 and its name, to be tried again', async () => {
  const path = join(directory.path, 'log');
  await writeFile(path, Buffer.alloc(9_000_000, 'a'));
  const sink = new MemorySink();
  const shrinking: MemberSink = {
    append: async (member) => {
      await truncate(path, 10);
      return sink.append(member);
    },
  };
  const refusal = await refusalOf(() =>
    bundleFiles(options([path], { segment: shrinking, inFlight: 1 })),
  );
  expect(refusal.code).toBe('HF-HOST-006');
  expect(refusal.retryable).toBe(true);
  expect(refusal.params['path']).toBe(path);
  expect(refusal.params['reason']).toContain('shrank');
});

test('what is missing, or lies outside the root, is an error that names it', async () => {
  const missing = join(directory.path, 'missing');
  await expect(bundleFiles(options([missing]))).rejects.toMatchObject({
    code: 'HF-HOST-004',
    params: { path: missing },
  });
  for (const outside of ['/etc/hostname', `${directory.path}/../x`, 'relative']) {
    await expect(bundleFiles(options([outside]))).rejects.toMatchObject({ code: 'HF-ARCHIVE-004' });
  }
});

test('what the strict reader would refuse is refused while it is packed', async () => {
  const odd = join(directory.path, 'a\nb');
  await writeFile(odd, '');
  await expect(bundleFiles(options([odd]))).rejects.toMatchObject({ code: 'HF-ARCHIVE-004' });
  await rm(odd);
  await writeFile(join(directory.path, 'twin'), '');
  await writeFile(join(directory.path, 'TWIN'), '');
  const twins = [join(directory.path, 'twin'), join(directory.path, 'TWIN')];
  await expect(bundleFiles(options(twins))).rejects.toMatchObject({ code: 'HF-ARCHIVE-004' });
});

test('a name that is not UTF-8 reaches the tar byte for byte', async () => {
  const name = Buffer.from([0x66, 0xff, 0xfe]);
  await mkdir(join(directory.path, 'd'));
  await writeFile(Buffer.concat([Buffer.from(`${directory.path}/d/`), name]), 'x');
  const sink = new MemorySink();
  const bundle = await bundleFiles(options([join(directory.path, 'd')], { segment: sink }));
  expect(bundle.entries[1]?.path).toBe('d/f\udcff\udcfe');
  const tar = gunzipSync(Buffer.concat(sink.stored));
  expect(tar.subarray(512, 518)).toEqual(
    Buffer.concat([Buffer.from('d/'), name, Buffer.from([0])]),
  );
});

test('a path inside another one is packed once', async () => {
  const paths = await writeHostTree(directory.path);
  const again = join(directory.path, 'var/lib/juju/tools/2.9.21-ubuntu-amd64/jujud');
  const bundle = await bundleFiles(options([again, ...paths, again, `${again}/`]));
  const names = bundle.entries.map((entry) => entry.path);
  expect(new Set(names).size).toBe(names.length);
});

test('an aborted bundle stops', async () => {
  const paths = await writeHostTree(directory.path);
  await chmod(directory.path, 0o755);
  const signal = AbortSignal.abort();
  await expect(bundleFiles(options(paths, { signal }))).rejects.toMatchObject({
    name: 'AbortError',
  });
});
