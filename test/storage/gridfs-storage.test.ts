import { bytesOf, codeOf, pattern, sourceOf } from '../../storage/conformance-kit';
import { manifestName } from '../../storage/contract';
import { startReplicaSet, type TestReplicaSet } from '../mongo/replica-set';
import { openGridfs } from './gridfs-server';

let set: TestReplicaSet;
beforeAll(async () => {
  set = await startReplicaSet({ version: '4.4', auth: true });
});
afterAll(() => set.stop());

// What a storage reads is at majority: harm has to be, too.
const database = async () =>
  (await set.client()).db('holdfast_storage', { writeConcern: { w: 'majority' } });
const counts = async (bucket: string): Promise<number[]> => {
  const db = await database();
  const names = ['files', 'chunks', 'uploads'];
  return Promise.all(names.map((name) => db.collection(`${bucket}.${name}`).countDocuments()));
};

describe('a gridfs storage on mongod 4.4 with TLS and a user', () => {
  it('keeps no chunk and no file of what was aborted, replaced or removed', async () => {
    const storage = openGridfs(set, 'clean');
    const handle = await storage.startBackup('d', 'b', 'run');
    for (const size of [3_000_000, 10, 2_000_000]) {
      const writer = await handle.addFile('a');
      await writer.write(pattern(size));
      await writer.close();
    }
    const lost = await handle.addFile('lost');
    await lost.write(pattern(5_000_000));
    await codeOf(handle.uploadFile('u', { ...sourceOf(pattern(10)), size: 11 }, { attempt: 1 }));
    await handle.abortBackup();
    expect(await counts('clean')).toEqual([0, 0, 0]);
    await storage.close();
  });

  it.each([
    ['a byte was changed', { $set: { data: Buffer.alloc(255 * 1024, 1) } }],
    ['a chunk became shorter', { $set: { data: Buffer.alloc(10) } }],
    ['a chunk has another number', { $set: { n: 99 } }],
  ])('finds out in reading that %s', async (what, change) => {
    const storage = openGridfs(set, 'damage');
    const name = what.replaceAll(' ', '-');
    const handle = await storage.startBackup('d', name, 'run');
    await handle.putFile('f', pattern(1_000_000));
    const db = await database();
    const file = await db.collection('damage.files').findOne({ filename: `d/${name}/f` });
    const chunk = { files_id: file?._id, n: 2 };
    const { modifiedCount } = await db.collection('damage.chunks').updateOne(chunk, change);
    expect(modifiedCount).toBe(1);
    const read = async () => bytesOf(await handle.readFile('f'));
    expect(await codeOf(read())).toBe('HF-STORAGE-009');
    await storage.close();
  });

  it('sweeps chunks that nothing refers to, and those of uploads nobody goes on with', async () => {
    const storage = openGridfs(set, 'orphans');
    const handle = await storage.startBackup('d', 'b', 'run');
    await handle.putFile('kept', pattern(600_000));
    await handle.putFile(manifestName, Buffer.from('{}'), { ifAbsent: true });
    const other = await storage.startBackup('d', 'c', 'run');
    const writer = await other.addFile('lost');
    await writer.write(pattern(9_000_000));
    const db = await database();
    // As after a crash that the uploads were restored without.
    await db.collection('orphans.uploads').deleteMany({});
    expect(await storage.sweep('d', 1_000)).toEqual([]);
    const swept = await storage.sweep('d', Date.now() + 3_600_000);
    expect(swept[0]).toBe('c');
    expect(swept.slice(1).every((name) => name.startsWith('chunks of '))).toBe(true);
    const reader = await storage.openBackup('d', 'b');
    const read = await bytesOf(await reader.readFile('kept'));
    expect(read.equals(pattern(600_000))).toBe(true);
    expect(await counts('orphans')).toEqual([3, 5, 0]);
    await writer.abort();
    await storage.close();
  });

  it('goes on after its mongod was killed in the middle of an upload', async () => {
    const storage = openGridfs(set, 'killed');
    const handle = await storage.startBackup('d', 'b', 'run');
    const content = pattern(12_000_000);
    let killed = false;
    const upload = handle.uploadFile('a', sourceOf(content), {
      attempt: 1,
      onProgress: async ({ acknowledged }) => {
        if (killed || acknowledged < 4_000_000) return;
        killed = true;
        await set.kill('SIGKILL');
        await set.restart();
      },
    });
    const first = await codeOf(upload);
    if (first !== 'no error') {
      expect(first).toBe('HF-STORAGE-006');
      await handle.uploadFile('a', sourceOf(content), { attempt: 2 });
    }
    expect((await bytesOf(await handle.readFile('a'))).equals(content)).toBe(true);
    await storage.close();
  });
});
