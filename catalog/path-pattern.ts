type Token =
  | { readonly type: 'any' }
  | { readonly type: 'one' }
  | { readonly type: 'literal'; readonly character: string }
  | {
      readonly type: 'set';
      readonly negated: boolean;
      readonly ranges: readonly (readonly [string, string])[];
    };

/** A part of a pattern between slashes; `deep` is `**`: any number of parts, also none. */
type Part = 'deep' | readonly Token[];

const longest = 1_000;

/** Matches items against wants one by one; a `star` stands for any number of items. Takes at most items times wants steps. */
function matchAll<W, I>(
  wants: readonly W[],
  items: readonly I[],
  isStar: (want: W) => boolean,
  fits: (want: W, item: I) => boolean,
): boolean {
  let want = 0;
  let item = 0;
  let star = -1;
  let resume = 0;
  while (item < items.length) {
    const wanted = wants[want];
    const found = items[item];
    if (wanted !== undefined && isStar(wanted)) {
      star = want;
      want += 1;
      resume = item;
    } else if (wanted !== undefined && found !== undefined && fits(wanted, found)) {
      want += 1;
      item += 1;
    } else if (star >= 0) {
      want = star + 1;
      resume += 1;
      item = resume;
    } else {
      return false;
    }
  }
  return wants.slice(want).every(isStar);
}

function fitsCharacter(token: Token, character: string): boolean {
  switch (token.type) {
    case 'any':
    case 'one':
      return true;
    case 'literal':
      return token.character === character;
    case 'set':
      return (
        token.ranges.some(([from, to]) => from <= character && character <= to) !== token.negated
      );
    default:
      throw new TypeError(`token ${String(token satisfies never)}`);
  }
}

/** The set that begins at `at`, and where it ends; undefined when it is not closed. */
function readSet(
  text: readonly string[],
  at: number,
): { token: Token & { type: 'set' }; end: number } | undefined {
  let next = at + 1;
  const negated = text[next] === '!' || text[next] === '^';
  if (negated) next += 1;
  const ranges: [string, string][] = [];
  for (let first = true; ; first = false) {
    const from = text[next];
    if (from === undefined) return undefined;
    if (from === ']' && !first) return { token: { type: 'set', negated, ranges }, end: next + 1 };
    const to = text[next + 2];
    const isRange = text[next + 1] === '-' && to !== undefined && to !== ']';
    ranges.push([from, isRange ? to : from]);
    next += isRange ? 3 : 1;
  }
}

function readParts(text: readonly string[]): Part[] {
  const parts: Part[] = [];
  let tokens: Token[] = [];
  let raw = '';
  const end = (): void => {
    parts.push(raw === '**' ? 'deep' : tokens);
    tokens = [];
    raw = '';
  };
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? '';
    const set = character === '[' ? readSet(text, at) : undefined;
    if (character === '/') {
      end();
    } else if (set !== undefined) {
      tokens.push(set.token);
    } else if (character === '*') {
      tokens.push({ type: 'any' });
    } else if (character === '?') {
      tokens.push({ type: 'one' });
    } else if (character !== '\\' || text[at + 1] !== '/') {
      if (character === '\\' && at + 1 < text.length) at += 1;
      tokens.push({ type: 'literal', character: text[at] ?? '' });
    }
    raw += character === '/' ? '' : character;
    at = set?.end ?? at + 1;
  }
  end();
  return parts;
}

/**
 * A shell-like pattern for names with slashes. `*` stands for any characters but `/`, `**` between
 * slashes for any number of parts, `?` for one character, `[a-z]` and `[!a-z]` for one of a set, `\`
 * takes the meaning from the one behind it. A pattern covers what it matches and everything below; one
 * without a slash covers every name that has such a part.
 */
export class PathPattern {
  /** It begins with a slash. */
  readonly absolute: boolean;
  readonly #parts: readonly Part[];

  constructor(readonly text: string) {
    this.absolute = text.startsWith('/');
    const trimmed = text.replace(/^\/+|\/+$/g, '');
    const parts = readParts(Array.from(trimmed));
    const named = this.absolute || parts.length > 1;
    this.#parts = named ? [...parts, 'deep'] : ['deep', ...parts, 'deep'];
  }

  /** Why it can match nothing, as words; undefined when it can. */
  problem(): string | undefined {
    if (this.text.length > longest) return `it is longer than ${longest} characters`;
    if (this.text.replaceAll('/', '') === '') return 'it is empty';
    return undefined;
  }

  /** Whether a name, or a part of it up to a slash, is the pattern's. */
  covers(name: string): boolean {
    return matchAll(
      this.#parts,
      name.split('/'),
      (part) => part === 'deep',
      (part, text) =>
        part !== 'deep' &&
        matchAll(part, Array.from(text), (token) => token.type === 'any', fitsCharacter),
    );
  }
}
