import { gunzipSync, gzipSync } from 'node:zlib';
import { zlibMember } from '../../archive/compressor';
import { MemberCompressor, openMember } from '../../archive/gzip-members';
import { BsonFrames, FrameDamage } from '../../archive/bson-frames';
import { orderedAhead } from '../../archive/ordered-ahead';
import { dumpOf, seeded } from './sample-archive';
import { zlibOf } from './zlib-of';

test('a member carries no time, no name and no operating system', async () => {
  const member = await zlibMember(Buffer.from('holdfast'), 6);
  expect([...member.subarray(0, 10)]).toEqual([
    0x1f,
    0x8b,
    8,
    0,
    0,
    0,
    0,
    0,
    expect.anything(),
    255,
  ]);
  expect(gunzipSync(member).toString()).toBe('holdfast');
  expect(await openMember(await zlibMember(Buffer.alloc(0), 9), 0)).toHaveLength(0);
});

test('members come out in order however long each takes, and few wait at a time', async () => {
  const random = seeded(2);
  const contents = Array.from({ length: 40 }, (_, n) =>
    Buffer.alloc(1 + Math.floor(random() * 300_000), `${n} `),
  );
  const opened: Buffer[] = [];
  let added = 0;
  let most = 0;
  const compressor = new MemberCompressor({
    compressor: zlibOf(6),
    inFlight: 3,
    onMember: async ({ stored, content }) => {
      most = Math.max(most, added - opened.length);
      opened.push(await openMember(stored, content));
    },
  });
  for (const content of contents) {
    added += 1;
    await compressor.add(content);
  }
  await compressor.finish();
  expect(opened.every((content, n) => content.equals(contents[n] ?? Buffer.alloc(0)))).toBe(true);
  expect(opened).toHaveLength(40);
  expect(most).toBe(3);
});

test.each([
  ['longer than it should', gzipSync('longer'), 3],
  ['shorter than it should', gzipSync('ab'), 3],
  ['cut off', gzipSync('abc').subarray(0, -1), 3],
  ['followed by another', Buffer.concat([gzipSync('a'), gzipSync('abc')]), 3],
  ['followed by bytes', Buffer.concat([gzipSync('abc'), Buffer.alloc(8)]), 3],
  ['of nothing', Buffer.alloc(0), 0],
])('a member that is %s does not open', async (_, stored, content) => {
  await expect(openMember(stored, content)).rejects.toMatchObject({ name: 'MemberDamage' });
});

test('documents are counted the same however the stream is cut', () => {
  const dump = dumpOf(50, 9);
  for (const size of [1, 2, 3, 7, 64, 1000, dump.length]) {
    const frames = new BsonFrames();
    for (let at = 0; at < dump.length; at += size) frames.update(dump.subarray(at, at + size));
    expect(frames.finish()).toBe(50);
  }
});

test.each([
  ['cut off in a document', (dump: Buffer) => dump.subarray(0, -1)],
  ['cut off in a length', (dump: Buffer) => Buffer.concat([dump, Buffer.from([5, 0])])],
  [
    'of a length that is too small',
    (dump: Buffer) => Buffer.concat([dump, Buffer.from([4, 0, 0, 0])]),
  ],
  ['of a length that is negative', (dump: Buffer) => Buffer.concat([dump, Buffer.alloc(4, 0xff)])],
  [
    'of a length over 16 MiB',
    (dump: Buffer) => Buffer.concat([dump, Buffer.from([0, 0x80, 0, 1])]),
  ],
  [
    'with a document that does not end',
    (dump: Buffer) => Buffer.concat([dump, Buffer.from([5, 0, 0, 0, 1])]),
  ],
])('a dump %s is damaged', (_, change) => {
  const frames = new BsonFrames();
  expect(() => {
    frames.update(change(dumpOf(2, 1)));
    frames.finish();
  }).toThrow(FrameDamage);
});

test('work done ahead comes in order and fails in its turn', async () => {
  const results: number[] = [];
  const work = orderedAhead([1, 2, 3, 4, 5], 3, (n) =>
    n === 4 ? Promise.reject(new Error('four')) : Promise.resolve(n),
  );
  const all = async (): Promise<void> => {
    for await (const n of work) results.push(n);
  };
  await expect(all()).rejects.toThrow('four');
  expect(results).toEqual([1, 2, 3]);
});
