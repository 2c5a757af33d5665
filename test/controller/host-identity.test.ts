import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identifyHost, rememberHost, requireSameHost } from '../../controller/host-identity';
import { failure, inDirectory, thrown } from './temporary';

const configuredUuid = '11111111-1111-4111-8111-111111111111';
const agentUuid = '22222222-2222-4222-8222-222222222222';
const otherUuid = '33333333-3333-4333-8333-333333333333';

async function writeAgentConf(root: string, text: string): Promise<void> {
  const directory = join(root, 'var/lib/juju/agents/machine-1');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'agent.conf'), text);
}

const agentConf = `# format 2.0\ntag: machine-1\nmodel: model-${agentUuid}\ncontroller: controller-${otherUuid}\nstateport: 37017\n`;

function sources(directory: string, configured: { modelUuid?: string; machine?: string } = {}) {
  return {
    configured,
    root: join(directory, 'root'),
    dataDir: '/var/lib/juju',
    workspace: join(directory, 'workspace'),
    machineId: 'abc',
  };
}

describe('the identity of a host', () => {
  test('comes from the configuration before agent.conf before host.json', async () => {
    await inDirectory(async (directory) => {
      const from = sources(directory);
      await rememberHost(from.workspace, {
        v: 1,
        modelUuid: otherUuid,
        controllerUuid: undefined,
        machine: 'machine-7',
        machineId: 'abc',
        from: 'configuration',
      });
      expect(await identifyHost(from)).toEqual({
        v: 1,
        modelUuid: otherUuid,
        controllerUuid: undefined,
        machine: 'machine-7',
        machineId: 'abc',
        from: 'host.json',
      });
      await writeAgentConf(from.root, agentConf);
      expect(await identifyHost(from)).toMatchObject({
        modelUuid: agentUuid,
        controllerUuid: otherUuid,
        machine: 'machine-1',
        from: 'agent.conf',
      });
      const configured = { modelUuid: configuredUuid, machine: 'machine-2' };
      expect(await identifyHost(sources(directory, configured))).toMatchObject({
        modelUuid: configuredUuid,
        controllerUuid: undefined,
        machine: 'machine-2',
        from: 'configuration',
      });
    });
  });

  test('is known without agent.conf, or with a damaged one, to a host that remembers', async () => {
    await inDirectory(async (directory) => {
      const from = sources(directory);
      await writeAgentConf(from.root, agentConf);
      const identity = await identifyHost(from);
      expect(await rememberHost(from.workspace, identity)).toBe(true);
      await writeAgentConf(from.root, '# format 2.0\ntag: nobody\n');
      expect(await identifyHost(from)).toEqual({ ...identity, from: 'host.json' });
    });
  });

  test('is never changed once it is remembered, and only its owner can read it', async () => {
    await inDirectory(async (directory) => {
      const from = sources(directory);
      await writeAgentConf(from.root, agentConf);
      const identity = await identifyHost(from);
      await rememberHost(from.workspace, identity);
      const file = join(from.workspace, 'host.json');
      const before = await readFile(file, 'utf8');
      expect(await rememberHost(from.workspace, { ...identity, machine: 'machine-9' })).toBe(false);
      expect(await readFile(file, 'utf8')).toBe(before);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
    });
  });

  test('is refused when nothing tells, and a damaged agent.conf is named', async () => {
    await inDirectory(async (directory) => {
      const from = sources(directory);
      expect(await failure(identifyHost(from))).toMatchObject({ code: 'HF-HOST-001' });
      await writeAgentConf(from.root, '# format 2.0\ntag: nobody\n');
      expect(await failure(identifyHost(from))).toMatchObject({ code: 'HF-HOST-003' });
    });
  });

  test('of another machine, controller or clone is refused', () => {
    const expected = {
      v: 1,
      modelUuid: agentUuid,
      controllerUuid: undefined,
      machine: 'machine-0',
      machineId: 'abc',
      from: 'agent.conf',
    } as const;
    requireSameHost({ ...expected }, expected);
    for (const change of [{ modelUuid: otherUuid }, { machine: 'machine-1' }, { machineId: 'x' }]) {
      expect(thrown(() => requireSameHost({ ...expected, ...change }, expected))).toMatchObject({
        code: 'HF-HOST-002',
      });
    }
  });
});
