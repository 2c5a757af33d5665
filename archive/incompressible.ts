const samples = 16;
const sampleBytes = 1024;
/** Bits a byte of noise has (8), less what so few bytes of it seem to lack. */
const noiseBits = 7.75;
const firstNoiseBits = 7;

/**
 * Whether deflate would find nothing in `content`: bytes taken from all over it are spread as those
 * of compressed or encrypted data are (Shannon's entropy of single bytes, of 16 KiB). Charms and
 * resources that a controller keeps in GridFS are such data, and the slowest that zlib meets.
 */
export function isIncompressible(content: Buffer): boolean {
  if (content.length < 4 * samples * sampleBytes) return false;
  const counts = new Uint32Array(256);
  const stride = Math.floor((content.length - sampleBytes) / (samples - 1));
  for (let sample = 0; sample < samples; sample++) {
    const start = sample * stride;
    for (let at = start; at < start + sampleBytes; at++) {
      const byte = content[at] ?? 0;
      counts[byte] = (counts[byte] ?? 0) + 1;
    }
    if (sample === 0 && bitsPerByte(counts, sampleBytes) < firstNoiseBits) return false;
  }
  return bitsPerByte(counts, samples * sampleBytes) >= noiseBits;
}

function bitsPerByte(counts: Uint32Array, total: number): number {
  let bits = 0;
  for (const count of counts) {
    if (count > 0) bits -= (count / total) * Math.log2(count / total);
  }
  return bits;
}
