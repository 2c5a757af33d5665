import { formatDuration, parseDuration } from '../../core/durations';
import { formatSize, parseSize } from '../../core/sizes';

describe('durations', () => {
  it.each([
    ['30s', 30_000],
    ['24h', 86_400_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['2d', 172_800_000],
    ['0s', 0],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
    expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds);
  });

  it.each(['', '30', '30 s', '-1s', '1.5h', '30m1h', '1h 30m', '1H', 'forever', '1s\n', '1e3s'])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

describe('sizes', () => {
  it.each([
    ['4096', 4096],
    ['500M', 500 * 1024 ** 2],
    ['4MiB', 4 * 1024 ** 2],
    ['2GB', 2_000_000_000],
    ['7B', 7],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', '5 MB', '1.5G', '-1', '5m', '5mib', 'MiB', '99999P', '1iB', '1\n'])(
    '%j is none',
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );

  it.each([
    [0, '0 B'],
    [998, '998 B'],
    [1023, '1.0 KiB'],
    [4 * 1024 ** 2, '4.0 MiB'],
    [117 * 1024 ** 3 + 1, '117 GiB'],
  ])('%d bytes are shown as %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});
