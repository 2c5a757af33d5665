import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAgentConf } from '../../controller/agent-conf';
import { mongoCandidates, mongoTargetFromAgentConf } from '../../controller/mongo-target';
import { Secret } from '../../core/secret';
import { thrown } from './temporary';

const fixture = join(__dirname, '../fixtures/juju-2.9.21/agent.conf');
const text = readFileSync(fixture, 'utf8');
const conf = parseAgentConf(text, fixture);

describe('the way to mongod', () => {
  test("is the agent's own: its user, its password, its certificate authority", () => {
    const target = mongoTargetFromAgentConf(conf);
    expect(target).toMatchObject({
      hosts: ['localhost:37017'],
      replicaSet: 'juju',
      username: 'machine-0',
      authSource: 'admin',
      tls: { ca: conf.caCert },
    });
    expect(target.password?.reveal()).toBe('pLq4x3SVvQg9cTLMh6VIRo2W');
  });

  test('is tried in the order configuration, agent.conf, archive, localhost exception', () => {
    const archived = parseAgentConf(
      text.replace(/^statepassword: .*$/m, 'statepassword: older'),
      'archive',
    );
    const candidates = mongoCandidates({
      configured: { username: 'backup', password: new Secret('x') },
      agentConf: conf,
      archivedAgentConf: archived,
    });
    expect(
      candidates.map(({ from, target }) => [from, target.username, target.password?.reveal()]),
    ).toEqual([
      ['configuration', 'backup', 'x'],
      ['agent.conf', 'machine-0', 'pLq4x3SVvQg9cTLMh6VIRo2W'],
      ['archive', 'machine-0', 'older'],
      ['localhost-exception', undefined, undefined],
    ]);
    expect(new Set(candidates.map(({ target }) => target.hosts[0]))).toEqual(
      new Set(['localhost:37017']),
    );
  });

  test('takes the hosts of the configuration with the credentials of agent.conf', () => {
    const [first, last] = mongoCandidates({
      configured: { hosts: ['10.0.0.1:27017'] },
      agentConf: conf,
    });
    expect(first).toMatchObject({
      from: 'agent.conf',
      target: { hosts: ['10.0.0.1:27017'], username: 'machine-0' },
    });
    expect(last?.target.hosts).toEqual(['localhost:27017']);
  });

  test('is unknown when nothing names a host', () => {
    expect(thrown(() => mongoCandidates({}))).toMatchObject({ code: 'HF-HOST-003' });
    const portless = parseAgentConf(text.replace('stateport: 37017\n', ''), 'x');
    expect(() => mongoCandidates({ agentConf: portless })).toThrow(/it has no stateport/);
  });
});
