import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DumpResult } from '../../mongo/dump-contract';
import { preludeJson } from '../../mongo/metadata-json';
import type { MemorySink } from './memory-sink';

/** Lays a dump out as a directory that mongorestore reads. */
export async function writeDumpDirectory(
  directory: string,
  result: DumpResult,
  sink: MemorySink,
): Promise<void> {
  const write = async (name: string, bytes: Buffer): Promise<void> => {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), bytes);
  };
  for (const { metadataFile, metadataJson, data } of result.collections) {
    await write(metadataFile, metadataJson);
    if (data !== undefined) await write(data.file, sink.bytes(data.stream));
  }
  await write('oplog.bson', sink.bytes('oplog'));
  await write('prelude.json', preludeJson(result.version, 'holdfast'));
}
