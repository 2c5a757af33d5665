import type { CollectionChoice } from './messages';
import { NamespacePattern } from './namespace-pattern';

/** Says where a namespace goes, and where one came from. */
export interface NamespaceMap {
  /** The name under which a namespace is restored; undefined when it is not chosen. */
  target(source: string): string | undefined;
  /** The name that a restored namespace has in the backup. */
  source(target: string): string;
}

/** Every namespace goes where it came from. */
export const sameNames: NamespaceMap = {
  target: (source) => source,
  source: (target) => target,
};

/** Which namespaces of a backup are restored, and under which names. */
export class NamespaceSelection implements NamespaceMap {
  readonly #include: readonly NamespacePattern[];
  readonly #exclude: readonly NamespacePattern[];
  readonly #rename: { from: NamespacePattern; to: NamespacePattern } | undefined;

  constructor({ include, exclude, rename }: CollectionChoice) {
    this.#include = include.map((text) => new NamespacePattern(text));
    this.#exclude = exclude.map((text) => new NamespacePattern(text));
    this.#rename =
      rename === undefined
        ? undefined
        : { from: new NamespacePattern(rename.from), to: new NamespacePattern(rename.to) };
  }

  /** Without a pattern that includes, everything is chosen that none excludes. */
  isChosen(source: string): boolean {
    const included =
      this.#include.length === 0 || this.#include.some((one) => one.match(source) !== undefined);
    return included && !this.#exclude.some((one) => one.match(source) !== undefined);
  }

  target(source: string): string | undefined {
    if (!this.isChosen(source)) return undefined;
    const found = this.#rename?.from.match(source);
    return found === undefined ? source : this.#rename?.to.fill(found);
  }

  source(target: string): string {
    const found = this.#rename?.to.match(target);
    return found === undefined ? target : (this.#rename?.from.fill(found) ?? target);
  }

  /** The patterns to include that match none of these namespaces. */
  unmatched(namespaces: readonly string[]): readonly string[] {
    return this.#include
      .filter((one) => !namespaces.some((name) => one.match(name) !== undefined))
      .map(({ text }) => text);
  }
}

/** Why a choice makes no sense, as a sentence without its final point; undefined when it does. */
export function choiceProblem({ include, exclude, rename }: CollectionChoice): string | undefined {
  for (const text of [...include, ...exclude, ...(rename === undefined ? [] : [rename.to])]) {
    const problem = new NamespacePattern(text).problem();
    if (problem !== undefined) return `${text} is no namespace: ${problem}`;
  }
  if (rename === undefined) return undefined;
  const [from, to] = [new NamespacePattern(rename.from), new NamespacePattern(rename.to)];
  if (from.stars !== to.stars) {
    return `${rename.from} and ${rename.to} do not have the same number of *`;
  }
  // With more of them the way back from a new name to the old one would be a guess.
  return from.stars > 1 ? `${rename.from} has more than one *, so it cannot be renamed` : undefined;
}
