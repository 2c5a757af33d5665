import { join } from 'node:path';
import { checkConfig } from '../../config/check';
import { loadConfig } from '../../config/load';
import { bareEnvironment, Temporary } from './temporary';

let temporary: Temporary;
beforeEach(async () => {
  temporary = await Temporary.create();
});
afterEach(() => temporary.remove());

const content = `storage:
  type: file
  path: srv
state: from-file
workspace: from-file
temporal:
  address: file:1
  namespace: file
`;

describe('where a value comes from', () => {
  it('a flag wins over a variable, a variable over the file, the file over the default', async () => {
    const file = await temporary.write('holdfast.yaml', content);
    const environment = bareEnvironment({
      variables: { HOLDFAST_STATE: 'from-variable', HOLDFAST_WORKSPACE: 'from-variable' },
    });
    const flags = [{ setting: 'state', flag: '--state', value: 'from-flag' } as const];
    const { config, origins } = await loadConfig({ file, flags, environment });
    expect(config.state).toBe('/nowhere/from-flag');
    expect(origins.get('state')).toEqual({ kind: 'flag', name: '--state' });
    expect(config.workspace).toBe('/nowhere/from-variable');
    expect(origins.get('workspace')).toEqual({ kind: 'environment', name: 'HOLDFAST_WORKSPACE' });
    expect(origins.get('storage.path')).toEqual({ kind: 'file', line: 3, column: 9 });
    expect(config.storage).toMatchObject({ path: join(temporary.path, 'srv') });
    expect(origins.get('limits.level')).toEqual({ kind: 'default' });
  });

  it("the temporal CLI's variables win over its profile, and that over the file", async () => {
    const file = await temporary.write('holdfast.yaml', content);
    const toml = await temporary.write(
      'temporal.toml',
      '[profile.default]\naddress = "profile:1"\nnamespace = "profile"\napi_key = "k"\n',
    );
    const variables = { TEMPORAL_CONFIG_FILE: toml, TEMPORAL_ADDRESS: 'variable:1' };
    const environment = bareEnvironment({ variables });
    const { config, origins } = await loadConfig({ file, environment });
    expect(config.temporal.address).toBe('variable:1');
    expect(config.temporal.namespace).toBe('profile');
    expect(origins.get('temporal.address')).toEqual({
      kind: 'environment',
      name: 'TEMPORAL_ADDRESS',
    });
    const profile = { kind: 'profile', name: 'default', file: toml };
    expect(origins.get('temporal.namespace')).toEqual(profile);
    expect(origins.get('temporal.apiKey')).toEqual(profile);
  });

  it('a wrong value of a flag or variable is reported under its name', async () => {
    const file = await temporary.write('holdfast.yaml', content);
    const environment = bareEnvironment({ variables: { TEMPORAL_ADDRESS: 'nowhere' } });
    const flags = [{ setting: 'state', flag: '--state', value: '~/x' } as const];
    await expect(loadConfig({ file, flags, environment })).rejects.toMatchObject({
      params: {
        problems:
          '  --state state: ~ is not expanded; write the directory out\n' +
          '  TEMPORAL_ADDRESS temporal.address: must be host:port; for example 127.0.0.1:37017 or [::1]:37017',
      },
    });
  });
});

describe('`config check`', () => {
  it('shows every setting with its origin, and secrets by reference only', async () => {
    await temporary.write('password', 'canary\n', 0o644);
    const file = await temporary.write(
      'holdfast.yaml',
      'storage: {type: file, path: /srv/holdfast}\nmongo: {password: {file: password}}\nworkspace: /tmp/w\n',
    );
    const environment = bareEnvironment({ variables: { TEMPORAL_API_KEY: 'canary' } });
    const { lines, warnings } = await checkConfig(
      await loadConfig({ file, environment }),
      environment,
    );
    const password = `{file: ${join(temporary.path, 'password')}}`;
    expect(lines.map((line) => line.replace(/ +/g, ' '))).toEqual([
      'controller.name = - (default)',
      'controller.root = / (default)',
      'controller.dataDir = /var/lib/juju (default)',
      'controller.modelUuid = - (default)',
      'controller.machine = - (default)',
      'controller.services.type = systemd (default)',
      'controller.services.agent = - (default)',
      'mongo.hosts = - (default)',
      'mongo.replicaSet = - (default)',
      'mongo.tls = - (default)',
      'mongo.username = - (default)',
      `mongo.password = ${password} (${file}:2:19)`,
      'mongo.readFrom = secondary (default)',
      'storage.name = default (default)',
      `storage.type = file (${file}:1:17)`,
      `storage.path = /srv/holdfast (${file}:1:29)`,
      'catalog.type = storage (default)',
      'catalog.cache = /nowhere/home/.cache/holdfast/manifests (default)',
      `workspace = /tmp/w (${file}:3:12)`,
      'state = /tmp/w/temporal (default)',
      'temporal.address = 127.0.0.1:7233 (default)',
      'temporal.namespace = default (default)',
      'temporal.tls = - (default)',
      'temporal.apiKey = [set] (environment variable TEMPORAL_API_KEY)',
      'limits.compressor = zlib (default)',
      'limits.level = 1 (default)',
      'limits.memberSize = 4.0 MiB (default)',
      'limits.buffers = 32.0 MiB (default)',
      'limits.parallel = 2 (default)',
      'limits.nice = 0 (default)',
      'limits.ioClass = none (default)',
      'limits.hostWait = 1d (default)',
      'limits.heartbeatTimeout = 30s (default)',
      'limits.confirmWait = 1h (default)',
      'limits.freeSpace.bytes = 5.0 GiB (default)',
      'limits.freeSpace.percent = 10 (default)',
      'limits.readBytesPerSecond = - (default)',
      'limits.writeBytesPerSecond = - (default)',
      'log.file = - (default)',
    ]);
    expect(warnings).toEqual([
      'workspace /tmp/w lies below /tmp: what a retry needs can vanish there',
      `mongo.password: the secret ${password} cannot be read: its mode is 0644; it must be 0600, or 0640 owned by root`,
    ]);
    expect([...lines, ...warnings].join()).not.toContain('canary');
  });
});
