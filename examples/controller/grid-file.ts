import { createHash } from 'node:crypto';
import { Binary, Int32, ObjectId, type Document } from 'mongodb';
import type { SeededRandom } from './seeded-random';

/** A GridFS file as Juju's blobstore keeps charms and agents: its `files` document and its chunks. */
export function gridFile(
  random: SeededRandom,
  length: number,
  now: Date,
): { readonly file: Document; readonly chunks: readonly Document[] } {
  const chunkSize = 261_120;
  const id = new ObjectId(random.hex(24));
  const bytes = random.bytes(length);
  const chunks: Document[] = [];
  for (let n = 0; n * chunkSize < length; n += 1) {
    chunks.push({
      _id: new ObjectId(random.hex(24)),
      files_id: id,
      n: new Int32(n),
      data: new Binary(bytes.subarray(n * chunkSize, (n + 1) * chunkSize)),
    });
  }
  const md5 = createHash('md5').update(bytes).digest('hex');
  return {
    file: {
      _id: id,
      chunkSize: new Int32(chunkSize),
      uploadDate: now,
      length: new Int32(length),
      md5,
      filename: random.uuid(),
    },
    chunks,
  };
}
