import type { StorageOperation } from '../../storage/wrapped-storage';
import { live, type FaultGround, type Strike } from './fault-life';

/** Every method of the contract that touches the service. */
export const operations: readonly StorageOperation[] = [
  'listDirectories',
  'listBackups',
  'openBackup',
  'startBackup',
  'resumeBackup',
  'abortBackup',
  'removeBackup',
  'scan',
  'sweep',
  'readFile',
  'listFiles',
  'addFile',
  'write',
  'closeFile',
  'uploadFile',
  'putFile',
  'endBackup',
];

/** One kind of harm. */
export interface MatrixFault<G extends FaultGround> {
  readonly name: string;
  /** It is over after the first call that it strikes: the operation is done all the same. */
  readonly passes: boolean;
  /** Operations it makes sense for; all where undefined. */
  readonly only?: readonly StorageOperation[];
  /** `place`: which of the requests it strikes first, from 0. */
  strike(ground: G, operation: StorageOperation, place: number): Strike;
}

export const fullSweep = process.env['HOLDFAST_FULL_SWEEP'] === '1';

/** Numbers from 0 to 1, the same for the same seed. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed >>> 0; ;) {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

interface Cell<G extends FaultGround> {
  readonly operation: StorageOperation;
  readonly fault: MatrixFault<G>;
  /** Requests of the operation that are struck first, one life for each. */
  readonly places: readonly number[];
}

/** Some cells, others every day, with two places each; all of them with HOLDFAST_FULL_SWEEP=1. */
function chosen<G extends FaultGround>(
  faults: readonly MatrixFault<G>[],
  places: number,
  count: number,
): { readonly seed: number; readonly cells: readonly Cell<G>[] } {
  const pairs = faults.flatMap((fault) =>
    operations
      .filter((operation) => fault.only?.includes(operation) ?? true)
      .map((operation) => ({ operation, fault })),
  );
  const seed = Number(process.env['HOLDFAST_FAULT_SEED'] ?? Math.floor(Date.now() / 86_400_000));
  if (fullSweep) {
    const all = Array.from({ length: places }, (_, place) => place);
    return { seed, cells: pairs.map((pair) => ({ ...pair, places: all })) };
  }
  const random = numbers(seed);
  const drawn = pairs.map((pair) => ({
    cell: { ...pair, places: [Math.floor(random.next().value * Math.min(places, 4))] },
    at: random.next().value,
  }));
  const spread = drawn.toSorted((one, other) => one.at - other.at).map(({ cell }) => cell);
  return { seed, cells: spread.slice(0, count) };
}

/** Defines the matrix of a storage: every fault in every method, at each of its first `places` requests. */
export function describeFaults<G extends FaultGround>(
  storage: string,
  options: {
    readonly faults: readonly MatrixFault<G>[];
    readonly places: number;
    /** Cells of a run that is not the full sweep. */
    readonly count: number;
    readonly open: () => Promise<G>;
  },
): void {
  const { seed, cells } = chosen(options.faults, options.places, options.count);
  const title = ({ operation, fault, places }: Cell<G>): string =>
    `${operation}, ${fault.name}, request ${fullSweep ? 'by request' : places.join()}`;
  describe(`a backup to ${storage} with faults (seed ${seed})`, () => {
    it.each(cells.map((cell) => [title(cell), cell] as const))(
      'completes identical or is absent: %s',
      async (_title, { operation, fault, places }) => {
        for (const place of places) {
          const ground = await options.open();
          try {
            const strike = fault.strike(ground, operation, place);
            const outcome = await live(ground, strike);
            if (fault.passes && !outcome.done) throw outcome.error;
            // The operation makes no more requests than that.
            if (!strike.struck()) break;
          } finally {
            await ground.dispose();
          }
        }
      },
      300_000,
    );
  });
}
