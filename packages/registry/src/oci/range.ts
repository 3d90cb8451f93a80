import { OciError, quote } from './error.ts';

/** Bytes `start` to `end` of a content, both counted from 0 and both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A `Range` header read against a content of a known size. */
export type RangeResult = 'whole' | 'unsatisfiable' | ByteRange;

/** What a `Range` header asks of a content of `sizeBytes` (RFC 9110, section 14). A header that is malformed, of another unit or of
 *  several ranges is answered with the whole content, as the RFC allows. */
export function parseRange(header: string | undefined, sizeBytes: number): RangeResult {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? '');
  if (match === null) return 'whole';
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return 'whole';
  if (first === '') {
    const suffix = Math.min(Number(last), sizeBytes);
    return suffix === 0 ? 'unsatisfiable' : { start: sizeBytes - suffix, end: sizeBytes - 1 };
  }
  const start = Number(first);
  // The RFC calls a range that runs backwards malformed; the conformance suite wants it refused rather than answered whole.
  if (start >= sizeBytes || (last !== '' && Number(last) < start)) return 'unsatisfiable';
  return { start, end: last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1) };
}

/** The `Content-Range` of an upload's chunk: `start-end` as the specification writes it ("Pushing a blob in chunks"), or
 *  `bytes start-end/total` as HTTP does. Undefined where there is none; else `BLOB_UPLOAD_INVALID`. */
export function parseContentRange(header: string | undefined): ByteRange | undefined {
  if (header === undefined) return undefined;
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/i.exec(header.trim());
  const start = Number(match?.[1]);
  const end = Number(match?.[2]);
  if (match === null || end < start) {
    throw new OciError(
      'BLOB_UPLOAD_INVALID',
      `${quote(header)} is not a Content-Range: write START-END, both included, such as 0-1023.`,
    );
  }
  return { start, end };
}

/** How many bytes a range holds. */
export function lengthOf(range: ByteRange): number {
  return range.end - range.start + 1;
}

/** The `Range` of a session that has `sizeBytes`; an empty one says `0-0`. */
export function formatUploadRange(sizeBytes: number): string {
  return `0-${Math.max(sizeBytes - 1, 0)}`;
}
