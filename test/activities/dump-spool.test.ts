import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  dumpCheckpointSchema,
  resumeOf,
  type StreamMember,
  type StreamState,
} from '../../activities/backup/dump-checkpoint';
import { DumpSpool, type DumpSpoolOptions } from '../../activities/backup/dump-spool';
import { MemberBuffers } from '../../archive/member-buffers';
import { readCheckpoint } from '../../activities/workspace/checkpoint';
import { claimEpoch, type Epoch } from '../../activities/workspace/epoch';
import type { DumpBinding, ScanPosition } from '../../mongo/dump';
import { inDirectory } from './temporary';
import { zlibOf } from '../archive/zlib-of';

const binding: DumpBinding = {
  node: 'localhost:27017',
  dataIdentity: 'the data',
  rbid: 1,
  version: '6.0.5',
  fcv: '6.0',
  replicaSet: 'juju',
  replicaSetId: '65a000000000000000000000',
  windowStart: { ts: { t: 1, i: 1 }, t: 1 },
  collections: [],
};

/** A spool of members of 1,000 bytes. */
async function spoolOf(
  directory: string,
  epoch: Epoch,
  change: Partial<DumpSpoolOptions> = {},
): Promise<DumpSpool> {
  return DumpSpool.create({
    epoch,
    runDirectory: directory,
    compressor: zlibOf(6),
    buffers: new MemberBuffers(8, 1_000),
    checkpointEvery: 1_000_000,
    onCheckpoint: () => Promise.resolve(),
    onReset: () => undefined,
    binding: undefined,
    restarts: 0,
    streams: [],
    ...change,
  });
}

/** Where a scan stands after so many bytes and documents. */
function at(bytes: number, documents: number): ScanPosition {
  return { token: `token-${bytes}`, bytes, documents };
}

/** Writes of one document each, as a scan would make them. */
async function writeAll(
  spool: DumpSpool,
  name: string,
  writes: readonly Buffer[],
  after: ScanPosition = at(0, 0),
): Promise<ScanPosition> {
  let { bytes, documents } = after;
  for (const write of writes) {
    bytes += write.length;
    documents += 1;
    await spool.write(name, Buffer.from(write), 1, at(bytes, documents));
  }
  return at(bytes, documents);
}

async function contentOf(directory: string, members: readonly StreamMember[]): Promise<Buffer[]> {
  const contents: Buffer[] = [];
  for (const { file, offset, stored, content } of members) {
    const segment = await readFile(join(directory, file));
    const unpacked = gunzipSync(segment.subarray(offset, offset + stored));
    expect(unpacked).toHaveLength(content);
    contents.push(unpacked);
  }
  return contents;
}

function stream(streams: readonly StreamState[], name: string): StreamState {
  const found = streams.find((state) => state.name === name);
  if (found === undefined) throw new Error(`no stream ${name}`);
  return found;
}

const writesOf = (sizes: readonly number[]): Buffer[] => sizes.map((size) => randomBytes(size));

