import { compressorOf, type Compressor } from '../../archive/compressor';

/** zlib in this process, for tests that don't care what compresses. */
export function zlibOf(level: number): Compressor {
  return compressorOf({ program: 'zlib', level }, (reason) => {
    throw new Error(reason);
  });
}
