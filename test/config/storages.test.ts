import { join } from 'node:path';
import { checkConfig } from '../../config/check';
import { loadConfig, type LoadedConfig } from '../../config/load';
import { allStorages, findStorage, withDefaultStorage } from '../../config/storages';
import { bareEnvironment, Temporary } from './temporary';

let temporary: Temporary;
beforeEach(async () => {
  temporary = await Temporary.create();
});
afterEach(() => temporary.remove());

async function load(storages: string): Promise<LoadedConfig> {
  const content = `storage:\n  type: file\n  path: here\n${storages}`;
  const file = await temporary.write('holdfast.yaml', content);
  return loadConfig({ file, environment: bareEnvironment() });
}

const two = `storages:
  offsite:
    type: s3
    bucket: juju-backups
    credentials:
      accessKeyId: key
      secretAccessKey: { file: secret }
  nas:
    type: file
    path: ../nas
`;

describe('several storages', () => {
  it('have the default one first, their paths absolute, and the name they stand under', async () => {
    const { config } = await load(two);
    expect(allStorages(config)).toEqual([
      { name: 'default', type: 'file', path: join(temporary.path, 'here') },
      expect.objectContaining({
        name: 'offsite',
        bucket: 'juju-backups',
        credentials: {
          accessKeyId: 'key',
          secretAccessKey: { file: join(temporary.path, 'secret') },
        },
      }),
      { name: 'nas', type: 'file', path: join(temporary.path, '../nas') },
    ]);
  });

  it('tell where each setting comes from, and whether their secrets can be read', async () => {
    const loaded = await load(two);
    expect(loaded.origins.get('storages.offsite.bucket')).toEqual({
      kind: 'file',
      line: 7,
      column: 13,
    });
    expect(loaded.origins.get('storages.offsite.partSize')).toEqual({ kind: 'default' });
    const { plain, warnings } = await checkConfig(loaded, bareEnvironment());
    expect(plain).toContainEqual(
      expect.stringMatching(/^storages\.offsite\.credentials\.secretAccessKey = \{?file: .*secret/),
    );
    expect(warnings).toContainEqual(
      expect.stringMatching(/^storages\.offsite\.credentials\.secretAccessKey: .*cannot be read/),
    );
  });

  it.each([
    [
      '  offsite: {type: s4}\n',
      '5:19 storages.offsite.type: must be one of file, s3, gridfs, module; did you mean s3?',
    ],
    ['  nas: {type: file, pat: /srv}\n', '5:21 storages.nas.pat: unknown key; did you mean path?'],
    ['  nas: {type: file, path: /srv, name: x}\n', '5:33 storages.nas.name: unknown key'],
    ['  a/b: {type: file, path: /srv}\n', 'storages.a/b: must be letters, digits, dots'],
    [
      '  default: {type: file, path: /srv}\n',
      'storages.default: is the name of the default storage already',
    ],
    ['  - file\n', 'storages: must be a mapping'],
  ])('are refused with their line: %s', async (storages, problem) => {
    await expect(load(`storages:\n${storages}`)).rejects.toThrow(problem);
  });

  it('are found by name, or the nearest name is told', async () => {
    const { config } = await load(two);
    expect(findStorage(config, 'nas')).toMatchObject({ name: 'nas', type: 'file' });
    expect(() => findStorage(config, 'ofsite')).toThrow(
      'no storage is named ofsite here (did you mean offsite?); configured: default, offsite, nas',
    );
    expect(() => findStorage(config, 'tape')).toThrow('no storage is named tape here; configured');
  });

  it('change places, so that another one is meant where none is named', async () => {
    const { config } = await load(two);
    const changed = withDefaultStorage(config, 'nas');
    expect(changed.storage).toEqual(findStorage(config, 'nas'));
    expect(allStorages(changed).map(({ name }) => name)).toEqual(['nas', 'default', 'offsite']);
    expect(findStorage(changed, 'default')).toEqual(config.storage);
    expect(withDefaultStorage(config, 'default')).toEqual(config);
  });
});
