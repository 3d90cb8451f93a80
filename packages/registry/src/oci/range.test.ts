import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OciError } from './error.ts';
import { lengthOf, parseContentRange, parseRange } from './range.ts';

/** Any text at all, halves of surrogate pairs included. */
const anyText = fc.uint16Array({ maxLength: 40 }).map((units) => String.fromCharCode(...units));

/** The positions that a `Range` of `first` to `last` picks out of `sizeBytes`, one by one. */
function positionsOf(
  range: { first: number | undefined; last: number | undefined },
  sizeBytes: number,
): readonly number[] {
  const all = Array.from({ length: sizeBytes }, (_, position) => position);
  const { first, last } = range;
  if (first === undefined) return all.slice(Math.max(0, sizeBytes - (last ?? 0)));
  return all.filter((position) => position >= first && (last === undefined || position <= last));
}

test('a range picks the bytes that a naive reading of RFC 9110 picks, and is unsatisfiable where those are none', () => {
  const ends = fc.option(fc.nat(40), { nil: undefined });
  fc.assert(
    fc.property(ends, ends, fc.nat(30), (first, last, sizeBytes) => {
      const positions = positionsOf({ first, last }, sizeBytes);
      const [start] = positions;
      const picked = start === undefined ? 'unsatisfiable' : { start, end: positions.at(-1) };
      const expected = first === undefined && last === undefined ? 'whole' : picked;
      expect(parseRange(`bytes=${first ?? ''}-${last ?? ''}`, sizeBytes)).toEqual(expected);
    }),
    { numRuns: 3000 },
  );
});

test('any header is whole, unsatisfiable, or a range within the content', () => {
  const headers = fc.oneof(
    anyText,
    fc.string({ unit: fc.constantFrom(...'bytes=-, 0159') }),
    fc.string({ unit: fc.constantFrom(...'0123456789-,') }).map((text) => `bytes=${text}`),
  );
  fc.assert(
    fc.property(headers, fc.nat(), (header, sizeBytes) => {
      const result = parseRange(header, sizeBytes);
      if (typeof result === 'string') return;
      expect(result.start).toBeGreaterThanOrEqual(0);
      expect(result.end).toBeGreaterThanOrEqual(result.start);
      expect(result.end).toBeLessThan(sizeBytes);
      expect(lengthOf(result)).toBe(result.end - result.start + 1);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [undefined, 'whole'],
  ['', 'whole'],
  ['bytes', 'whole'],
  ['bytes=', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=a-b', 'whole'],
  ['bytes=5-3', 'unsatisfiable'],
  ['bytes=0-1,3-4', 'whole'],
  ['bytes=0-1,', 'whole'],
  ['bytes=--1', 'whole'],
  ['bytes=0x1-2', 'whole'],
  ['bytes=1.0-2', 'whole'],
  ['bytes=+1-2', 'whole'],
  ['bytes=0 - 1', 'whole'],
  ['items=0-1', 'whole'],
  ['bytes=0-0', { start: 0, end: 0 }],
  ['BYTES=2-', { start: 2, end: 9 }],
  [' bytes=2-3 ', { start: 2, end: 3 }],
  ['bytes=007-8', { start: 7, end: 8 }],
  ['bytes=9-', { start: 9, end: 9 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=-1', { start: 9, end: 9 }],
  ['bytes=-11', { start: 0, end: 9 }],
  [`bytes=0-${'9'.repeat(400)}`, { start: 0, end: 9 }],
  [`bytes=${'9'.repeat(400)}-`, 'unsatisfiable'],
  [`bytes=-${'9'.repeat(400)}`, { start: 0, end: 9 }],
])('the range %j of ten bytes is %j', (header, expected) => {
  expect(parseRange(header, 10)).toEqual(expected);
});

test('a range of a content of many tebibytes is exact', () => {
  const sizeBytes = 20 * 1024 ** 4;
  expect(parseRange(`bytes=${sizeBytes - 1}-`, sizeBytes)).toEqual({ start: sizeBytes - 1, end: sizeBytes - 1 });
});

test.each([
  `bytes=${' '.repeat(200_000)}x`,
  `bytes=${'1'.repeat(200_000)}x`,
  `bytes=${'1-'.repeat(100_000)}`,
  ' '.repeat(200_000),
  `bytes${' '.repeat(200_000)}=1-2`,
])('a hostile range is answered at once (%#)', (header) => {
  expect(parseRange(header, 10)).toBe('whole');
  expect(() => parseContentRange(`${header}x`)).toThrow(OciError);
});

test('a chunk says its range as the specification writes it, or as HTTP does', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (start, more) => {
      const range = { start, end: start + more };
      const text = `${range.start}-${range.end}`;
      for (const header of [text, ` ${text} `, `bytes ${text}/*`, `bytes ${text}/${range.end + 1}`, `bytes=${text}`]) {
        expect(parseContentRange(header)).toEqual(range);
      }
      expect(lengthOf(range)).toBe(more + 1);
    }),
  );
});

test('a chunk without a Content-Range has none', () => {
  expect(parseContentRange(undefined)).toBeUndefined();
});

test.each([
  '',
  '0',
  '-',
  '0-',
  '-1',
  '1-0',
  'a-b',
  '0-1-2',
  '0--1',
  '0-1,2-3',
  'items 0-1',
  'bytes */5',
  `0-${'9'.repeat(16)}`,
  '0-1/',
  '1e3-2e3',
])('the Content-Range %j is refused with BLOB_UPLOAD_INVALID', (header) => {
  expect(() => parseContentRange(header)).toThrow(
    expect.objectContaining({ code: 'BLOB_UPLOAD_INVALID', status: 400 }),
  );
});

test('any Content-Range is an exact range or refused with BLOB_UPLOAD_INVALID', () => {
  const headers = fc.oneof(anyText, fc.string({ unit: fc.constantFrom(...'bytes =-/*019') }));
  fc.assert(
    fc.property(headers, (header) => {
      try {
        const range = parseContentRange(header);
        expect(range && Number.isSafeInteger(range.end) && range.start <= range.end).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(OciError);
        expect(error).toMatchObject({ code: 'BLOB_UPLOAD_INVALID' });
      }
    }),
    { numRuns: 2000 },
  );
});
