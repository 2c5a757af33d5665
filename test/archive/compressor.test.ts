import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { compressorOf } from '../../archive/compressor';
import { isIncompressible } from '../../archive/incompressible';

const content = Buffer.from('{"charm": "postgresql", "life": "alive"}\n'.repeat(20_000));
const hasIgzip = spawnSync('igzip', ['--version']).status === 0;
if (!hasIgzip)
  console.warn('igzip is not on PATH (Debian: isal): tests of it use zlib, or are skipped');

describe.each([
  { program: 'zlib', level: 1 },
  { program: 'zlib', level: 6 },
  { program: 'igzip', level: 1 },
  { program: 'igzip', level: 3 },
] as const)('members made by $program at level $level', ({ program, level }) => {
  const reasons: string[] = [];
  const compressor = compressorOf({ program, level }, (reason) => reasons.push(reason));
  afterAll(() => compressor.close());

  it('hold the content, and are the same bytes every time', async () => {
    const members = await Promise.all([compressor.compress(content), compressor.compress(content)]);
    expect(gunzipSync(members[0]).equals(content)).toBe(true);
    expect(members[1].equals(members[0])).toBe(true);
    expect(members[0].length).toBeLessThan(content.length / 10);
    expect(reasons).toHaveLength(program === 'igzip' && !hasIgzip ? 1 : 0);
  });

  it('name neither file, time nor system', async () => {
    const [flags, ...rest] = (await compressor.compress(content)).subarray(3, 10);
    expect({ flags, time: rest.slice(0, 4), system: rest[5] }).toEqual({
      flags: 0,
      time: [0, 0, 0, 0],
      system: 255,
    });
  });

  it('of nothing and of a few bytes can be opened, too', async () => {
    for (const small of [Buffer.alloc(0), Buffer.from('holdfast')]) {
      expect(gunzipSync(await compressor.compress(small)).equals(small)).toBe(true);
    }
  });
});

describe('content that cannot be compressed', () => {
  const zlib = compressorOf({ program: 'zlib', level: 6 }, () => undefined);
  const noise = randomBytes(1024 * 1024);

  it.each([
    ['noise', noise],
    ['what is compressed already', gzipSync(Buffer.from(noise.toString('base64')))],
  ])('such as %s is stored, with next to nothing added', async (_, bytes) => {
    expect(isIncompressible(bytes)).toBe(true);
    const member = await zlib.compress(bytes);
    expect(gunzipSync(member).equals(bytes)).toBe(true);
    expect(member.length).toBeLessThan(bytes.length * 1.001);
  });

  it.each([
    ['text', content],
    ['base64', Buffer.from(noise.toString('base64'))],
    ['a program', readFileSync(process.execPath).subarray(0, 4 * 1024 * 1024)],
    ['noise in hexadecimal', Buffer.from(noise.toString('hex'))],
    ['text with noise in between', Buffer.concat([noise.subarray(0, content.length), content])],
    ['nothing', Buffer.alloc(0)],
  ])('is not %s', (_, bytes) => {
    expect(isIncompressible(bytes)).toBe(false);
  });
});

describe('igzip', () => {
  async function fallbackOf(igzip: string): Promise<readonly string[]> {
    const reasons: string[] = [];
    const compressor = compressorOf({ program: 'igzip', level: 1, igzip }, (why) =>
      reasons.push(why),
    );
    const members = await Promise.all([1, 2, 3].map(() => compressor.compress(content)));
    members.push(await compressor.compress(content));
    for (const member of members) expect(gunzipSync(member).equals(content)).toBe(true);
    await compressor.close();
    return reasons;
  }

  it('that cannot be run is replaced by zlib, which is told once', async () => {
    expect(await fallbackOf('/nowhere/igzip')).toEqual(['/nowhere/igzip cannot be run']);
  });

  it('that fails is replaced by zlib, too', async () => {
    expect(await fallbackOf('false')).toEqual(['it ended with 1']);
  });

  (hasIgzip ? it : it.skip)('leaves no child and no memory behind once it is closed', async () => {
    const open = (): string[] =>
      readdirSync('/proc/self/fd').flatMap((fd) => {
        try {
          return [readlinkSync(`/proc/self/fd/${fd}`)].filter((to) => to.startsWith('/dev/shm/'));
        } catch {
          // The directory's own descriptor is closed by now.
          return [];
        }
      });
    const children = (): string =>
      readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim();
    const before = children();
    const compressor = compressorOf({ program: 'igzip', level: 1 }, () => undefined);
    const made = Promise.all([1, 2, 3, 4, 5, 6].map(() => compressor.compress(content)));
    await compressor.compress(content);
    expect(open().length).toBeGreaterThan(0);
    expect(children()).not.toBe(before);
    await compressor.close();
    await made;
    expect(open()).toEqual([]);
    expect(children()).toBe(before);
  });
});
