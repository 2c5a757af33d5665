/** What one run of a contender took. */
export interface Sample {
  /** Seconds. */
  readonly wall: number;
  /** Seconds of user and system time of the contender's processes. */
  readonly cpu: number;
  /** Seconds of user and system time of mongod meanwhile. */
  readonly server: number;
  /** Largest sum of the resident memory of the contender's processes, bytes. */
  readonly rss: number;
  /** Largest use of disk less what stays as the result, bytes. */
  readonly disk?: number;
  /** What stays as the result, bytes. */
  readonly output?: number;
}

/** Something that is measured: Holdfast in some setting, or a tool it is compared with. */
export interface Contender {
  readonly name: string;
  run(): Promise<Sample>;
  /** How often it runs, when that differs from the others. */
  readonly rounds?: number;
}

/** A contender's samples and their medians, field by field. */
export interface Measured {
  readonly name: string;
  readonly samples: readonly Sample[];
  readonly median: Sample;
}

/** The middle one; of an even number the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)] ?? Number.NaN;
  const lower = sorted[Math.ceil(half) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

function medianOf(samples: readonly Sample[]): Sample {
  const of = (field: (sample: Sample) => number | undefined): number =>
    median(samples.flatMap((sample) => field(sample) ?? []));
  const [disk, output] = [of((sample) => sample.disk), of((sample) => sample.output)];
  return {
    wall: of(({ wall }) => wall),
    cpu: of(({ cpu }) => cpu),
    server: of(({ server }) => server),
    rss: of(({ rss }) => rss),
    ...(Number.isNaN(disk) ? {} : { disk }),
    ...(Number.isNaN(output) ? {} : { output }),
  };
}

/**
 * Runs the contenders one after the other, round by round, so that what changes on the machine
 * meanwhile meets all of them.
 */
export async function alternate(
  rounds: number,
  contenders: readonly Contender[],
  settle: () => Promise<void>,
  say: (line: string) => void,
): Promise<readonly Measured[]> {
  const samples = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of contenders) {
      if (round >= (contender.rounds ?? rounds)) continue;
      await settle();
      const sample = await contender.run();
      samples.get(contender.name)?.push(sample);
      say(`  ${contender.name}: ${sample.wall.toFixed(2)} s, cpu ${sample.cpu.toFixed(2)} s`);
    }
  }
  return [...samples].map(([name, taken]) => ({ name, samples: taken, median: medianOf(taken) }));
}

/** A figure beside its bar. */
export interface Verdict {
  readonly what: string;
  readonly value: string;
  /** Absent where there is no bar for this size. */
  readonly bar?: string;
  readonly reached?: boolean;
  /** Of a comparison: whether the tool compared with was better. */
  readonly behind?: boolean;
}

/** One part of the results. */
export interface RowResult {
  readonly title: string;
  readonly table: readonly Measured[];
  readonly verdicts: readonly Verdict[];
  readonly notes: readonly string[];
}

/** How many times faster `own` is than `peer`, against a bar; `bar` undefined: there is none at this size. */
export function ratio(
  what: string,
  own: Measured | undefined,
  peer: Measured | undefined,
  bar: number | undefined,
): Verdict[] {
  if (own === undefined || peer === undefined) return [];
  const times = peer.median.wall / own.median.wall;
  return [
    {
      what,
      value: `${times.toFixed(2)}x`,
      behind: times < 1,
      ...(bar === undefined ? {} : { bar: `${bar}x`, reached: times >= bar }),
    },
  ];
}

/** A figure that must not be larger than its bar. */
export function atMost(what: string, value: number, bar: number, unit: string): Verdict {
  const text = (n: number): string => `${Number.isInteger(n) ? n : n.toFixed(2)} ${unit}`.trimEnd();
  return { what, value: text(value), bar: `at most ${text(bar)}`, reached: value <= bar };
}
