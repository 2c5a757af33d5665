const plainEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function escape(character: string): string {
  const plain = plainEscapes[character];
  if (plain !== undefined) return plain;
  const code = character.charCodeAt(0);
  if (code >= 0x7f && code <= 0x9f) return character;
  return code >= 0xd800 && code <= 0xdfff ? '\\ufffd' : `\\u${code.toString(16).padStart(4, '0')}`;
}

/**
 * A string as Go's encoding/json writes it: `<`, `>`, `&` and the line separators U+2028 and
 * U+2029 escaped as `\u00XX`, what is not text as `\ufffd`.
 */
export function goString(text: string): string {
  return `"${text.replace(/["\\<>&\p{Cc}\u2028\u2029]|\p{Surrogate}/gu, escape)}"`;
}

/** A time as Go's time.Time writes it into JSON: RFC 3339, UTC, no trailing zeros in the fraction. */
export function goTime(at: Date): string {
  return at.toISOString().replace(/\.?0*Z$/, 'Z');
}

/** Go's zero time: what is not known yet. */
export const goZeroTime = '0001-01-01T00:00:00Z';

/** A flat object as Go's json.Encoder writes it: in the given order, on one line, newline at the end. */
export function goObject(fields: readonly (readonly [string, string | number])[]): string {
  const members = fields.map(([name, value]) => {
    return `${goString(name)}:${typeof value === 'number' ? String(value) : goString(value)}`;
  });
  return `{${members.join(',')}}\n`;
}
