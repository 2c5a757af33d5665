/**
 * A pattern for namespaces as mongorestore takes it (`--nsInclude`): `*` stands for any number of
 * characters, `\` takes the meaning from the one behind it. `juju.*` is every collection of `juju`.
 */
export class NamespacePattern {
  readonly #parts: readonly string[];

  constructor(readonly text: string) {
    const parts = [''];
    for (let at = 0; at < text.length; at++) {
      const character = text[at] ?? '';
      if (character === '*') {
        parts.push('');
        continue;
      }
      if (character === '\\') at++;
      parts[parts.length - 1] += text[at] ?? '';
    }
    this.#parts = parts;
  }

  /** How many `*` it has. */
  get stars(): number {
    return this.#parts.length - 1;
  }

  /** What each `*` stands for in a namespace; undefined when the namespace is none of the pattern's. */
  match(namespace: string): readonly string[] | undefined {
    const [first = '', ...others] = this.#parts;
    if (others.length === 0) return namespace === first ? [] : undefined;
    const last = others.pop() ?? '';
    if (!namespace.startsWith(first)) return undefined;
    const end = namespace.length - last.length;
    let at = first.length;
    const found: string[] = [];
    for (const part of others) {
      const next = namespace.indexOf(part, at);
      if (next < 0 || next + part.length > end) return undefined;
      found.push(namespace.slice(at, next));
      at = next + part.length;
    }
    if (end < at || !namespace.endsWith(last)) return undefined;
    return [...found, namespace.slice(at, end)];
  }

  /** The namespace it names when each `*` stands for one of `texts`, in order. */
  fill(texts: readonly string[]): string {
    return this.#parts.map((part, index) => part + (texts[index] ?? '')).join('');
  }

  /** Why it can name no namespace, as words that follow a colon; undefined when it can. */
  problem(): string | undefined {
    if (/(?<!\\)(\\\\)*\\$/.test(this.text)) return 'it ends with a lone \\';
    const [database = ''] = this.text.split('.');
    if (database === '') return 'it names no database';
    if (!this.text.includes('.') && this.stars === 0) {
      return `it names no collection: write ${this.text}.* for all of the database`;
    }
    return undefined;
  }
}
