import { lintHouse, type Finding } from './lint-house';

/** What each room may import of ours (docs/design.md, the house). */
const mayImport = {
  core: [],
  config: ['core'],
  archive: ['config', 'core'],
  mongo: ['config', 'core'],
  storage: ['config', 'core'],
  catalog: ['archive', 'storage', 'config', 'core'],
  controller: ['archive', 'mongo', 'config', 'core'],
  sources: ['archive', 'mongo', 'storage', 'config', 'core'],
  activities: ['controller', 'sources', 'archive', 'mongo', 'storage', 'catalog', 'config', 'core'],
  workflows: ['core'],
  worker: [
    'workflows',
    'activities',
    'controller',
    'sources',
    'archive',
    'mongo',
    'storage',
    'catalog',
    'config',
    'core',
  ],
  client: [
    'worker',
    'workflows',
    'activities',
    'controller',
    'sources',
    'archive',
    'mongo',
    'storage',
    'catalog',
    'config',
    'core',
  ],
} as const satisfies Record<string, readonly string[]>;

type Room = keyof typeof mayImport;

function isRoom(name: string): name is Room {
  return name in mayImport;
}

const rooms = Object.keys(mayImport).filter(isRoom);
const outside = ['examples', 'test', 'tools', 'bench'];

function allowed(from: Room, to: string): boolean {
  const targets: readonly string[] = mayImport[from];
  return targets.includes(to);
}

const arrows = rooms.flatMap((from) =>
  [...rooms, ...outside].filter((to) => to !== from).map((to) => ({ from, to })),
);
const forbidden = arrows.filter(({ from, to }) => !allowed(from, to));
const permitted = arrows.filter(({ from, to }) => allowed(from, to));

const withoutClock = [
  ...(['core', 'archive', 'mongo', 'storage', 'catalog', 'controller', 'sources'] as const),
  'activities' as const,
];
const impure = {
  clock: { text: 'export const it = Date.now();\n', says: 'Take the clock as a dependency.' },
  chance: { text: 'export const it = Math.random();\n', says: 'Take randomness as a dependency' },
  environment: {
    text: "export const it = process.env['HOME'];\n",
    says: 'Only config, worker and client read the environment.',
  },
} as const;
type Impurity = keyof typeof impure;
const impurities: readonly Impurity[] = ['clock', 'chance', 'environment'];

const unreachableInWorkflows = {
  'node-fs': 'node:fs',
  'node-crypto': 'node:crypto',
  client: '@temporalio/client',
  worker: '@temporalio/worker',
  activity: '@temporalio/activity',
  testing: '@temporalio/testing',
} as const;

const importing = (module: string): string => `import { it } from '${module}';\nexport { it };\n`;
const reaching = (module: string): string =>
  `import * as it from '${module}';\nexport const names = Object.keys(it);\n`;
const importingType = (module: string): string =>
  `import type { It } from '${module}';\nexport type Its = It[];\n`;

const typeAware = {
  any: {
    text: 'export function first(of: any[]): number {\n  return of.length;\n}\n',
    rule: 'no-explicit-any',
  },
  bang: {
    text: 'export function first(of: string[]): string {\n  return of[0]!;\n}\n',
    rule: 'no-non-null-assertion',
  },
  floating: {
    text: 'async function work(): Promise<void> {}\nexport function start(): void {\n  work();\n}\n',
    rule: 'no-floating-promises',
  },
  misused: {
    text: 'export function each(of: number[]): void {\n  of.forEach(async () => {});\n}\n',
    rule: 'no-misused-promises',
  },
  switch: {
    text: [
      "export function size(of: 'small' | 'big'): number {",
      '  switch (of) {',
      "    case 'small':",
      '      return 1;',
      '  }',
      '  return 2;',
      '}\n',
    ].join('\n'),
    rule: 'switch-exhaustiveness-check',
  },
  cast: {
    text: 'export function name(of: unknown): string {\n  return of as string;\n}\n',
    rule: 'no-unsafe-type-assertion',
  },
  parsed: {
    text: 'export function name(of: string): string {\n  return JSON.parse(of).name;\n}\n',
    rule: 'no-unsafe-member-access',
  },
} as const;
const typeAwareNames = Object.keys(typeAware).filter(
  (name): name is keyof typeof typeAware => name in typeAware,
);

function houseFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const { from, to } of arrows) {
    files.set(`${from}/to-${to}.ts`, importing(`../${to}/thing`));
    files.set(`${from}/deep/to-${to}.ts`, importing(`../../${to}/thing`));
    files.set(`${from}/type-of-${to}.ts`, importingType(`../${to}/thing`));
  }
  // What is imported exists, so that only the arrow can be wrong.
  for (const room of [...rooms, ...outside]) {
    files.set(`${room}/thing.ts`, 'export const it = 1;\nexport type It = typeof it;\n');
  }
  for (const room of rooms) {
    files.set(`${room}/to-itself.ts`, importing('./thing'));
    for (const impurity of impurities) files.set(`${room}/${impurity}.ts`, impure[impurity].text);
  }
  for (const [name, module] of Object.entries(unreachableInWorkflows)) {
    files.set(`workflows/reach-${name}.ts`, reaching(module));
  }
  files.set('workflows/reach-workflow.ts', reaching('@temporalio/workflow'));
  for (const name of typeAwareNames) files.set(`core/checked-${name}.ts`, typeAware[name].text);
  return files;
}

let findings: readonly Finding[] = [];

beforeAll(async () => {
  findings = await lintHouse(houseFiles());
});

function restrictionsIn(file: string, rule = 'no-restricted-imports'): string[] {
  return findings
    .filter((finding) => finding.file === file && finding.rule.includes(rule))
    .map(({ text }) => text);
}

describe('an import arrow of the house', () => {
  test.each(forbidden)('$from -> $to is refused, at any depth', ({ from, to }) => {
    for (const file of [`${from}/to-${to}.ts`, `${from}/deep/to-${to}.ts`]) {
      const said = restrictionsIn(file);
      expect(said).toHaveLength(1);
      expect(said[0]).toContain(`${from} imports only `);
    }
  });

  const typesToo = forbidden.filter(
    ({ from, to }) => !(from === 'workflows' && to === 'activities'),
  );
  test.each(typesToo)('$from -> $to is refused for types too', ({ from, to }) => {
    expect(restrictionsIn(`${from}/type-of-${to}.ts`)).toHaveLength(1);
  });

  test.each(permitted)('$from -> $to is allowed', ({ from, to }) => {
    expect(restrictionsIn(`${from}/to-${to}.ts`)).toEqual([]);
    expect(restrictionsIn(`${from}/type-of-${to}.ts`)).toEqual([]);
  });

  test.each(rooms)('%s imports itself', (room) => {
    expect(restrictionsIn(`${room}/to-itself.ts`)).toEqual([]);
  });
});

describe('workflow code', () => {
  test('takes types of activities, never their values', () => {
    expect(restrictionsIn('workflows/type-of-activities.ts')).toEqual([]);
    expect(restrictionsIn('workflows/to-activities.ts')).toEqual([
      expect.stringContaining('anything else ends in the workflow bundle'),
    ]);
  });

  test.each(Object.entries(unreachableInWorkflows))('does not reach %s (%s)', (name) => {
    expect(restrictionsIn(`workflows/reach-${name}.ts`)).toEqual([
      expect.stringContaining('the workflow sandbox has no Node.js'),
    ]);
  });

  test('imports @temporalio/workflow', () => {
    expect(restrictionsIn('workflows/reach-workflow.ts')).toEqual([]);
  });
});

describe('a room that is given its clock, chance and environment', () => {
  const cases = withoutClock.flatMap((room) => impurities.map((impurity) => ({ room, impurity })));
  test.each(cases)('$room does not take the $impurity itself', ({ room, impurity }) => {
    const said = restrictionsIn(`${room}/${impurity}.ts`, 'no-restricted-properties');
    expect(said).toEqual([expect.stringContaining(impure[impurity].says)]);
  });

  test.each(['config', 'worker', 'client'] as const)('%s takes them', (room) => {
    for (const impurity of impurities) {
      expect(restrictionsIn(`${room}/${impurity}.ts`, 'no-restricted-properties')).toEqual([]);
    }
  });
});

describe('the linter, knowing the types,', () => {
  test.each(typeAwareNames)('refuses: %s', (name) => {
    const { rule } = typeAware[name];
    expect(restrictionsIn(`core/checked-${name}.ts`, rule)).not.toEqual([]);
  });
});
