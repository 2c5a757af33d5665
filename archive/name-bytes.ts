import { HoldfastError } from '../core/errors';

const escapeBase = 0xdc00;

function sequenceLength(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  const part = bytes.subarray(at, at + length);
  return part.length === length && Buffer.from(part.toString('utf8'), 'utf8').equals(part)
    ? length
    : 0;
}

/**
 * A file name as a string that loses nothing: UTF-8 is decoded, and each byte that is not part of
 * valid UTF-8 becomes the lone surrogate U+DC80..U+DCFF (PEP 383, as Python's `os.fsdecode`).
 * JSON keeps such strings as `\udcXX`.
 */
export function nameFromBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (Buffer.from(text, 'utf8').equals(bytes)) return text;
  let name = '';
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      name += String.fromCharCode(escapeBase + (bytes[at] ?? 0));
      at += 1;
    } else {
      name += bytes.toString('utf8', at, at + length);
      at += length;
    }
  }
  return name;
}

/** Whether a name holds bytes that are not UTF-8. */
export function isRawName(name: string): boolean {
  return /\p{Surrogate}/u.test(name);
}

/**
 * The bytes of a name made by `nameFromBytes`.
 * @throws HoldfastError HF-ARCHIVE-004 when it holds a surrogate that stands for no byte.
 */
export function nameToBytes(name: string): Buffer {
  if (!isRawName(name)) return Buffer.from(name, 'utf8');
  const parts: Buffer[] = [];
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= escapeBase + 0x80 && code <= escapeBase + 0xff) {
      parts.push(Buffer.from([code - escapeBase]));
    } else if (code >= 0xd800 && code <= 0xdfff) {
      const path = JSON.stringify(name);
      throw new HoldfastError('HF-ARCHIVE-004', { path, reason: 'its name is not text or bytes' });
    } else {
      parts.push(Buffer.from(character, 'utf8'));
    }
  }
  return Buffer.concat(parts);
}
