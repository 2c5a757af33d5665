import { BSON } from 'mongodb';
import { rawBatches, type RawBatch } from '../../mongo/raw-batches';

const mebibyte = 1024 * 1024;

function documentsOf(count: number, size: number): Buffer {
  const padding = 'x'.repeat(size);
  return Buffer.concat(
    Array.from({ length: count }, (_, at) => BSON.serialize({ _id: at, padding })),
  );
}

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(chunks: AsyncIterable<Buffer>, offset = 0): Promise<RawBatch[]> {
  const batches: RawBatch[] = [];
  for await (const batch of rawBatches(chunks, offset)) batches.push(batch);
  return batches;
}

describe('cutting a stream of documents into batches', () => {
  it.each([1, 7, 1_000, 64 * 1024, mebibyte, 3 * mebibyte, 10 * mebibyte])(
    'keeps every byte in order whatever the chunks are (%i bytes)',
    async (size) => {
      const bytes = documentsOf(size < 100 ? 40 : 9_000, 500);
      const batches = await all(inChunks(bytes, size), 17);
      expect(Buffer.concat(batches.map((batch) => batch.bytes)).equals(bytes)).toBe(true);
      let end = 17;
      for (const batch of batches) {
        end += batch.bytes.length;
        expect(batch.end).toBe(end);
        expect(batch.bytes.length).toBeLessThanOrEqual(2.6 * mebibyte);
        let documents = 0;
        for (let at = 0; at < batch.bytes.length; documents++) at += batch.bytes.readInt32LE(at);
        expect(batch.documents).toBe(documents);
      }
    },
  );

  it('cuts a chunk that ends with a document evenly, without copying it', async () => {
    const chunk = documentsOf(6_900, 500);
    expect(chunk.length).toBeGreaterThan(3.3 * mebibyte);
    const batches = await all(inChunks(chunk, chunk.length));
    expect(batches).toHaveLength(2);
    for (const batch of batches) {
      expect(batch.bytes.buffer).toBe(chunk.buffer);
      expect(batch.bytes.length).toBeGreaterThan(1.6 * mebibyte);
    }
  });

  it('gathers small chunks into batches of about 2 MB', async () => {
    const batches = await all(inChunks(documentsOf(16_000, 500), 64 * 1024));
    expect(batches.length).toBe(5);
  });

  it('gives a document larger than a batch alone', async () => {
    const huge = BSON.serialize({ _id: 1, padding: 'x'.repeat(5 * mebibyte) });
    const bytes = Buffer.concat([documentsOf(10, 500), huge, documentsOf(10, 500)]);
    const batches = await all(inChunks(bytes, 300_000));
    expect(batches.map(({ documents }) => documents)).toEqual([10, 1, 10]);
  });

  it('names the byte at which a document is cut short or impossible', async () => {
    const whole = documentsOf(3, 500);
    const short = all(inChunks(whole.subarray(0, whole.length - 1), 400), 1_000);
    await expect(short).rejects.toMatchObject({
      message: expect.stringContaining('document cut short'),
      offset: 1_000 + (whole.length / 3) * 2,
    });
    const impossible = Buffer.concat([whole, Buffer.from([3, 0, 0, 0, 0])]);
    await expect(all(inChunks(impossible, 400))).rejects.toMatchObject({
      message: expect.stringContaining('impossible document length 3'),
      offset: whole.length,
    });
  });
});