describe('a spool', () => {
  test('cuts members only between writes, and none but the last is larger than it has to be', async () => {
    await inDirectory(async (directory) => {
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'));
      const writes = writesOf([400, 400, 400, 2_500, 10, 990, 999, 1]);
      await writeAll(spool, 'juju.units', writes);
      await spool.finish('juju.units');
      const { members, done } = stream(await spool.complete(), 'juju.units');
      await spool.close();
      expect(done).toBe(true);
      const contents = await contentOf(directory, members);
      expect(Buffer.concat(contents).equals(Buffer.concat(writes))).toBe(true);
      expect(contents.map(({ length }) => length)).toEqual([800, 400, 2_500, 1_000, 1_000]);
      expect(members.map(({ documents }) => documents)).toEqual([2, 1, 1, 2, 2]);
      expect(members.map(({ position }) => position?.bytes)).toEqual([
        800, 1_200, 3_700, 4_700, 5_700,
      ]);
    });
  });

  test('keeps the streams apart that are written at the same time', async () => {
    await inDirectory(async (directory) => {
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'));
      const names = ['juju.a', 'juju.b', 'juju.c', 'oplog'];
      const written = new Map(names.map((name) => [name, writesOf(Array(50).fill(333))]));
      await Promise.all(
        [...written].map(async ([name, writes]) => {
          await writeAll(spool, name, writes);
          await spool.finish(name);
        }),
      );
      const streams = await spool.complete();
      await spool.close();
      for (const [name, writes] of written) {
        const content = Buffer.concat(await contentOf(directory, stream(streams, name).members));
        expect(content.equals(Buffer.concat(writes))).toBe(true);
      }
    });
  });

  test('of an empty collection has no member and is done', async () => {
    await inDirectory(async (directory) => {
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'));
      await spool.finish('juju.empty');
      expect(await spool.complete()).toEqual([{ name: 'juju.empty', done: true, members: [] }]);
      await spool.close();
    });
  });

  test('of nothing but empty writes has no member either', async () => {
    await inDirectory(async (directory) => {
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'));
      await writeAll(spool, 'oplog', [Buffer.alloc(0), Buffer.alloc(0)]);
      await spool.finish('oplog');
      await writeAll(spool, 'juju.units', [Buffer.alloc(0), ...writesOf([700]), Buffer.alloc(0)]);
      await spool.finish('juju.units');
      const streams = await spool.complete();
      await spool.close();
      expect(stream(streams, 'oplog').members).toEqual([]);
      expect(stream(streams, 'juju.units').members).toHaveLength(1);
    });
  });

  test('lets no more wait for compression than its bound, whoever writes how fast', async () => {
    await inDirectory(async (directory) => {
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'), {
        buffers: new MemberBuffers(6, 100_000),
      });
      let taken = 0;
      let most = 0;
      const one = async (name: string): Promise<void> => {
        let position = at(0, 0);
        for (const write of writesOf(Array(20).fill(100_000))) {
          position = await writeAll(spool, name, [write], position);
          taken += write.length;
          const before = taken;
          const { size } = await stat(join(directory, 'dump/seg-1'));
          // Random bytes don't shrink: what is neither stored nor refused is in memory.
          most = Math.max(most, before - size);
        }
      };
      await Promise.all(['a.a', 'a.b', 'a.c', 'a.d'].map(one));
      const streams = await spool.complete();
      await spool.close();
      expect(taken).toBe(8_000_000);
      expect(streams.flatMap(({ members }) => members)).toHaveLength(80);
      expect(most).toBeLessThanOrEqual(600_000);
    });
  });

  test('writes only files of its own attempt, readable by nobody else', async () => {
    await inDirectory(async (directory) => {
      const epoch = await claimEpoch(directory, 'dump');
      const spool = await spoolOf(directory, epoch);
      await spool.bind(binding);
      await spool.close();
      expect((await readdir(epoch.directory)).toSorted()).toEqual([
        'checkpoint-1.json',
        'epoch-1',
        'seg-1',
      ]);
      expect((await stat(join(epoch.directory, 'seg-1'))).mode & 0o777).toBe(0o600);
    });
  });
});

describe('memory that a spool reserves', () => {
  const random = (bytes: number): Buffer => randomBytes(bytes);

  test('becomes the member without a copy; what comes from elsewhere is copied', async () => {
    await inDirectory(async (directory) => {
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'));
      const inPlace = await spool.reserve('juju.units', 400);
      expect(inPlace.length).toBeGreaterThanOrEqual(400);
      inPlace.set(random(400));
      await spool.write('juju.units', inPlace.subarray(0, 400), 1, at(400, 1));
      const elsewhere = random(100);
      await spool.write('juju.units', elsewhere, 1, at(500, 2));
      const second = await spool.reserve('juju.units', 300);
      expect(second.buffer).toBe(inPlace.buffer);
      expect(second.byteOffset - inPlace.byteOffset).toBe(500);
      // Moved within what was reserved: it lies no more where the member goes on.
      second.set(random(300));
      const moved = Buffer.from(second.subarray(50, 300));
      await spool.write('juju.units', second.subarray(50, 300), 1, at(750, 3));
      // Until the member is cut it holds this memory itself, and nothing else of the writers'.
      const changed = random(400);
      inPlace.set(changed);
      elsewhere.fill(0);
      const copied = inPlace.subarray(400, 500);
      const expected = Buffer.concat([changed, Buffer.from(copied), moved]);
      expect(copied.equals(elsewhere)).toBe(false);
      await spool.finish('juju.units');
      const { members } = stream(await spool.complete(), 'juju.units');
      await spool.close();
      const content = Buffer.concat(await contentOf(directory, members));
      expect(content.equals(expected)).toBe(true);
    });
  });

  test('goes back when it is never written: the smallest pool does not run dry', async () => {
    await inDirectory(async (directory) => {
      const buffers = new MemberBuffers(1, 1_000);
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'), { buffers });
      for (const name of ['juju.a', 'juju.b']) {
        await spool.reserve(name, 10);
        await spool.finish(name);
        await spool.reserve(name, 10);
        await spool.rewind(name, undefined);
        await spool.reserve(name, 10);
        await spool.reset('a test');
        // Larger than what is left of the member, then than a member.
        const parts = writesOf([600, 700, 2_500, 10]);
        let bytes = 0;
        for (const [index, part] of parts.entries()) {
          const memory = await spool.reserve(name, part.length);
          memory.set(part);
          bytes += part.length;
          await spool.write(name, memory.subarray(0, part.length), 1, at(bytes, index + 1));
        }
        await spool.finish(name);
        const { members } = stream(await spool.complete(), name);
        expect(members.map(({ content }) => content)).toEqual([600, 700, 2_500, 10]);
        const content = Buffer.concat(await contentOf(directory, members));
        expect(content.equals(Buffer.concat(parts))).toBe(true);
      }
      await spool.close();
    });
  });

  test('goes back too when it comes after everything was reset', async () => {
    await inDirectory(async (directory) => {
      const buffers = new MemberBuffers(1, 1_000);
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'), { buffers });
      await spool.finish('juju.a');
      const held = await buffers.take(10);
      // Whoever asks for the only buffer has gone when it comes: before the reset ends, or after it.
      const late = spool.reserve('juju.b', 10);
      const refused = expect(late).rejects.toMatchObject({ code: 'HF-INTERNAL-001' });
      await spool.reset('a test');
      buffers.release(held);
      await refused;
      await spool.finish('juju.a');
      await spool.reserve('juju.b', 10);
      const second = spool.reserve('juju.a', 10);
      await spool.reset('another test');
      await Promise.allSettled([second]);
      const memory = await spool.reserve('juju.c', 10);
      expect(memory.length).toBeGreaterThanOrEqual(10);
      await spool.close();
    });
  }, 20_000);
});

