import type { ReadHandle } from '../storage/contract';

/** A stored file, whole. For small files only: MANIFEST and INDEX. */
export async function readWhole(
  handle: Pick<ReadHandle, 'readFile'>,
  name: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const content: AsyncIterable<Buffer> = await handle.readFile(name, undefined, { signal });
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
