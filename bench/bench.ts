import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BenchSite } from './bench-site';
import { alternate, type Contender, type Measured } from './figures';
import type { MeterOptions } from './meter';
import type { JujuSequence, Programs } from './peers';

/** What every row works with: one controller of one size. */
export interface BenchOptions {
  readonly site: BenchSite;
  readonly programs: Programs;
  readonly juju: JujuSequence;
  /** Bytes of documents that were asked for. */
  readonly sizeBytes: number;
  readonly rounds: number;
  /** Operations of the oplog replay. */
  readonly operations: number;
  /** Scratch space; everything the peers write lies there. */
  readonly directory: string;
  /** Directory for CPU profiles of Holdfast's steps. */
  readonly profile: string | undefined;
  /** Builds a controller with no bulk of documents beside the other one; the caller stops it. */
  readonly emptySite: () => Promise<BenchSite>;
  readonly say: (line: string) => void;
}

/** What the rows share. */
export class Bench {
  constructor(readonly options: BenchOptions) {}

  get site(): BenchSite {
    return this.options.site;
  }

  /**
   * The bar for this run's size: from which size on, in bytes, which one holds; undefined below all.
   */
  bar(bars: Readonly<Record<number, number>>): number | undefined {
    const { sizeBytes } = this.options;
    return Object.entries(bars)
      .filter(([from]) => sizeBytes >= Number(from))
      .at(-1)?.[1];
  }

  /** An empty directory of that name. */
  async scratch(name: string): Promise<string> {
    const path = join(this.options.directory, name);
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  }

  async meter(directories?: readonly string[]): Promise<MeterOptions> {
    const mongodPid = await this.site.mongodPid();
    return { mongodPid, ...(directories === undefined ? {} : { directories }) };
  }

  alternate(contenders: readonly Contender[]): Promise<readonly Measured[]> {
    const { rounds, say } = this.options;
    return alternate(rounds, contenders, settle, say);
  }
}

/** What one contender wrote must not be flushed to disk at the cost of the next. */
async function settle(): Promise<void> {
  await promisify(execFile)('sync');
}
