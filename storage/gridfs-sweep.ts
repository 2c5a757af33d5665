import type { ObjectId } from 'mongodb';
import { removeChunks } from './gridfs-chunks';
import type { GridfsService } from './gridfs-service';

/**
 * Removes chunks that neither a file nor an upload knows and that are older than `before`
 * (milliseconds since the epoch): what writers left that went on after their upload was ended.
 */
export async function sweepChunks(
  service: GridfsService,
  before: number,
  signal?: AbortSignal,
): Promise<string[]> {
  const { chunks, files, uploads } = await service.collections();
  const removed: string[] = [];
  const ids = chunks.aggregate<{ _id: ObjectId }>([
    { $sort: { files_id: 1, n: 1 } },
    { $group: { _id: '$files_id' } },
  ]);
  for await (const { _id } of ids) {
    signal?.throwIfAborted();
    if (_id.getTimestamp().getTime() >= before) continue;
    // In this order: a file that appears leaves the uploads in the same transaction.
    if ((await uploads.findOne({ _id })) !== null) continue;
    if ((await files.findOne({ _id })) !== null) continue;
    await removeChunks(service, _id);
    removed.push(`chunks of ${_id.toHexString()}`);
  }
  return removed;
}
