import { extract, type Extract, type Header } from 'tar-stream';
import { HoldfastError, errorText } from '../core/errors';
import { quoteName } from '../core/ids';
import { EntryPolicy, type TarPlace } from './entry-policy';
import { MemberDamage } from './gzip-members';
import { nameToBytes } from './name-bytes';
import { entrySize, type TarEntry } from './tar-entry';
import { parserOptions, paxRecords, tarEntryOf } from './tar-parser';

/** Text as a parser gives it that decodes pax records as UTF-8 with replacement characters. */
function replaced(name: string): string {
  return nameToBytes(name).toString('utf8');
}

/**
 * A second opinion on a tar while it streams by: tar-stream parses it without knowing what should
 * be in it. Every entry it meets must be allowed by the policy and be the one that is expected at
 * that place.
 */
export class TarListing {
  readonly #archive: string;
  readonly #label: (path: string) => string;
  readonly #policy: EntryPolicy;
  readonly #parser: Extract;
  readonly #seen: { readonly entry: TarEntry; readonly pax: boolean }[] = [];
  readonly #expected: TarEntry[] = [];
  #failure: unknown;

  /** `label` makes the name of an entry for errors from its path. */
  constructor(archive: string, place: TarPlace, label: (path: string) => string) {
    this.#archive = archive;
    this.#label = label;
    this.#policy = new EntryPolicy(place);
    this.#parser = extract(parserOptions);
    this.#parser.on('entry', (header, content, next) => {
      content.on('error', () => undefined);
      content.on('end', () => next());
      content.resume();
      this.#meet(header);
    });
    this.#parser.on('error', (error: unknown) => {
      this.#fail(new MemberDamage(`tar: ${errorText(error)}`, { cause: error }));
    });
  }

  /**
   * Parses more of the tar.
   * @throws MemberDamage, or HoldfastError HF-ARCHIVE-002 for an entry that is not allowed.
   */
  async write(bytes: Buffer): Promise<void> {
    this.#rethrow();
    if (bytes.length === 0) return;
    const drained = new Promise<void>((resolve) => {
      const done = (): void => {
        this.#parser.off('drain', done);
        this.#parser.off('close', done);
        resolve();
      };
      this.#parser.on('drain', done);
      this.#parser.on('close', done);
    });
    this.#parser.write(bytes);
    await drained;
    this.#rethrow();
  }

  /** Says which entry comes next. @throws MemberDamage when the parser met another one. */
  expect(entry: TarEntry): void {
    this.#expected.push(entry);
    this.#compare();
    this.#rethrow();
  }

  /** Proves that the parser met the expected entries and nothing else. @throws MemberDamage */
  async finish(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#parser.on('close', resolve);
    });
    this.#parser.end(undefined);
    await closed;
    this.#rethrow();
    const missing = this.#expected[0];
    if (missing !== undefined) throw new MemberDamage(`tar: ${quoteName(missing.path)} is missing`);
    const extra = this.#seen[0];
    if (extra !== undefined) throw new MemberDamage(`tar: ${quoteName(extra.entry.path)} is extra`);
  }

  /** Stops parsing; nothing is proven. */
  abandon(): void {
    this.#parser.destroy();
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(failure: unknown): void {
    this.#failure ??= failure;
    this.#parser.destroy();
  }

  #refuse(path: string, reason: string): void {
    const entry = quoteName(this.#label(path));
    this.#fail(new HoldfastError('HF-ARCHIVE-002', { archive: this.#archive, entry, reason }));
  }

  #meet(header: Header): void {
    const entry = tarEntryOf(header);
    const { path } = entry;
    if (entry.type === 'other') {
      this.#refuse(path, `it is a ${entry.kind}`);
      return;
    }
    const problem = this.#policy.problem(entry);
    if (problem === undefined) {
      this.#seen.push({ entry, pax: paxRecords(header).size > 0 });
      this.#compare();
    } else {
      this.#refuse(path, problem);
    }
  }

  #compare(): void {
    while (this.#seen.length > 0 && this.#expected.length > 0) {
      const met = this.#seen.shift();
      const expected = this.#expected.shift();
      if (met === undefined || expected === undefined) return;
      const { entry } = met;
      const text = (name: string): string => (met.pax ? replaced(name) : name);
      const same =
        entry.type === expected.type &&
        text(entry.path) === text(expected.path) &&
        entry.mode === expected.mode &&
        entry.uid === expected.uid &&
        entry.gid === expected.gid &&
        entry.mtime === expected.mtime &&
        entrySize(entry) === entrySize(expected) &&
        (entry.type !== 'symlink' ||
          (expected.type === 'symlink' && text(entry.link) === text(expected.link)));
      if (!same) {
        const name = quoteName(entry.path);
        this.#fail(new MemberDamage(`tar: ${name} is not as INDEX says`));
      }
    }
  }
}
