/**
 * CRC-64 with the ECMA-182 polynomial, reflected, as Go's `hash/crc64` (`crc64.ECMA`) computes it:
 * the check of each collection in an archive of mongodump.
 */
export class Crc64 {
  /** The register's halves, complemented. */
  #high = -1;
  #low = -1;

  update(bytes: Buffer): void {
    let high = this.#high;
    let low = this.#low;
    let at = 0;
    // Eight bytes at a time: byte k of the register meets the table for 7 - k bytes that follow it.
    for (const end = bytes.length - 7; at < end; at += 8) {
      low ^= bytes.readInt32LE(at);
      high ^= bytes.readInt32LE(at + 4);
      const a = 1792 + (low & 0xff);
      const b = 1536 + ((low >>> 8) & 0xff);
      const c = 1280 + ((low >>> 16) & 0xff);
      const d = 1024 + (low >>> 24);
      const e = 768 + (high & 0xff);
      const f = 512 + ((high >>> 8) & 0xff);
      const g = 256 + ((high >>> 16) & 0xff);
      const h = high >>> 24;
      low = lows(a) ^ lows(b) ^ lows(c) ^ lows(d) ^ lows(e) ^ lows(f) ^ lows(g) ^ lows(h);
      high = highs(a) ^ highs(b) ^ highs(c) ^ highs(d) ^ highs(e) ^ highs(f) ^ highs(g) ^ highs(h);
    }
    for (; at < bytes.length; at++) {
      const index = (low ^ (bytes[at] ?? 0)) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ lows(index);
      high = (high >>> 8) ^ highs(index);
    }
    this.#high = high;
    this.#low = low;
  }

  /** The sum of all bytes so far, as the 64 bits of a signed number. */
  digest(): bigint {
    const high = BigInt(~this.#high >>> 0);
    return BigInt.asIntN(64, (high << 32n) | BigInt(~this.#low >>> 0));
  }
}

const polynomial = { high: 0xc96c5795 | 0, low: 0xd7870f42 | 0 };
const tables = makeTables();
const lows = (index: number): number => tables.low[index] ?? 0;
const highs = (index: number): number => tables.high[index] ?? 0;

/** Eight tables of 256: what a byte leaves in the register after 0 to 7 more bytes of zeros. */
function makeTables(): { readonly high: Int32Array; readonly low: Int32Array } {
  const high = new Int32Array(8 * 256);
  const low = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let [h, l] = [0, byte];
    for (let bit = 0; bit < 8; bit++) {
      const odd = l & 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (odd === 0) continue;
      h ^= polynomial.high;
      l ^= polynomial.low;
    }
    high[byte] = h;
    low[byte] = l;
  }
  for (let at = 256; at < 8 * 256; at++) {
    const [h, l] = [high[at - 256] ?? 0, low[at - 256] ?? 0];
    low[at] = ((l >>> 8) | (h << 24)) ^ (low[l & 0xff] ?? 0);
    high[at] = (h >>> 8) ^ (high[l & 0xff] ?? 0);
  }
  return { high, low };
}
