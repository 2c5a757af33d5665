import { PathPattern } from '../../catalog/path-pattern';

const atom = 'controller/machine-0-controller/juju';
const covers = (pattern: string, name: string): boolean => new PathPattern(pattern).covers(name);

describe('a pattern for names with slashes', () => {
  it.each([
    ['juju', atom],
    ['machine-0-*', atom],
    ['controller', atom],
    ['j?ju', atom],
    ['j[t-v]ju', atom],
    ['[!a-i]uju', atom],
    ['*', atom],
    ['**', atom],
    ['controller/*/juju', atom],
    ['controller/machine-0-controller', atom],
    ['controller/**', atom],
    ['**/juju', atom],
    ['c*r/m*0*r/*', atom],
    [atom, atom],
    [`${atom}/`, atom],
    ['/var/lib/juju', 'var/lib/juju/agents/machine-0/agent.conf'],
    ['agents/*/agent.conf', 'agents/machine-0/agent.conf'],
    ['**/agent.conf', 'var/lib/juju/agents/machine-0/agent.conf'],
    ['var/**/agent.conf', 'var/agent.conf'],
    [String.raw`\*`, '*'],
    [String.raw`a\/b`, 'a/b'],
    ['[]]', ']'],
    ['[a', '[a'],
    ['*🦀*', 'a🦀b'],
    ['?', '🦀'],
  ])('%j covers %j', (pattern, name) => {
    expect(covers(pattern, name)).toBe(true);
  });

  it.each([
    ['juj', atom],
    ['JUJU', atom],
    ['controller/juju', atom],
    ['controller/*', 'other/machine-0-controller/juju'],
    ['*/juju', atom],
    ['controller/machine-0-controller/juju/more', atom],
    ['agents/*/agent.conf', 'var/lib/juju/agents/machine-0/agent.conf'],
    ['/lib', 'var/lib/juju'],
    ['c*/juju', atom],
    ['[!j]uju', atom],
    [String.raw`\*`, 'a'],
    ['?', ''],
  ])('%j does not cover %j', (pattern, name) => {
    expect(covers(pattern, name)).toBe(false);
  });

  it('never takes long, whatever the pattern', () => {
    const stars = `${'*a'.repeat(400)}b`;
    expect(covers(stars, 'a'.repeat(3_000))).toBe(false);
    expect(covers(`${'**/a/'.repeat(150)}b`, 'a/'.repeat(1_500))).toBe(false);
  });

  it.each([
    ['', 'it is empty'],
    ['//', 'it is empty'],
    ['a'.repeat(1_001), 'it is longer than 1000 characters'],
    ['a', undefined],
  ])('knows whether %j can match at all', (pattern, problem) => {
    expect(new PathPattern(pattern).problem()).toBe(problem);
  });
});
