import { OciError, quote } from '../oci/error.ts';
import type { ResponseHeaders } from './message.ts';

/** Entries of one page at the most, and where the client does not say how many it wants. */
const maximumPageSize = 10_000;

/** How many entries a request wants; a number above the limit is lowered to it. */
export function parsePageSize(query: URLSearchParams): number {
  const n = query.get('n');
  if (n === null || n === '') return maximumPageSize;
  if (!/^\d+$/.test(n))
    throw new OciError('UNSUPPORTED', `n=${quote(n)} is not a number of entries: use an integer from 0 on.`, {
      status: 400,
    });
  return Math.min(Number(n), maximumPageSize);
}

/** After which entry the page begins. */
export function parseLast(query: URLSearchParams): string | undefined {
  const last = query.get('last');
  return last === null || last === '' ? undefined : last;
}

/** The `Link` to the next page (RFC 8288). */
export function nextLink(url: string): ResponseHeaders {
  return { Link: `<${url}>; rel="next"` };
}
