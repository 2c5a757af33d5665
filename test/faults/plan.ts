import { SeededRandom } from '../../examples/controller/seeded-random';

/** The steps that are struck, by their activity names, in their order. */
export const steps = {
  backup: [
    'prepareBackup',
    'dumpDatabase',
    'bundleFiles',
    'composeArchive',
    'inspectRope',
    'storeArchive',
    'verifyStored',
    'commitBackup',
    'finishBackup',
    'undoBackup',
  ],
  restore: [
    'locateBackup',
    'prepareRestore',
    'fetchArchive',
    'inspectArchive',
    'preflightRestore',
    'beginRestore',
    'loadStaged',
    'stageFiles',
    'stopAgents',
    'swapDatabase',
    'swapFiles',
    'restoreUsers',
    'startAgents',
    'finishRestore',
    'discardRun',
    'undoRestore',
  ],
  verify: ['verifyBackup'],
} as const;

export type Kind = keyof typeof steps;

export const kinds = ['backup', 'restore', 'verify'] as const satisfies readonly Kind[];

/** What is done to a running operation. */
export const faults = [
  'kill host worker',
  'kill workflow worker',
  'kill mongod',
  'kill Temporal',
  'two attempts',
  'cancel',
  'terminate',
  'workspace full',
  'storage full',
] as const;

export type Fault = (typeof faults)[number];

/** One run: what is struck, when, and with what. */
export interface FaultRun {
  readonly index: number;
  readonly kind: Kind;
  readonly step: string;
  readonly fault: Fault;
  /** Milliseconds between the step's begin and the strike. */
  readonly delay: number;
  /** The run's own choices: how full a disk is, which way out is taken. */
  readonly seed: number;
}

/** Steps that take long enough to be struck late. */
const long: readonly string[] = [
  'dumpDatabase',
  'loadStaged',
  'stopAgents',
  'startAgents',
  'verifyBackup',
];

/** How a restore comes to a step that it has only when it changes nothing, or goes back. */
export type Provoked = 'by a cancel' | 'by --plan';

/** Undefined where a step comes by itself. */
export function provoked({ step, seed }: Pick<FaultRun, 'step' | 'seed'>): Provoked | undefined {
  if (step === 'discardRun') return seed % 2 === 0 ? 'by --plan' : 'by a cancel';
  return step.startsWith('undo') ? 'by a cancel' : undefined;
}

/**
 * The runs of a seed, in an order in which any first N spread over all steps and faults. The same
 * seed gives the same runs, whatever the count.
 */
export function planRuns(seed: number, count: number): readonly FaultRun[] {
  const random = new SeededRandom(seed);
  const pairs: { kind: Kind; step: string; fault: Fault }[] = [];
  // Diagonals of the table of steps and faults: each has every step once, and no fault twice in a row.
  const all = kinds.flatMap((kind) => steps[kind].map((step) => ({ kind, step })));
  while (pairs.length < count) {
    const offsets = shuffled(random, [...faults.keys()]);
    for (const offset of offsets) {
      const round = all.map(({ kind, step }, at) => {
        const fault = faults[(at + offset) % faults.length] ?? 'cancel';
        return { kind, step, fault };
      });
      pairs.push(
        ...shuffled(random, round).filter(({ kind, step, fault }) => applies(kind, step, fault)),
      );
    }
  }
  return pairs.slice(0, count).map((pair, index) => {
    // Of its own, so that a run is the same however many are planned.
    const own = new SeededRandom(seed * 1_009 + index);
    const delay = own.below(long.includes(pair.step) ? 300 : 40);
    return { index, ...pair, delay, seed: own.next() };
  });
}

/** Only a backup writes to the storage, and a verification writes nothing; an undo was cancelled already. */
function applies(kind: Kind, step: string, fault: Fault): boolean {
  if (fault === 'storage full') return kind === 'backup';
  if (fault === 'workspace full') return kind !== 'verify';
  if (fault === 'cancel') return !step.startsWith('undo');
  return true;
}

function shuffled<T>(random: SeededRandom, values: readonly T[]): T[] {
  const keyed = values.map((value) => ({ value, key: random.next() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
}
