/** Bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** Cuts a text to at most `bytes` bytes of UTF-8, at least 3; what was cut ends in `…`. */
export function fitBytes(text: string, bytes: number): string {
  if (utf8Length(text) <= bytes) return text;
  let fitted = '';
  let used = utf8Length('…');
  for (const character of text) {
    used += utf8Length(character);
    if (used > bytes) break;
    fitted += character;
  }
  return `${fitted}…`;
}
