import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig, type LoadedConfig } from '../../config/load';
import { settingVariables } from '../../config/origin';
import { allStorages } from '../../config/storages';
import { settingsOf } from '../../config/resolve';
import { parseDuration } from '../../core/durations';
import { HoldfastError } from '../../core/errors';
import { parseSize } from '../../core/sizes';
import { bareEnvironment, Temporary } from '../config/temporary';
import { codeBlocks } from './code-blocks';

let page: string;
let least: string;
let full: string;
let several: string;
let profiles: string;
beforeAll(async () => {
  page = await readFile(join(__dirname, '../../docs/configuration.md'), 'utf8');
  [least = '', full = '', several = '', profiles = ''] = codeBlocks(page);
});

let temporary: Temporary;
beforeEach(async () => {
  temporary = await Temporary.create();
});
afterEach(() => temporary.remove());

async function load(
  content: string,
  variables: Record<string, string> = {},
): Promise<LoadedConfig> {
  const file = await temporary.write('holdfast.yaml', content);
  return loadConfig({ file, environment: bareEnvironment({ variables }) });
}

/** Default by key, from the rows whose default is one value. */
function documentedDefaults(): Map<string, string> {
  const rows = page.matchAll(/^\| `([\w.]+)` +\| `([^`]+)` +\|/gm);
  return new Map([...rows].map(([, key = '', value = '']) => [key, value]));
}

describe('docs/configuration.md', () => {
  it('shows the least that is needed, and that loads', async () => {
    const { config } = await load(least);
    expect(config.storage).toEqual({ name: 'default', type: 'file', path: '/srv/holdfast' });
  });

  it('shows every setting there is, and that loads', async () => {
    const { config, origins } = await load(full);
    const unset = settingsOf(config).filter(({ value }) => value === undefined);
    expect(unset).toEqual([]);
    const defaults = [...origins].filter(([, { kind }]) => kind === 'default');
    expect(defaults).toEqual([]);
    expect(config.mongo.password).toEqual({ file: '/etc/holdfast/mongo-password' });
    expect(config.temporal.apiKey).toEqual({ env: 'HOLDFAST_TEMPORAL_API_KEY' });
  });

  it('shows a storage beside the default one, and that loads', async () => {
    const { config } = await load(several);
    expect(allStorages(config).map(({ name, type }) => [name, type])).toEqual([
      ['default', 'file'],
      ['offsite', 's3'],
    ]);
  });

  it('has a row for every setting', async () => {
    const { config } = await load(full);
    const keys = settingsOf(config).map(({ path }) => path.join('.'));
    expect(keys).toContain('limits.freeSpace.percent');
    const rows = new Set([...page.matchAll(/^\| `([\w.]+)`/gm)].map(([, key]) => key));
    // A named storage has the keys of the default one.
    const documented = (key: string): string => key.replace(/^storages\.\w+\./, 'storage.');
    const missing = keys.filter(
      (key) => !rows.has(documented(key)) && !key.startsWith('temporal.tls.'),
    );
    expect(rows).toContain('storages.NAME');
    expect(missing).toEqual([]);
    expect(rows).toContain('temporal.tls');
  });

  it('tells the defaults that are in force', async () => {
    const { config } = await load(least);
    const settings = new Map(settingsOf(config).map(({ path, value }) => [path.join('.'), value]));
    const documented = documentedDefaults();
    const checked: string[] = [];
    for (const [key, value] of settings) {
      const text = documented.get(key);
      if (text === undefined || value === undefined) continue;
      const read = typeof value === 'number' ? (parseDuration(text) ?? parseSize(text)) : text;
      expect([key, read]).toEqual([key, value]);
      checked.push(key);
    }
    expect(checked).toEqual([
      'controller.root',
      'controller.dataDir',
      'controller.services.type',
      'mongo.readFrom',
      'storage.name',
      'catalog.type',
      'workspace',
      'temporal.address',
      'temporal.namespace',
      'limits.compressor',
      'limits.level',
      'limits.memberSize',
      'limits.buffers',
      'limits.parallel',
      'limits.nice',
      'limits.ioClass',
      'limits.hostWait',
      'limits.heartbeatTimeout',
      'limits.confirmWait',
      'limits.freeSpace.bytes',
      'limits.freeSpace.percent',
    ]);
    expect(config.state).toBe(join(config.workspace, 'temporal'));
  });

  it.each([
    ['level', '1', '9', '0', '10'],
    ['memberSize', '64KiB', '64MiB', '63KiB', '65MiB'],
    ['buffers', '1MiB', '16GiB', '1023KiB', '17GiB'],
    ['parallel', '1', '64', '0', '65'],
    ['nice', '0', '19', '-1', '20'],
    ['readBytesPerSecond', '64KiB', '1TiB', '63KiB', '1025GiB'],
    ['writeBytesPerSecond', '64KiB', '1TiB', '63KiB', '1025GiB'],
    ['hostWait', '1s', '8760h', '999ms', '8761h'],
    ['heartbeatTimeout', '1s', '1h', '999ms', '61m'],
    ['confirmWait', '1s', '168h', '999ms', '169h'],
  ])('tells the bounds of limits.%s: %s to %s', async (key, lowest, highest, under, over) => {
    expect(page).toMatch(
      new RegExp(`^\\| \`limits\\.${key}\` .*\\| ${lowest} to ${highest} +\\|`, 'm'),
    );
    for (const value of [lowest, highest]) {
      await expect(load(`${least}limits: {${key}: ${value}}\n`)).resolves.toBeDefined();
    }
    for (const value of [under, over]) {
      const refused = load(`${least}limits: {${key}: ${value}}\n`);
      await expect(refused).rejects.toBeInstanceOf(HoldfastError);
    }
  });

  it('names the variables of its own settings', () => {
    for (const [variable, setting] of Object.entries(settingVariables)) {
      expect(page).toMatch(new RegExp(`^\\| \`${variable}\` +\\| \`${setting}\``, 'm'));
    }
  });

  it('shows profiles of temporal.toml that a variable chooses from', async () => {
    const toml = await temporary.write('temporal.toml', profiles);
    const place = { TEMPORAL_CONFIG_FILE: toml };
    const first = await load(least, place);
    expect(first.config.temporal.address).toBe('127.0.0.1:7233');
    const second = await load(least, { ...place, TEMPORAL_PROFILE: 'cloud' });
    expect(second.config.temporal).toMatchObject({
      address: 'example.a1b2c.tmprl.cloud:7233',
      namespace: 'example.a1b2c',
    });
    expect(second.origins.get('temporal.apiKey')).toMatchObject({ kind: 'profile', name: 'cloud' });
  });
});
