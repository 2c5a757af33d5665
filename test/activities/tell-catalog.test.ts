import { tellCatalog } from '../../activities/tell-catalog';
import { openCatalog } from '../../catalog/configured-catalog';
import { refreshEntry } from '../../catalog/rebuild';
import { openFileStorage } from '../../storage/file-storage';
import type { CatalogConfig } from '../../config/catalog-schema';
import { freePort } from '../mongo/mongod';
import { manifestOf, storeBackup } from '../catalog/stored-backup';
import { removeDirectories, temporaryDirectory } from '../client/temporary';

const controller = '11111111-2222-4333-8444-555555555555';
const id = `20250101-120000.${controller}`;
const changed = { storage: 'nas', controller, ids: [id, id] };

afterEach(() => removeDirectories());

/** A step that can warn, and what it warned of. */
function attemptOf(signal: AbortSignal) {
  const warned: unknown[] = [];
  const during = <T>(work: Promise<T>): Promise<T> => work;
  const warn = (message: string, fields?: object): void => void warned.push([message, fields]);
  return { warned, attempt: { signal, warn, progress: { during } } };
}

describe('a step that tells the catalog', () => {
  it('only warns when the catalog is gone, once for all of its backups', async () => {
    const port = await freePort();
    const config: CatalogConfig = {
      type: 'mongodb',
      cache: false,
      hosts: [`127.0.0.1:${port}`],
      database: 'holdfast_catalog',
      host: 'host-0',
    };
    const configured = openCatalog(config, { variables: {}, uid: 0 }, 300);
    if (configured === undefined) throw new Error('no catalog');
    const path = await temporaryDirectory();
    const storage = openFileStorage({ name: 'nas', path });
    await storeBackup(storage, id, manifestOf(id));
    const as = configured.storage({ name: 'nas', type: 'file', path }, storage.capabilities());
    expect(as).toEqual({ name: 'nas', identity: `host-0 file:${path}` });
    const refresh = (_: string, of: string, backup: string, signal: AbortSignal) =>
      refreshEntry({ storage, controller: of, id: backup, signal }, configured.catalog, as);
    const { attempt, warned } = attemptOf(new AbortController().signal);
    const reason = `the catalog at 127.0.0.1:${port} cannot be used: connect ECONNREFUSED 127.0.0.1:${port}`;
    expect(await tellCatalog({ catalog: { refresh } }, attempt, changed)).toBe(
      `the catalog was not told (holdfast catalog rebuild makes up for it): ${reason}`,
    );
    expect(warned).toEqual([['the catalog was not told', { reason }]]);
  });

  it('has nothing to tell where none is configured', async () => {
    const { attempt, warned } = attemptOf(new AbortController().signal);
    expect(await tellCatalog({}, attempt, changed)).toBeUndefined();
    expect(warned).toEqual([]);
  });

  it('stops when it is aborted', async () => {
    const { attempt } = attemptOf(AbortSignal.abort());
    const refresh = (): Promise<void> => Promise.reject(new Error('aborted'));
    await expect(tellCatalog({ catalog: { refresh } }, attempt, changed)).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