describe('a checkpoint of the dump', () => {
  test('is where a new attempt goes on: together they hold everything, once', async () => {
    await inDirectory(async (directory) => {
      const first = await claimEpoch(directory, 'dump');
      const before = await spoolOf(directory, first);
      await before.bind(binding);
      const written = writesOf(Array(10).fill(500));
      const position = await writeAll(before, 'juju.units', written);
      await before.write('juju.small', Buffer.from('a'), 1, at(1, 1));
      await before.finish('juju.small');
      await before.checkpoint();
      const lost = writesOf(Array(4).fill(500));
      await writeAll(before, 'juju.units', lost, position);
      await before.close();

      const second = await claimEpoch(directory, 'dump');
      const checkpoint = await readCheckpoint(second, dumpCheckpointSchema);
      const resume = resumeOf(checkpoint);
      expect(resume?.binding).toEqual(binding);
      expect(resume?.streams.get('juju.small')?.done).toBe(true);
      const newest = resume?.streams.get('juju.units')?.positions.at(-1);
      const after = await spoolOf(directory, second, {
        binding: resume?.binding,
        streams: checkpoint?.streams ?? [],
      });
      // A dump goes on at the newest position it can find again.
      await after.rewind('juju.units', newest);
      const held = written.slice(0, newest?.documents);
      const again = [...written.slice(held.length), ...writesOf([700, 700])];
      await writeAll(after, 'juju.units', again, newest);
      await after.finish('juju.units');
      const streams = await after.complete();
      await after.close();

      const { members } = stream(streams, 'juju.units');
      const content = Buffer.concat(await contentOf(directory, members));
      expect(content.equals(Buffer.concat([...held, ...again]))).toBe(true);
      expect(new Set(members.map(({ file }) => file))).toEqual(
        new Set(['dump/seg-1', 'dump/seg-2']),
      );
      expect(stream(streams, 'juju.small').members).toHaveLength(1);
      expect(held.length).toBeGreaterThan(0);
    });
  });

  test('names only what is in the segment already', async () => {
    await inDirectory(async (directory) => {
      const epoch = await claimEpoch(directory, 'dump');
      const sizes: { readonly named: number; readonly there: number }[] = [];
      const spool = await spoolOf(directory, epoch, {
        checkpointEvery: 1_500,
        onCheckpoint: async () => {
          const text = await readFile(epoch.own('checkpoint', '.json'), 'utf8');
          const { streams } = dumpCheckpointSchema.parse(JSON.parse(text));
          const members = streams.flatMap((state) => state.members);
          const named = Math.max(0, ...members.map(({ offset, stored }) => offset + stored));
          sizes.push({ named, there: (await stat(epoch.own('seg'))).size });
        },
      });
      let position = at(0, 0);
      while (sizes.length <= 5) {
        position = await writeAll(spool, 'juju.units', writesOf([500, 500]), position);
      }
      await spool.finish('juju.units');
      await spool.complete();
      await spool.close();
      for (const { named, there } of sizes) expect(named).toBeLessThanOrEqual(there);
    });
  });

  test('of an overtaken attempt stops the attempt', async () => {
    await inDirectory(async (directory) => {
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'));
      await claimEpoch(directory, 'dump');
      await expect(spool.bind(binding)).rejects.toMatchObject({ code: 'HF-FENCE-001' });
      await spool.close();
    });
  });

  test('stays small: only the newest members keep their position', async () => {
    await inDirectory(async (directory) => {
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'));
      await writeAll(spool, 'juju.units', writesOf(Array(100).fill(1_000)));
      await spool.finish('juju.units');
      const { members } = stream(await spool.complete(), 'juju.units');
      await spool.close();
      const kept = members.map(({ position }) => position !== undefined);
      expect(kept.filter(Boolean)).toHaveLength(16);
      expect(kept.slice(-16).every(Boolean)).toBe(true);
    });
  });
});

