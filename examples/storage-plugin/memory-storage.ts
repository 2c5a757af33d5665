import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  HoldfastError,
  ObjectStorage,
  type BackupStorage,
  type ObjectStore,
  type StoreObject,
} from '../../storage';

const reportEvery = 4 * 1024 * 1024;

/** An object with its content. */
export type MemoryObject = StoreObject & { readonly bytes: Buffer };

/** Backups in the memory of a process: what a storage of another maker needs at least. */
export function openStorage({ name }: { name: string }): BackupStorage {
  return new ObjectStorage(memoryStore(name, new Map(), () => Date.now()));
}

/** A store of objects in a map; two stores on one map are two hosts on one service. */
export function memoryStore(
  name: string,
  map: Map<string, MemoryObject>,
  now: () => number,
): ObjectStore {
  const put = (key: string, bytes: Uint8Array): Promise<StoreObject> => {
    const etag = createHash('sha256').update(bytes).digest('hex');
    const stored = { key, size: bytes.length, etag, modified: now(), bytes: Buffer.from(bytes) };
    map.set(key, stored);
    return Promise.resolve(stored);
  };
  const below = (prefix: string) => [...map.values()].filter(({ key }) => key.startsWith(prefix));
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    name,
    capabilities: () => ({ conditionalPut: true, retention: false, ranges: true, place: 'host' }),
    async *list(prefix) {
      yield* below(prefix);
    },
    listFolders: async (prefix) => [
      ...new Set(below(prefix).map(({ key }) => key.slice(prefix.length).split('/')[0] ?? '')),
    ],
    head: async (key) => map.get(key),
    get: async (key, most) => map.get(key)?.bytes.subarray(0, most),
    read: async ({ key }, { start, end }, signal) => {
      const bytes = map.get(key)?.bytes.subarray(start, end) ?? Buffer.alloc(0);
      const pieces = bytes.length === 0 ? [] : [bytes.subarray(0, 1), bytes.subarray(1)];
      return Readable.from(pieces, { objectMode: false, ...(signal ? { signal } : {}) });
    },
    put,
    putIfAbsent: async (key, bytes) =>
      map.has(key) ? 'exists' : put(key, bytes).then(() => 'written' as const),
    remove: async (keys) => keys.forEach((key) => map.delete(key)),
    removeSame: async ({ key, etag }) => void (map.get(key)?.etag === etag && map.delete(key)),
    openWriter: async (key) => {
      const pieces: Buffer[] = [];
      const write = async (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes));
      return { write, close: () => put(key, Buffer.concat(pieces)), abort: nothing };
    },
    async upload(key, source, { signal, onProgress, resume }, hooks) {
      // Beside the file, under a name that no listing shows: an abort removes it with the rest.
      const part = key.replace(/[^/]*$/, '.part.$&');
      const held = map.get(part)?.bytes ?? Buffer.alloc(0);
      const start = resume?.type === 'memory' ? Math.min(resume.acknowledged, held.length) : 0;
      const pieces = [held.subarray(0, start)];
      let done = start;
      for await (const chunk of source.read(start, signal)) {
        signal?.throwIfAborted();
        pieces.push(Buffer.from(chunk));
        done += chunk.length;
        if (done % reportEvery >= chunk.length) continue;
        await hooks.check();
        await put(part, Buffer.concat(pieces));
        await onProgress?.({ v: 1, type: 'memory', acknowledged: done, detail: {} });
      }
      signal?.throwIfAborted();
      if (done !== source.size) throw new Error(`the source gave ${done} of ${source.size} bytes`);
      await hooks.check();
      map.delete(part);
      return put(key, Buffer.concat(pieces));
    },
    listUploads: async () => [],
    abortUpload: nothing,
    protect: nothing,
    requireUnlocked: nothing,
    sweepOrphans: async () => [],
    failure: (operation, file, cause) => {
      const params = { storage: name, operation, name: file, reason: String(cause) };
      return new HoldfastError('HF-STORAGE-006', params, { cause });
    },
    close: nothing,
  };
}
