/** JSON that keeps what JSON.parse loses: order and repetition of keys, and a number's spelling. */
export type OrderedJson =
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, OrderedJson])[] }
  | { readonly kind: 'array'; readonly items: readonly OrderedJson[] }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: true | false | null };

/** Deeper than any document mongod stores (180 levels, each in Extended JSON up to two). */
const maxDepth = 400;

const token =
  /[\s]*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null))/y;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): string {
    token.lastIndex = this.#at;
    const match = token.exec(this.#text);
    if (match === null) throw this.unexpected();
    this.#at = token.lastIndex;
    return match[1] ?? match[2] ?? match[3] ?? match[4] ?? '';
  }

  end(): void {
    if (this.#text.slice(this.#at).trim() !== '') throw this.unexpected();
  }

  unexpected(): SyntaxError {
    return new SyntaxError(`not JSON at character ${this.#at}`);
  }
}

function stringOf(literal: string): string {
  const text: unknown = JSON.parse(literal);
  return typeof text === 'string' ? text : '';
}

function value(reader: Reader, first: string, depth: number): OrderedJson {
  if (depth > maxDepth) throw new SyntaxError('nested too deep');
  if (first === '{') return object(reader, depth);
  if (first === '[') return array(reader, depth);
  if (first === 'true' || first === 'false') return { kind: 'literal', value: first === 'true' };
  if (first === 'null') return { kind: 'literal', value: null };
  if (first.startsWith('"')) return { kind: 'string', text: stringOf(first) };
  if (/^[-\d]/.test(first)) return { kind: 'number', text: first };
  throw reader.unexpected();
}

function object(reader: Reader, depth: number): OrderedJson {
  const members: [string, OrderedJson][] = [];
  let next = reader.next();
  if (next === '}') return { kind: 'object', members };
  for (;;) {
    if (!next.startsWith('"')) throw reader.unexpected();
    const name = stringOf(next);
    if (reader.next() !== ':') throw reader.unexpected();
    members.push([name, value(reader, reader.next(), depth + 1)]);
    next = reader.next();
    if (next === '}') return { kind: 'object', members };
    if (next !== ',') throw reader.unexpected();
    next = reader.next();
  }
}

function array(reader: Reader, depth: number): OrderedJson {
  const items: OrderedJson[] = [];
  let next = reader.next();
  if (next === ']') return { kind: 'array', items };
  for (;;) {
    items.push(value(reader, next, depth + 1));
    next = reader.next();
    if (next === ']') return { kind: 'array', items };
    if (next !== ',') throw reader.unexpected();
    next = reader.next();
  }
}

/**
 * Parses JSON with order and repetition of keys kept.
 *
 * @throws SyntaxError
 */
export function parseOrderedJson(text: string): OrderedJson {
  const reader = new Reader(text);
  const parsed = value(reader, reader.next(), 0);
  reader.end();
  return parsed;
}
