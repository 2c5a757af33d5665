import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type ErrorCode,
} from 'yaml';

/** Something wrong with a configuration, told without repeating any value of it. */
export interface Problem {
  /** `line:column` of the file, or the flag or variable the value came from. */
  readonly where: string;
  /** Path of the setting, such as `storage.path`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

export type SettingPath = readonly (string | number)[];

/** Line and column, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A parsed holdfast.yaml with the places of its settings. */
export interface YamlDocument {
  /** The content as plain values; empty settings are left out. */
  readonly content: unknown;
  readonly problems: readonly Problem[];
  /** Whether the file sets something at this path. */
  has(path: SettingPath): boolean;
  /** Place of the value (or of its key, when `key` is true or it is empty); of the nearest mapping above when the path is not there. */
  locate(path: SettingPath, key?: boolean): Position;
}

/** Largest configuration file that is read, bytes. */
export const maxConfigBytes = 1024 * 1024;

// The parser's own messages quote the source, where a secret may stand; these don't.
const syntaxMessages: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: 'the alias is not allowed here or not defined',
  BAD_DQ_ESCAPE: 'unknown escape in a double-quoted text',
  BAD_INDENT: 'wrong indentation',
  BAD_SCALAR_START: 'a text that begins so must be quoted',
  BLOCK_AS_IMPLICIT_KEY: 'a mapping cannot stand on the line of its key',
  BLOCK_IN_FLOW: 'indented lines cannot stand between { } or [ ]',
  DUPLICATE_KEY: 'the key is there twice',
  MISSING_CHAR: 'a character is missing, such as a colon, comma, bracket or quote',
  MULTILINE_IMPLICIT_KEY: 'a key must fit on one line and be followed by a colon',
  MULTIPLE_DOCS: 'the file must hold one document only',
  NON_STRING_KEY: 'keys must be text',
  TAB_AS_INDENT: 'indent with spaces, not with tabs',
  TAG_RESOLVE_FAILED: 'the tag is not known, or does not fit the value',
  UNEXPECTED_TOKEN: 'something stands here that does not belong',
};

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([key, inner]) => [key, withoutEmpty(inner)]),
  );
}

/** Offsets of the deepest node on the way to `path`, and whether the whole way is there. */
function walk(
  document: Document.Parsed,
  path: SettingPath,
): { key: number | undefined; value: number | undefined; depth: number; empty: boolean } {
  let node: unknown = document.contents;
  let key: number | undefined;
  let depth = 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === step);
      if (pair === undefined) break;
      key = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      node = node.items[step];
      key = undefined;
    } else break;
    depth += 1;
  }
  const ranged = typeof node === 'object' && node !== null && 'range' in node ? node : undefined;
  const range: unknown = ranged?.range;
  const value: unknown = Array.isArray(range) ? range[0] : undefined;
  const empty = node === null || (isScalar(node) && node.value === null);
  return { key, value: typeof value === 'number' ? value : undefined, depth, empty };
}

/**
 * Parses YAML 1.2 without merge keys. Every syntax error is a problem with its place and without a
 * quotation of the source.
 */
export function readYaml(text: string): YamlDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    logLevel: 'silent',
  });
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems: Problem[] = [...document.errors, ...document.warnings].map((error) => {
    const { line, column } = position(error.pos[0]);
    return {
      where: `${line}:${column}`,
      path: '',
      message: syntaxMessages[error.code] ?? 'this is not valid YAML',
    };
  });
  let content: unknown;
  if (problems.length === 0) {
    try {
      content = withoutEmpty(document.toJS({ maxAliasCount: 50 }) ?? {});
    } catch {
      // Only aliases can fail here; the parser's message adds nothing to that.
      problems.push({ where: '1:1', path: '', message: 'aliases are nested too deep' });
    }
  }
  return {
    content,
    problems,
    has(path) {
      const found = walk(document, path);
      return found.depth === path.length && !found.empty;
    },
    locate(path, key = false) {
      const found = walk(document, path);
      const here = found.depth === path.length;
      const wanted = (here && (key || found.empty)) || !here ? found.key : found.value;
      return position(wanted ?? found.value ?? 0);
    },
  };
}
