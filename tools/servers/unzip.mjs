import { createWriteStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import { readDirectory, readExactly, ZipRefused } from './zip-directory.mjs';

const LOCAL = { signature: 0x04034b50, size: 30 };

/**
 * Unpacks single files of a zip archive (a Python wheel is one). The whole directory of the archive is
 * checked, and of each file its place, its length and its CRC-32.
 *
 * @param {string} file path of the archive
 * @param {Record<string, string>} targets path of the new file, by the entry's name in the archive;
 *   none of the new files may exist yet. After an error some may be there, unfinished.
 * @throws {ZipRefused} when the archive is damaged, unsafe, or lacks an entry
 */
export async function unzip(file, targets) {
  const archive = await open(file, 'r');
  try {
    const { entries, start } = await readDirectory(archive);
    for (const [name, target] of Object.entries(targets)) {
      const entry = entries.get(name);
      if (entry === undefined) throw new ZipRefused(`it has no ${name}`);
      await mkdir(path.dirname(target), { recursive: true });
      await unpack(archive, entry, start, target);
    }
  } finally {
    await archive.close();
  }
}

/**
 * @param {import('node:fs/promises').FileHandle} archive
 * @param {import('./zip-directory.mjs').ZipEntry} entry
 * @param {number} limit offset that the entry's bytes may not reach beyond
 * @param {string} target
 */
async function unpack(archive, entry, limit, target) {
  const begin = await findContent(archive, entry);
  if (begin + entry.packed > limit)
    throw new ZipRefused(`${entry.name} reaches into the directory`);
  const source = slices(archive, begin, entry.packed);
  const check = new ContentCheck(entry);
  const output = createWriteStream(target, { flags: 'wx' });
  if (entry.method === 'stored') return pipeline(source, check, output);
  const inflate = zlib.createInflateRaw();
  try {
    await pipeline(source, inflate, check, output);
  } catch (error) {
    if (!String(/** @type {NodeJS.ErrnoException} */ (error).code).startsWith('Z_')) throw error;
    throw new ZipRefused(`${entry.name} is damaged: ${/** @type {Error} */ (error).message}`);
  }
  if (inflate.bytesWritten !== entry.packed)
    throw new ZipRefused(`${entry.name} is followed by strange bytes`);
}

/**
 * @param {import('node:fs/promises').FileHandle} archive
 * @param {import('./zip-directory.mjs').ZipEntry} entry
 * @returns {Promise<number>} offset of its content: the local header has lengths of its own
 */
async function findContent(archive, { at, name }) {
  const header = await readExactly(archive, at, LOCAL.size);
  if (header.readUInt32LE(0) !== LOCAL.signature)
    throw new ZipRefused(`${name} is not where the directory says`);
  const nameAt = at + LOCAL.size;
  const localName = await readExactly(archive, nameAt, header.readUInt16LE(26));
  if (localName.toString('utf8') !== name)
    throw new ZipRefused(`${name} has another name in its own header`);
  return nameAt + localName.length + header.readUInt16LE(28);
}

/** @param {import('node:fs/promises').FileHandle} archive @param {number} at @param {number} length */
async function* slices(archive, at, length) {
  const most = 1 << 20;
  for (let done = 0; done < length; done += most) {
    yield await readExactly(archive, at + done, Math.min(most, length - done));
  }
}

/** Passes content on and refuses it when it is longer, shorter or other than the directory says. */
class ContentCheck extends Transform {
  #entry;
  #size = 0;
  #crc = 0;

  /** @param {import('./zip-directory.mjs').ZipEntry} entry */
  constructor(entry) {
    super();
    this.#entry = entry;
  }

  /** @override */
  _transform(chunk, _encoding, done) {
    this.#size += chunk.length;
    // Stops a bomb at its declared size, not at a full disk.
    if (this.#size > this.#entry.size)
      return done(new ZipRefused(`${this.#entry.name} is longer than it says`));
    this.#crc = zlib.crc32(chunk, this.#crc);
    done(null, chunk);
  }

  /** @override */
  _flush(done) {
    const { name, size, crc } = this.#entry;
    if (this.#size !== size) done(new ZipRefused(`${name} is shorter than it says`));
    else if (this.#crc !== crc) done(new ZipRefused(`${name} is damaged: its CRC-32 differs`));
    else done();
  }
}
