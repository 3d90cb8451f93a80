import { parseDigest } from '../../oci/digest.ts';
import { OciError } from '../../oci/error.ts';
import { mediaTypes } from '../../oci/media-type.ts';
import { type ByteRange, lengthOf, parseRange } from '../../oci/range.ts';
import type { Blob } from '../../registry/blobs.ts';
import type { RepositoryEndpoint } from '../endpoint.ts';
import { contentHeaders, empty, isNotModified } from '../headers.ts';
import type { RegistryResponse, RequestHeaders, ResponseHeaders } from '../message.ts';

/** end-2. A blob or a range of it; HEAD is a promise that the client need not push it for a while. */
export const getBlob: RepositoryEndpoint<'pull'> = async ({ blobs, pulls }, permit, { params, headers, isHead }) => {
  const digest = parseDigest(params.reference);
  const blob = isHead ? await blobs.promise(permit, digest) : await blobs.get(permit, digest);
  const common: ResponseHeaders = {
    ...contentHeaders(digest),
    'Content-Type': mediaTypes.octetStream,
    'Accept-Ranges': 'bytes',
  };
  if (isNotModified(headers, digest)) return empty(304, common);
  // Only GET has ranges (RFC 9110, section 14.2).
  const range = isHead ? 'whole' : parseRange(rangeHeader(headers, blob), blob.sizeBytes);
  if (range === 'unsatisfiable') throw unsatisfiable(blob);
  if (!isHead) pulls.countBlob(permit, range === 'whole' ? blob.sizeBytes : lengthOf(range));
  return range === 'whole'
    ? answer(blob, { status: 200, range: { start: 0, end: blob.sizeBytes - 1 }, headers: common })
    : answer(blob, {
        status: 206,
        range,
        headers: { ...common, 'Content-Range': `bytes ${range.start}-${range.end}/${blob.sizeBytes}` },
      });
};

/** The `Range`, unless `If-Range` names other content (RFC 9110, section 13.1.5). */
function rangeHeader(headers: RequestHeaders, { digest }: Blob): string | undefined {
  const ifRange = headers['if-range'];
  return ifRange === undefined || ifRange === `"${digest}"` ? headers['range'] : undefined;
}

function unsatisfiable({ sizeBytes }: Blob): OciError {
  return new OciError('SIZE_INVALID', `The blob has ${sizeBytes} bytes: the range lies behind its end.`, {
    status: 416,
    headers: { 'Content-Range': `bytes */${sizeBytes}` },
  });
}

function answer(blob: Blob, part: { status: number; range: ByteRange; headers: ResponseHeaders }): RegistryResponse {
  const length = lengthOf(part.range);
  return {
    status: part.status,
    headers: { ...part.headers, 'Content-Length': String(length) },
    body: length === 0 ? { kind: 'empty' } : blob.read(part.range.start, length),
  };
}
