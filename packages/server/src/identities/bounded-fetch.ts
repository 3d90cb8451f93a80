import { isLoopbackName } from '../loopback.ts';

/** Documents of issuers are a few KiB long. */
const maximumBytes = 256 * 1024;

/** How long an issuer may take for one answer. */
export const fetchTimeoutMs = 5000;

/** How a document is asked for. */
export type FetchOptions = Pick<RequestInit, 'method' | 'headers' | 'body' | 'signal'>;

/** Fetches a document from an issuer into memory: at most 256 KiB, in at most 5 s, and from nowhere but the address that is given, since a redirect is answered as the 3xx that it is. */
export async function fetchBounded(url: string, options: FetchOptions = {}): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(fetchTimeoutMs), ...options, redirect: 'manual' });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.byteLength;
    if (size > maximumBytes) throw new Error(`${url} answered with more than ${maximumBytes} bytes`);
    parts.push(part);
  }
  const { status, headers } = response;
  // Of statuses without a body there must not be one, not even an empty one.
  return new Response(size === 0 ? null : Buffer.concat(parts), { status, headers });
}

/** Whether documents may be fetched from there: https, and http on the loopback. */
export function isSafeUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && isLoopbackName(url.hostname);
}

/** What stands in the metadata of an issuer (OpenID Connect Discovery 1.0, section 4). Rejects with the reason where there is none of that very issuer. */
export async function discover(issuer: string): Promise<Readonly<Record<string, unknown>>> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetchBounded(url, { headers: { accept: 'application/json' } });
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  const document: unknown = await response.json();
  if (typeof document !== 'object' || document === null) throw new Error(`${url} is no JSON object`);
  const metadata = document as Readonly<Record<string, unknown>>;
  if (metadata['issuer'] !== issuer) throw new Error(`${url} is the document of another issuer`);
  return metadata;
}

/** The address that the metadata of an issuer names; throws where it is none that may be fetched from. */
export function endpointOf(metadata: Readonly<Record<string, unknown>>, name: string): string {
  const value = metadata[name];
  if (typeof value === 'string' && isSafeUrl(value)) return value;
  throw new Error(`the issuer names no https address as ${name}`);
}

/** Why something failed, in the words of the innermost error: `fetch` hides its reason in the cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message || error.name;
}
