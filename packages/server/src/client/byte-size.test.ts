import { expect, test } from 'vitest';
import { formatBytes, parseByteSize } from './byte-size.ts';

test('a size has a number and a unit', () => {
  expect(['50MiB', '100 MB', '1.5KiB', '7', '2GiB'].map(parseByteSize)).toEqual([
    50 * 2 ** 20,
    100_000_000,
    1536,
    7,
    2 ** 31,
  ]);
  for (const wrong of ['', 'MiB', '0', '-1', '5 miles', '1e3', '99999999999GiB', '0.1']) {
    expect(() => parseByteSize(wrong), wrong).toThrow(/is not a size/);
  }
});

test('bytes are shown in the unit that fits', () => {
  expect([0, 1023, 1024, 12_900_000, 3 * 2 ** 30].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '12.3 MiB',
    '3.0 GiB',
  ]);
});
