import { NamespacePattern } from '../../core/namespace-pattern';
import { choiceProblem, NamespaceSelection } from '../../core/namespace-selection';
import { compareMoments, parseOplogMoment } from '../../core/oplog-limit';

describe('a pattern for namespaces', () => {
  test.each([
    ['juju.units', 'juju.units', true],
    ['juju.units', 'juju.units.log', false],
    ['juju.*', 'juju.units', true],
    ['juju.*', 'jujus.units', false],
    ['*.units', 'juju.units', true],
    ['*', 'juju.units', true],
    ['juju.*.log', 'juju.txns.log', true],
    ['juju.*.log', 'juju.log', false],
    ['juju.a*a', 'juju.a', false],
    ['juju.a*a', 'juju.aa', true],
    [String.raw`juju.\*`, 'juju.*', true],
    [String.raw`juju.\*`, 'juju.units', false],
    [String.raw`juju.a\\b`, String.raw`juju.a\b`, true],
    ['juju.(.+)', 'juju.units', false],
  ])('%s matches %s: %s', (pattern, namespace, matches) => {
    expect(new NamespacePattern(pattern).match(namespace) !== undefined).toBe(matches);
  });
});

describe('a selection', () => {
  test('without a pattern that includes is everything that none excludes', () => {
    const selection = new NamespaceSelection({ include: [], exclude: ['logs.*', '*.txns.log'] });
    expect(selection.target('juju.units')).toBe('juju.units');
    expect(selection.target('logs.log')).toBeUndefined();
    expect(selection.target('juju.txns.log')).toBeUndefined();
  });

  test('renames what it includes, and knows the way back', () => {
    const rename = { from: 'juju.*', to: 'copy.old-*' };
    const selection = new NamespaceSelection({ include: ['juju.*'], exclude: [], rename });
    expect(selection.target('juju.units')).toBe('copy.old-units');
    expect(selection.source('copy.old-units')).toBe('juju.units');
    expect(selection.target('logs.log')).toBeUndefined();
  });

  test('tells which of its patterns match nothing', () => {
    const selection = new NamespaceSelection({ include: ['juju.*', 'jujuu.*'], exclude: [] });
    expect(selection.unmatched(['juju.units'])).toEqual(['jujuu.*']);
  });

  test.each([
    ['juju', undefined, 'juju is no namespace: it names no collection: write juju.* for all'],
    ['.units', undefined, '.units is no namespace: it names no database'],
    ['juju.\\', undefined, 'juju.\\ is no namespace: it ends with a lone \\'],
    ['juju.*', 'scratch.units', 'juju.* and scratch.units do not have the same number of *'],
    ['*.*', 'a*.*', '*.* has more than one *, so it cannot be renamed'],
    ['juju.units', 'scratch', 'scratch is no namespace: it names no collection'],
  ])('of %s as %s makes no sense: %s', (from, to, problem) => {
    const rename = to === undefined ? undefined : { from, to };
    expect(choiceProblem({ include: [from], exclude: [], rename })).toContain(problem);
  });
});

describe('a moment of the oplog', () => {
  test('is read as mongorestore reads its limit', () => {
    expect(parseOplogMoment('1700000000')).toEqual({ t: 1_700_000_000, i: 0 });
    expect(parseOplogMoment('1700000000:7')).toEqual({ t: 1_700_000_000, i: 7 });
    for (const text of ['', 'now', '1:', ':1', '1:2:3', '-1', '99999999999', '1.5']) {
      expect(parseOplogMoment(text)).toBeUndefined();
    }
  });

  test('comes before another by second, then by ordinal', () => {
    expect(compareMoments({ t: 1, i: 9 }, { t: 2, i: 0 })).toBeLessThan(0);
    expect(compareMoments({ t: 2, i: 1 }, { t: 2, i: 0 })).toBeGreaterThan(0);
    expect(compareMoments({ t: 2, i: 1 }, { t: 2, i: 1 })).toBe(0);
  });
});