describe('a rewind', () => {
  test('drops what came after its position, and all of it without one', async () => {
    await inDirectory(async (directory) => {
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'));
      const writes = writesOf([1_000, 1_000, 1_000, 300]);
      await writeAll(spool, 'juju.units', writes);
      await spool.rewind('juju.units', at(2_000, 2));
      const other = writesOf([600, 600]);
      await writeAll(spool, 'juju.units', other, at(2_000, 2));
      await writeAll(spool, 'juju.more', writes);
      await spool.rewind('juju.more', undefined);
      const streams = await spool.complete();
      await spool.close();
      const content = await contentOf(directory, stream(streams, 'juju.units').members);
      const expected = Buffer.concat([...writes.slice(0, 2), ...other]);
      expect(Buffer.concat(content).equals(expected)).toBe(true);
      expect(stream(streams, 'juju.more').members).toEqual([]);
    });
  });

  test('to a place the spool does not hold is refused', async () => {
    await inDirectory(async (directory) => {
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'));
      await writeAll(spool, 'juju.units', writesOf([1_000]));
      await expect(spool.rewind('juju.units', at(999, 1))).rejects.toThrow('999 bytes');
      await spool.close();
    });
  });

  test('of everything forgets the binding too, durably', async () => {
    await inDirectory(async (directory) => {
      const epoch = await claimEpoch(directory, 'dump');
      const reasons: string[] = [];
      const spool = await spoolOf(directory, epoch, { onReset: (reason) => reasons.push(reason) });
      await spool.bind(binding);
      await writeAll(spool, 'juju.units', writesOf([1_000, 1_000]));
      await spool.reset('a collection was renamed');
      await spool.close();
      expect(reasons).toEqual(['a collection was renamed']);
      const left = await readCheckpoint(await claimEpoch(directory, 'dump'), dumpCheckpointSchema);
      expect(left).toEqual({ v: 1, restarts: 1, streams: [] });
      expect(resumeOf(left)).toBeUndefined();
    });
  });
});

describe('an append that fails', () => {
  test('fails the dump at one of its next calls, and never lets it complete', async () => {
    await inDirectory(async (directory) => {
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'));
      // As a device that goes away: every later append is refused by the system.
      await spool.close();
      await expect(
        (async () => {
          await writeAll(spool, 'juju.units', writesOf(Array(20).fill(1_000)));
          await spool.finish('juju.units');
        })(),
      ).rejects.toThrow(/closed|EBADF/);
      await expect(spool.complete()).rejects.toThrow(/closed|EBADF/);
      await expect(spool.write('juju.b', Buffer.alloc(1), 1, at(1, 1))).rejects.toThrow();
    });
  });

  test('when the disk runs full at a checkpoint is told as what it is', async () => {
    await inDirectory(async (directory) => {
      const full = new Error('no room');
      const spool = await spoolOf(directory, await claimEpoch(directory, 'dump'), {
        checkpointEvery: 1_000,
        onCheckpoint: () => Promise.reject(full),
      });
      await expect(
        (async () => {
          for (let reached = at(0, 0); ;) {
            reached = await writeAll(spool, 'juju.units', writesOf([1_000]), reached);
          }
        })(),
      ).rejects.toBe(full);
      await expect(spool.complete()).rejects.toBe(full);
      await spool.close();
    });
  });
});
