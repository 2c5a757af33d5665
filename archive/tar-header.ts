import { HoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import { isRawName, nameToBytes } from './name-bytes';
import { entrySize, type TarEntry } from './tar-entry';

/** Headers and contents of a tar begin at multiples of this, bytes. */
export const blockSize = 512;

/** Two blocks of zeros end a tar. */
export const trailerSize = 2 * blockSize;

const largestSize = 8 ** 11 - 1;
const largestId = 8 ** 7 - 1;
const largestTime = 8 ** 11 - 1;

/** Zeros that follow content of `size` bytes in a tar. */
export function paddingAfter(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

function isPlainAscii(bytes: Buffer): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
}

interface SplitPath {
  readonly prefix: Buffer;
  readonly name: Buffer;
}

function splitPath(path: Buffer): SplitPath | undefined {
  if (path.length <= 100) return { prefix: Buffer.alloc(0), name: path };
  const slash = path.lastIndexOf(0x2f, 155);
  if (slash <= 0) return undefined;
  const name = path.subarray(slash + 1);
  return name.length > 0 && name.length <= 100
    ? { prefix: path.subarray(0, slash), name }
    : undefined;
}

function record(key: string, value: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = body.length;
  while (String(length).length + body.length !== length) {
    length = String(length).length + body.length;
  }
  return Buffer.concat([Buffer.from(String(length)), body]);
}

function decimal(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(9).replace(/0+$/, '');
}

function paxRecords(entry: TarEntry, path: Buffer, link: Buffer): Buffer {
  const records: Buffer[] = [];
  const add = (key: string, value: Buffer | string): void => {
    records.push(record(key, Buffer.from(value)));
  };
  const needsPax = (name: Buffer, text: string, fits: boolean): boolean =>
    !fits || !(isPlainAscii(name) || isRawName(text));
  if (entry.gid > largestId) add('gid', String(entry.gid));
  if (entry.type === 'symlink' && needsPax(link, entry.link, link.length <= 100)) {
    add('linkpath', link);
  }
  if (!Number.isInteger(entry.mtime) || entry.mtime < 0 || entry.mtime > largestTime) {
    add('mtime', decimal(entry.mtime));
  }
  if (needsPax(path, entry.path, splitPath(path) !== undefined)) add('path', path);
  if (entrySize(entry) > largestSize) add('size', String(entrySize(entry)));
  if (entry.uid > largestId) add('uid', String(entry.uid));
  return Buffer.concat(records);
}

interface Fields {
  readonly prefix: Buffer;
  readonly name: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly typeflag: string;
  readonly link: Buffer;
}

function octal(value: number, digits: number): string {
  return `${value.toString(8).padStart(digits, '0')}\0`;
}

function ustar(fields: Fields): Buffer {
  const block = Buffer.alloc(blockSize);
  fields.name.copy(block, 0, 0, 100);
  block.write(octal(fields.mode, 7), 100, 'latin1');
  block.write(octal(fields.uid, 7), 108, 'latin1');
  block.write(octal(fields.gid, 7), 116, 'latin1');
  block.write(octal(fields.size, 11), 124, 'latin1');
  block.write(octal(fields.mtime, 11), 136, 'latin1');
  block.write('        ', 148, 'latin1');
  block.write(fields.typeflag, 156, 'latin1');
  fields.link.copy(block, 157, 0, 100);
  block.write('ustar\x0000', 257, 'latin1');
  block.write(octal(0, 7), 329, 'latin1');
  block.write(octal(0, 7), 337, 'latin1');
  fields.prefix.copy(block, 345, 0, 155);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function typeflag(entry: TarEntry): string {
  switch (entry.type) {
    case 'file':
      return '0';
    case 'symlink':
      return '2';
    case 'directory':
      return '5';
  }
}

function check(entry: TarEntry, path: Buffer, link: Buffer): void {
  const refuse = (reason: string): never => {
    throw new HoldfastError('HF-ARCHIVE-004', { path: quoteName(entry.path), reason });
  };
  if (path.length === 0) refuse('its name is empty');
  if (path.includes(0)) refuse('its name holds a NUL');
  if (link.includes(0)) refuse('its link target holds a NUL');
  if (entry.type === 'symlink' && link.length === 0) refuse('its link target is empty');
  if (!Number.isInteger(entry.mode) || entry.mode < 0 || entry.mode > 0o7777)
    refuse('its mode is out of range');
  for (const value of [entry.uid, entry.gid, entrySize(entry)]) {
    if (!Number.isSafeInteger(value) || value < 0) refuse('a number in it is out of range');
  }
  if (!Number.isFinite(entry.mtime) || Math.abs(entry.mtime) > Number.MAX_SAFE_INTEGER) {
    refuse('its time is out of range');
  }
}

function paxHeader(entry: TarEntry, path: Buffer, records: Buffer): Buffer {
  const ascii = Buffer.from(path.filter((byte) => byte > 0x20 && byte < 0x7f));
  const base = ascii.subarray(ascii.lastIndexOf(0x2f) + 1);
  const header = ustar({
    prefix: Buffer.alloc(0),
    name: Buffer.concat([Buffer.from('PaxHeaders.0/'), base]).subarray(0, 100),
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: records.length,
    mtime: 0,
    typeflag: 'x',
    link: Buffer.alloc(0),
  });
  return Buffer.concat([header, records, Buffer.alloc(paddingAfter(records.length))]);
}

/**
 * The bytes that stand before an entry's content: one ustar block (POSIX.1-1988), preceded by a
 * pax extended header (POSIX.1-2001) where ustar can't hold a value: a path that does not split
 * into 155 + 100 bytes, a link target over 100 bytes, non-ASCII text, a size from 8 GiB, an id
 * over 2097151, a time that is negative, fractional or over 33 bits. The ustar field then holds 0,
 * or as much of the text as fits. Names with bytes that are not UTF-8 go into ustar raw as long as
 * they fit. The same entry always gives the same bytes.
 * @throws HoldfastError HF-ARCHIVE-004 for what no tar can hold.
 */
export function encodeTarHeader(entry: TarEntry): Buffer {
  const path = nameToBytes(entry.path);
  const link = entry.type === 'symlink' ? nameToBytes(entry.link) : Buffer.alloc(0);
  check(entry, path, link);
  const records = paxRecords(entry, path, link);
  const size = entrySize(entry);
  const whole = Math.floor(entry.mtime);
  const header = ustar({
    ...(splitPath(path) ?? { prefix: Buffer.alloc(0), name: path }),
    mode: entry.mode,
    uid: entry.uid > largestId ? 0 : entry.uid,
    gid: entry.gid > largestId ? 0 : entry.gid,
    size: size > largestSize ? 0 : size,
    mtime: whole < 0 || whole > largestTime ? 0 : whole,
    typeflag: typeflag(entry),
    link,
  });
  return records.length === 0 ? header : Buffer.concat([paxHeader(entry, path, records), header]);
}
