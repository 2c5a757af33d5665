import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../config/environment';
import { loadConfig } from '../../config/load';
import { isHoldfastError } from '../../core/errors';
import { bareEnvironment, Temporary } from './temporary';

let temporary: Temporary;
beforeEach(async () => {
  temporary = await Temporary.create();
});
afterEach(() => temporary.remove());

async function load(content: string, changes: Partial<Environment> = {}) {
  const file = await temporary.write('holdfast.yaml', content);
  return loadConfig({ file, environment: bareEnvironment(changes) });
}

/** The problems of a configuration, one a line. */
async function problems(content: string, changes: Partial<Environment> = {}): Promise<string[]> {
  try {
    await load(content, changes);
  } catch (error) {
    if (!isHoldfastError(error, 'HF-CONFIG-001')) throw error;
    expect(error.exit).toBe(2);
    return String(error.params['problems']).split('\n');
  }
  return [];
}

describe('a configuration', () => {
  it('needs nothing but a storage; the rest has defaults', async () => {
    const { config } = await load('storage: {type: file, path: /srv/holdfast}');
    expect(config).toEqual({
      controller: {
        name: undefined,
        root: '/',
        dataDir: '/var/lib/juju',
        modelUuid: undefined,
        machine: undefined,
        services: { type: 'systemd', agent: undefined },
      },
      mongo: {
        hosts: undefined,
        replicaSet: undefined,
        tls: undefined,
        username: undefined,
        password: undefined,
        readFrom: 'secondary',
      },
      storage: { name: 'default', type: 'file', path: '/srv/holdfast' },
      storages: {},
      catalog: { type: 'storage', cache: '/nowhere/home/.cache/holdfast/manifests' },
      workspace: '/var/lib/holdfast',
      state: '/var/lib/holdfast/temporal',
      temporal: {
        address: '127.0.0.1:7233',
        namespace: 'default',
        tls: undefined,
        apiKey: undefined,
      },
      limits: {
        compressor: 'zlib',
        level: 1,
        memberSize: 4 * 1024 ** 2,
        buffers: 32 * 1024 ** 2,
        parallel: 2,
        nice: 0,
        ioClass: 'none',
        hostWait: 86_400_000,
        heartbeatTimeout: 30_000,
        confirmWait: 3_600_000,
        freeSpace: { bytes: 5 * 1024 ** 3, percent: 10 },
        readBytesPerSecond: undefined,
        writeBytesPerSecond: undefined,
      },
      log: { file: undefined },
    });
  });

  it('keeps MANIFESTs in the cache directory of the user, where it is told to, or nowhere', async () => {
    const cacheOf = async (
      catalog: string,
      variables: Record<string, string> = {},
    ): Promise<unknown> =>
      (await load(`storage: {type: file, path: /s}\ncatalog: ${catalog}\n`, { variables })).config
        .catalog.cache;
    expect(await cacheOf('{}', { XDG_CACHE_HOME: '/c' })).toBe('/c/holdfast/manifests');
    expect(await cacheOf('{}', { XDG_CACHE_HOME: 'c' })).toBe(
      '/nowhere/home/.cache/holdfast/manifests',
    );
    expect(await cacheOf('{cache: here}')).toBe(join(temporary.path, 'here'));
    expect(await cacheOf('{cache: false}')).toBe(false);
  });

  it('takes a catalog in a MongoDB, whose database must be one that no backup holds', async () => {
    const storage = 'storage: {type: file, path: /s}';
    const { config } = await load(
      `${storage}\ncatalog: {type: mongodb, hosts: ["c:27017"], username: u, password: {file: p}, tls: {caFile: ca}}`,
    );
    expect(config.catalog).toEqual({
      type: 'mongodb',
      cache: '/nowhere/home/.cache/holdfast/manifests',
      hosts: ['c:27017'],
      username: 'u',
      password: { file: join(temporary.path, 'p') },
      tls: { caFile: join(temporary.path, 'ca') },
      database: 'holdfast_catalog',
      host: 'host',
    });
    expect(
      await problems(`${storage}\ncatalog: {type: mongodb, password: x, database: juju, cache: 7}`),
    ).toEqual([
      '  2:1 catalog.hosts: is missing',
      '  2:36 catalog.password: a secret must not stand in this file; write {file: PATH} or {env: NAME}',
      '  2:49 catalog.database: must begin with holdfast: such databases are never part of a backup',
      '  2:62 catalog.cache: must be a path',
    ]);
  });

  it('reads every setting, and its paths are relative to the file', async () => {
    const { config } = await load(`
controller:
  name: Berlin
  root: machine
  dataDir: /var/lib/juju
  modelUuid: 11111111-2222-4333-8444-555555555555
  machine: machine-2
  services:
    type: process
    socket: run/supervisor.sock
mongo:
  hosts: [127.0.0.1:37017, '[::1]:37018']
  replicaSet: juju
  tls: {caFile: ca.pem}
  username: machine-2
  password: {file: ../mongo-password}
storage:
  name: nas
  type: file
  path: ./storage
workspace: work
temporal:
  address: temporal:7233
  namespace: backups
  tls: {caFile: t/ca.pem, certFile: t/c.pem, keyFile: t/k.pem, serverName: temporal.test}
  apiKey: {env: KEY}
limits:
  compressor: zlib
  level: 9
  memberSize: 1MiB
  buffers: 64MiB
  parallel: 2
  nice: 10
  ioClass: idle
  hostWait: 1h30m
  heartbeatTimeout: 2s
  confirmWait: 10m
  freeSpace: {bytes: 500MB, percent: 2.5}
  readBytesPerSecond: 20MiB
  writeBytesPerSecond: 10MB
log:
  file: log/operations.log
`);
    const here = temporary.path;
    expect(config.controller).toEqual({
      name: 'Berlin',
      root: join(here, 'machine'),
      dataDir: '/var/lib/juju',
      modelUuid: '11111111-2222-4333-8444-555555555555',
      machine: 'machine-2',
      services: {
        type: 'process',
        agent: 'jujud-machine-2',
        socket: join(here, 'run/supervisor.sock'),
      },
    });
    expect(config.mongo).toEqual({
      hosts: ['127.0.0.1:37017', '[::1]:37018'],
      replicaSet: 'juju',
      tls: { caFile: join(here, 'ca.pem') },
      username: 'machine-2',
      password: { file: join(here, '../mongo-password') },
      readFrom: 'secondary',
    });
    expect(config.storage).toEqual({ name: 'nas', type: 'file', path: join(here, 'storage') });
    expect(config.state).toBe(join(here, 'work/temporal'));
    expect(config.temporal.tls).toEqual({
      caFile: join(here, 't/ca.pem'),
      certFile: join(here, 't/c.pem'),
      keyFile: join(here, 't/k.pem'),
      serverName: 'temporal.test',
    });
    expect(config.temporal.apiKey).toEqual({ env: 'KEY' });
    expect(config.limits).toEqual({
      compressor: 'zlib',
      level: 9,
      memberSize: 1024 ** 2,
      buffers: 64 * 1024 ** 2,
      parallel: 2,
      nice: 10,
      ioClass: 'idle',
      hostWait: 5_400_000,
      heartbeatTimeout: 2000,
      confirmWait: 600_000,
      freeSpace: { bytes: 500_000_000, percent: 2.5 },
      readBytesPerSecond: 20 * 1024 ** 2,
      writeBytesPerSecond: 10_000_000,
    });
    expect(config.log.file).toBe(join(here, 'log/operations.log'));
  });

  it('names every problem at once, with its line, column and a hint', async () => {
    const content = `controler: {}
controller:
  root: 5
  machine: zero
  services: {type: proces}
mongo:
  hosts: [a, b:1]
  tls: {cafile: x}
storage:
  path: ~/x
workspace: [1]
temporal:
  tls: {caFile: 1, x: 2}
limits:
  level: 12
  memberSize: 5 MB
  parallel: 1.5
  nice: -5
  ioClass: realtime
  hostWait: 30
  freeSpace: {percent: 200}
__proto__: {a: 1}
`;
    expect(await problems(content)).toEqual([
      '  1:1 controler: unknown key; did you mean controller?',
      '  3:9 controller.root: must be a path',
      '  4:12 controller.machine: must be a machine tag such as machine-0',
      '  5:20 controller.services.type: must be one of systemd, process; did you mean process?',
      '  7:11 mongo.hosts[0]: must be host:port; for example 127.0.0.1:37017 or [::1]:37017',
      '  8:3 mongo.tls.caFile: is missing',
      '  8:9 mongo.tls.cafile: unknown key; did you mean caFile?',
      '  9:1 storage.type: is missing; write file or s3 or gridfs or module',
      '  11:12 workspace: must be a path',
      '  13:17 temporal.tls.caFile: must be a path',
      '  13:20 temporal.tls.x: unknown key; known here: caFile, certFile, keyFile, serverName',
      '  15:10 limits.level: must be at most 9',
      '  16:15 limits.memberSize: must be a size; for example 500M, 4MiB, 5GiB',
      '  17:13 limits.parallel: must be a whole number',
      '  18:9 limits.nice: must be at least 0',
      '  19:12 limits.ioClass: must be one of none, best-effort, idle',
      '  20:13 limits.hostWait: must be a duration; write it with a unit: 30s, 10m, 24h',
      '  21:24 limits.freeSpace.percent: must be at most 90',
      '  22:1 __proto__: unknown key; known here: controller, mongo, storage, storages, catalog, workspace, state, temporal, limits, log',
    ]);
  });

  it('refuses a level that igzip does not have, and takes those it has', async () => {
    const storage = 'storage: {type: file, path: /srv/holdfast}\n';
    expect(await problems(`${storage}limits: {compressor: igzip, level: 4}`)).toEqual([
      '  2:36 limits.level: must be at most 3 where limits.compressor is igzip',
    ]);
    const { config } = await load(`${storage}limits: {compressor: igzip, level: 3}`);
    expect(config.limits).toMatchObject({ compressor: 'igzip', level: 3 });
  });

  it('tells what its error is in one message with the file', async () => {
    const error: unknown = await load('storage: 5').catch((reason: unknown) => reason);
    expect(isHoldfastError(error) && error.message).toBe(
      `configuration ${join(temporary.path, 'holdfast.yaml')} has 1 problem(s):\n` +
        '  1:10 storage: must be a mapping',
    );
  });

  it('that is empty, or no mapping, says what is missing', async () => {
    expect(await problems('')).toEqual(['  1:1 storage: is missing']);
    expect(await problems('- 1\n')).toEqual(['  1:1 must be a mapping']);
    expect(await problems('storage: {type: s4}')).toEqual([
      '  1:17 storage.type: must be one of file, s3, gridfs, module; did you mean s3?',
    ]);
  });

  it('with YAML that cannot be read gives the places', async () => {
    expect(await problems('storage:\n\tpath: x\n')).toEqual([
      '  2:1 indent with spaces, not with tabs',
    ]);
    expect(await problems('a: 1\na: 2\n')).toEqual(['  2:1 the key is there twice']);
    expect(await problems('a: !!js/function x\n')).toEqual([
      '  1:4 the tag is not known, or does not fit the value',
    ]);
  });

  it('whose aliases multiply is refused without being expanded', async () => {
    const bomb = ['a0: &a0 [x, x]'];
    for (let level = 1; level < 40; level += 1) {
      bomb.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`);
    }
    expect(await problems(bomb.join('\n'))).toEqual(['  1:1 aliases are nested too deep']);
  });

  it('never shows a secret that was put into it', async () => {
    const canary = 'hunter2-canary';
    const contents = [
      `storage: {type: file, path: /x}\nmongo: {password: ${canary}}`,
      `storage: {type: file, path: /x}\nmongo: {password: {value: ${canary}}}`,
      `storage: {type: file, path: /x}\nmongo: {password: {${canary}: 1}}`,
      `storage: {type: file, path: /x}\nmongo: {passwort: ${canary}}`,
      `storage: {type: file, path: /x}\ntemporal: {apiKey: [${canary}]}`,
      `storage: {type: file, path: /x}\nmongo:\n  password: "${canary}\n`,
      `storage: {type: file, path: /x}\nmongo:\n  password: @${canary}\n`,
      `storage: {type: file, path: /x}\nmongo:\n  password: "\\q${canary}"\n`,
      `storage: {type: file, path: /x}\nmongo:\n  password: *${canary}\n`,
    ];
    for (const content of contents) {
      const error: unknown = await load(content).catch((reason: unknown) => reason);
      expect(isHoldfastError(error, 'HF-CONFIG-001')).toBe(true);
      if (!(error instanceof Error)) throw new Error('no error');
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain(canary);
      expect(error.cause).toBeUndefined();
    }
    expect(await problems(contents[0] ?? '')).toEqual([
      '  2:19 mongo.password: a secret must not stand in this file; write {file: PATH} or {env: NAME}',
    ]);
  });
});

