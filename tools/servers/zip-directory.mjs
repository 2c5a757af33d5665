/** A zip archive that is damaged, or uses what this reader refuses. `message` says what and where. */
export class ZipRefused extends Error {}

const END = { signature: 0x06054b50, size: 22, longestComment: 0xffff };
const CENTRAL = { signature: 0x02014b50, size: 46 };
const FLAG_ENCRYPTED = 0x0001;
const METHODS = new Map([
  [0, 'stored'],
  [8, 'deflated'],
]);
const UNIX = 3;
const FILE_TYPE = 0o170000;
const SYMLINK = 0o120000;

/**
 * @typedef {object} ZipEntry
 * @property {string} name path inside the archive, `/` between its parts; directories end with `/`
 * @property {'stored' | 'deflated'} method
 * @property {number} crc CRC-32 of the content
 * @property {number} packed bytes in the archive
 * @property {number} size bytes of content
 * @property {number} at offset of its local header
 */

/**
 * Reads the central directory of a zip archive, which alone says what the archive holds.
 *
 * Refused are: anything before, between or after what the directory describes that makes two readings
 * possible, zip64, encryption, several disks, other methods than store and deflate, symbolic links, a name
 * twice, and names that could leave the directory they are unpacked in.
 *
 * @param {import('node:fs/promises').FileHandle} archive
 * @returns {Promise<{entries: Map<string, ZipEntry>, start: number}>} the entries by name, and the
 *   directory's offset, before which all content must lie
 * @throws {ZipRefused}
 */
export async function readDirectory(archive) {
  const { count, length, start } = await findEnd(archive);
  const bytes = await readExactly(archive, start, length);
  /** @type {Map<string, ZipEntry>} */
  const entries = new Map();
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const { entry, next } = readEntry(bytes, at);
    if (entries.has(entry.name)) throw new ZipRefused(`${entry.name} is in the archive twice`);
    entries.set(entry.name, entry);
    at = next;
  }
  if (at !== length) throw new ZipRefused('its directory is longer than its entries');
  return { entries, start };
}

/**
 * @param {import('node:fs/promises').FileHandle} archive
 * @param {number} at
 * @param {number} length
 * @returns {Promise<Buffer>} exactly that many bytes
 * @throws {ZipRefused} when the archive ends before
 */
export async function readExactly(archive, at, length) {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await archive.read(bytes, filled, length - filled, at + filled);
    if (bytesRead === 0) throw new ZipRefused('it ends too early');
    filled += bytesRead;
  }
  return bytes;
}

/** @param {import('node:fs/promises').FileHandle} archive */
async function findEnd(archive) {
  const { size } = await archive.stat();
  const length = Math.min(size, END.size + END.longestComment);
  const tail = await readExactly(archive, size - length, length);
  for (let at = length - END.size; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== END.signature) continue;
    // The comment must reach the very end, else this is a chance match inside one.
    if (at + END.size + tail.readUInt16LE(at + 20) !== length) continue;
    return readEnd(tail.subarray(at), size - length + at);
  }
  throw new ZipRefused('it is not a zip archive, or it was cut off');
}

/** @param {Buffer} end @param {number} at offset of `end` in the archive */
function readEnd(end, at) {
  const [disk, startDisk, countHere, count] = [4, 6, 8, 10].map((field) => end.readUInt16LE(field));
  const length = end.readUInt32LE(12);
  const start = end.readUInt32LE(16);
  if (count === 0xffff || length === 0xffffffff || start === 0xffffffff) {
    throw new ZipRefused('it is a zip64 archive');
  }
  if (disk !== 0 || startDisk !== 0 || countHere !== count)
    throw new ZipRefused('it spans several disks');
  if (start + length !== at) throw new ZipRefused('its directory is not where its end says');
  return { count, length, start };
}

/** @param {Buffer} bytes the whole directory @param {number} at */
function readEntry(bytes, at) {
  if (at + CENTRAL.size > bytes.length || bytes.readUInt32LE(at) !== CENTRAL.signature) {
    throw new ZipRefused('its directory is damaged');
  }
  const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
    bytes.readUInt16LE(at + field),
  );
  const next = at + CENTRAL.size + nameLength + extraLength + commentLength;
  if (next > bytes.length) throw new ZipRefused('its directory is damaged');
  const name = bytes.toString('utf8', at + CENTRAL.size, at + CENTRAL.size + nameLength);
  refuseUnsafe(name);
  if ((bytes.readUInt16LE(at + 8) & FLAG_ENCRYPTED) !== 0)
    throw new ZipRefused(`${name} is encrypted`);
  const method = METHODS.get(bytes.readUInt16LE(at + 10));
  if (method === undefined) throw new ZipRefused(`${name} is packed in an unknown way`);
  const mode = bytes.readUInt16LE(at + 40);
  if (bytes[at + 5] === UNIX && (mode & FILE_TYPE) === SYMLINK)
    throw new ZipRefused(`${name} is a symbolic link`);
  const [crc, packed, size] = [16, 20, 24].map((field) => bytes.readUInt32LE(at + field));
  return { entry: { name, method, crc, packed, size, at: bytes.readUInt32LE(at + 42) }, next };
}

/** @param {string} name */
function refuseUnsafe(name) {
  const parts = name.replace(/\/$/, '').split('/');
  const unsafe = parts.some((part) => part === '' || part === '.' || part === '..');
  // U+FFFD is what bytes that are no UTF-8 turn into: two names could become one.
  if (unsafe || /[\\\0\ufffd]/.test(name) || /^[A-Za-z]:/.test(name)) {
    throw new ZipRefused(`the name ${JSON.stringify(name)} is not allowed`);
  }
}
