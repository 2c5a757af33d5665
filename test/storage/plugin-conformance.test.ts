import { memoryStore, type MemoryObject } from '../../examples/storage-plugin/memory-storage';
import { describeStorage } from '../../storage/conformance';
import { ObjectStorage } from '../../storage/object-storage';
import { createStorageRegistry } from '../../storage/registry';
import { compiled } from '../examples/compiled';
import { refusal } from './refusal';

describeStorage("another maker's", () => {
  const map = new Map<string, MemoryObject>();
  const open = () => new ObjectStorage(memoryStore('one', map, () => Date.now()));
  return Promise.resolve({ storage: open(), other: open(), dispose: () => Promise.resolve() });
});

describe('a storage of another maker', () => {
  it('is loaded by the name of its module', async () => {
    const module = compiled('examples/storage-plugin/memory-storage.js');
    const config = { name: 'memory', type: 'module', module, options: {} };
    const storage = createStorageRegistry().openStorage(config);
    expect(storage.name).toBe('memory');
    expect(await storage.listDirectories()).toEqual([]);
  });

  it.each([
    [
      'no-such-module',
      /^storage memory is not configured .*: module no-such-module cannot be loaded/,
    ],
    ['node:path', /: module node:path exports no openStorage$/],
  ])('is refused when its module is %s', async (module, message) => {
    const config = { name: 'memory', type: 'module', module };
    const error = await refusal(() => createStorageRegistry().openStorage(config));
    expect(error.code).toBe('HF-STORAGE-015');
    expect(error.message).toMatch(message);
  });
});
