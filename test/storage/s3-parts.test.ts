import {
  growingPartSize,
  mostParts,
  partLength,
  partSizeFor,
  partsInFlight,
} from '../../storage/s3-parts';

const mebibyte = 1024 ** 2;
const terabyte = 1000 ** 4;

describe('the parts of an upload', () => {
  it('are at most 10,000, also of 1 TB and of 5 TiB', () => {
    for (const size of [1, 80 * 1024 * mebibyte, terabyte, 1024 ** 4, 5 * 1024 ** 4]) {
      const part = partSizeFor(size, 8 * mebibyte);
      expect(Math.ceil(size / part)).toBeLessThanOrEqual(mostParts);
      expect(part % mebibyte).toBe(0);
    }
    expect(partSizeFor(terabyte, 8 * mebibyte)).toBe(96 * mebibyte);
    const count = Math.ceil(terabyte / (96 * mebibyte));
    expect(count).toBe(9_935);
    let sum = 0;
    for (let number = 1; number <= count; number += 1) {
      sum += partLength(number, 96 * mebibyte, terabyte);
    }
    expect(sum).toBe(terabyte);
  });

  it('of unknown sizes grow, so that 10,000 of them hold more than 2 TiB', () => {
    let sum = 0;
    for (let number = 1; number <= mostParts; number += 1) {
      const bytes = growingPartSize(number, 8 * mebibyte);
      expect(bytes).toBeGreaterThanOrEqual(growingPartSize(Math.max(1, number - 1), 8 * mebibyte));
      sum += bytes;
    }
    expect(sum).toBeGreaterThan(2 * 1024 ** 4);
  });

  it('take no more than 256 MiB on their way, unless one alone does', () => {
    expect(partsInFlight(8 * mebibyte, 4)).toBe(4);
    expect(partsInFlight(96 * mebibyte, 4)).toBe(2);
    expect(partsInFlight(600 * mebibyte, 4)).toBe(1);
  });
});