describe('the configuration file', () => {
  it('is looked for in order, and the message names every place', async () => {
    const home = temporary.path;
    const environment = bareEnvironment({ cwd: join(home, 'cwd'), home });
    await expect(loadConfig({ environment })).rejects.toMatchObject({
      code: 'HF-CONFIG-002',
      message:
        `no configuration file found; looked for ${home}/cwd/holdfast.yaml, ` +
        `${home}/.config/holdfast/holdfast.yaml, /etc/holdfast/holdfast.yaml`,
    });
    await mkdir(join(home, 'xdg/holdfast'), { recursive: true });
    const found = await temporary.write(
      'xdg/holdfast/holdfast.yaml',
      'storage: {type: file, path: /a}',
    );
    const variables = { XDG_CONFIG_HOME: join(home, 'xdg') };
    expect((await loadConfig({ environment: { ...environment, variables } })).file).toBe(found);
    await mkdir(join(home, 'cwd'));
    const nearer = await temporary.write('cwd/holdfast.yaml', 'storage: {type: file, path: /b}');
    expect((await loadConfig({ environment: { ...environment, variables } })).file).toBe(nearer);
  });

  it('that is named is the only one looked for', async () => {
    const environment = bareEnvironment({ variables: { HOLDFAST_CONFIG: 'missing.yaml' } });
    await expect(loadConfig({ environment })).rejects.toMatchObject({
      message: 'no configuration file found; looked for /nowhere/missing.yaml',
    });
    const file = await temporary.write('other.yaml', 'storage: {type: file, path: /x}');
    expect((await loadConfig({ file, environment })).file).toBe(file);
  });

  it('that is larger than 1 MiB is not read', async () => {
    expect(await problems(`# ${'x'.repeat(1024 ** 2)}`)).toEqual(['  1:1 it is larger than 1 MiB']);
  });
});
