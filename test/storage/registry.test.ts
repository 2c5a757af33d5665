import { openFileStorage } from '../../storage/file-storage';
import { createStorageRegistry } from '../../storage/registry';
import { refusal } from './refusal';

describe('the storage registry', () => {
  it('opens the storage of a configuration', () => {
    const config = { name: 'nas', type: 'file', path: '/srv/holdfast' };
    const storage = createStorageRegistry().openStorage(config);
    expect(storage.name).toBe('nas');
    expect(storage.capabilities()).toEqual({
      conditionalPut: true,
      retention: false,
      ranges: true,
      place: 'host',
    });
  });

  it('refuses a type it does not know, and names those it does', async () => {
    const registry = createStorageRegistry().registerStorage('tape', ({ name }) =>
      openFileStorage({ name, path: '/tape' }),
    );
    expect(registry.openStorage({ name: 't', type: 'tape' }).name).toBe('t');
    const error = await refusal(() => registry.openStorage({ name: 't', type: 's4' }));
    expect(error.code).toBe('HF-STORAGE-008');
    expect(error.message).toBe(
      'storage type s4 is not known; known are file, gridfs, module, s3, tape',
    );
    const plain = createStorageRegistry();
    const other = await refusal(() => plain.openStorage({ name: 't', type: 'tape' }));
    expect(other.code).toBe('HF-STORAGE-008');
  });

  it('registers a type once', async () => {
    const registry = createStorageRegistry();
    const again = () =>
      registry.registerStorage('file', () => registry.openStorage({ name: 'x', type: 'file' }));
    expect((await refusal(again)).code).toBe('HF-STORAGE-010');
  });

  it('refuses a file storage without a path', async () => {
    const open = () => createStorageRegistry().openStorage({ name: 'x', type: 'file' });
    expect((await refusal(open)).code).toBe('HF-STORAGE-005');
  });
});
