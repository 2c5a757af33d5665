import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { findAgentConf, parseAgentConf } from '../../controller/agent-conf';
import { containing, failure, inDirectory, thrown } from './temporary';

const fixture = join(__dirname, '../fixtures/juju-2.9.21/agent.conf');
const dataDir = '/var/lib/juju';

async function addAgent(root: string, tag: string, text: string): Promise<void> {
  const directory = join(root, dataDir, 'agents', tag);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'agent.conf'), text);
}

describe('agent.conf', () => {
  test('one that Juju 2.9.21 wrote is read whole', async () => {
    const conf = parseAgentConf(await readFile(fixture, 'utf8'), fixture);
    expect(conf).toMatchObject({
      tag: 'machine-0',
      modelUuid: 'a78216c9-fa4e-4f57-874f-c662329232b8',
      controllerUuid: '97e64c95-e2a9-400d-8aea-793b054b5b2e',
      nonce: 'user-admin:bootstrap',
      apiAddresses: ['localhost:17070'],
      apiPort: 17070,
      statePort: 37017,
      upgradedToVersion: '2.9.21',
      mongoVersion: '4.4.2/wiredTiger',
      jujuDbSnapChannel: '4.4/stable',
      jobs: ['JobManageModel', 'JobHostUnits'],
      values: { AGENT_SERVICE_NAME: 'jujud-machine-0', PROVIDER_TYPE: 'lxd' },
    });
    expect(conf.statePassword?.reveal()).toBe('pLq4x3SVvQg9cTLMh6VIRo2W');
    expect(conf.oldPassword?.reveal()).toBe('6Yk851XIzpib9xF97JPbm7/0');
    expect(conf.caCert).toMatch(/^-----BEGIN CERTIFICATE-----\n[^]*-----END CERTIFICATE-----\n$/);
    expect(conf.sharedSecret?.reveal()).toHaveLength(1024);
  });

  test('its secrets show in no text made of it', async () => {
    const conf = parseAgentConf(await readFile(fixture, 'utf8'), fixture);
    const shown = `${inspect(conf, { depth: 9 })}${JSON.stringify(conf)}`;
    expect(shown).not.toContain('pLq4x3SVvQg9cTLMh6VIRo2W');
    expect(shown).not.toContain('PRIVATE KEY');
  });

  test.each([
    ['', 'its first line is not `# format 2.0`'],
    ['# format 3.0\ntag: machine-0\n', 'its format is 3.0'],
    ['# format 2.0\n\tstatepassword: [hunter2\n', 'it is not YAML'],
    ['# format 2.0\ntag: unit-mysql-0\n', 'tag: is not the tag of a machine'],
    ['# format 2.0\ntag: machine-0\nstateport: many\n', 'stateport: '],
    ['# format 2.0\ntag: machine-0\nmodel: model-x\n', 'names no controller model'],
  ])('%j is refused with the reason', (text, problem) => {
    expect(thrown(() => parseAgentConf(text, '/x/agent.conf'))).toMatchObject({
      code: 'HF-HOST-003',
      message: containing(problem),
    });
    expect(() => parseAgentConf(text, '/x/agent.conf')).not.toThrow(/hunter2/);
  });

  test('the one controller agent among machine agents is found', async () => {
    await inDirectory(async (root) => {
      expect(await findAgentConf(root, dataDir)).toBeUndefined();
      const text = await readFile(fixture, 'utf8');
      await addAgent(root, 'machine-0', text);
      await addAgent(
        root,
        'machine-0-lxd-1',
        text
          .replace('tag: machine-0', 'tag: machine-0-lxd-1')
          .replace('stateport: 37017\n', '')
          .replace('- JobManageModel\n', ''),
      );
      await addAgent(root, 'unit-mysql-0', 'no matter');
      expect(await findAgentConf(root, dataDir)).toMatchObject({ tag: 'machine-0' });
      await cp(fixture, join(root, dataDir, 'agents/machine-0-lxd-1/agent.conf'));
      expect(await failure(findAgentConf(root, dataDir))).toMatchObject({
        code: 'HF-HOST-003',
        message: containing('is a controller agent too'),
      });
    });
  });
});
