import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/error.ts';
import type { TagCondition } from '../storage/metadata-store.ts';
import type { RegistryResponse, RequestHeaders, ResponseHeaders } from './message.ts';

/** Most bytes that all `Warning` headers of an answer may have together (spec, "Warnings"). */
const maximumWarningBytes = 4096;

/** Length of a request's body in bytes; undefined where it is sent in chunks, or where nothing is said. */
export function bodyLength(headers: RequestHeaders): number | undefined {
  const length = headers['content-length'];
  return length === undefined || headers['transfer-encoding'] !== undefined ? undefined : Number(length);
}

/** An answer without a body. */
export function empty(status: number, headers: ResponseHeaders = {}): RegistryResponse {
  const length: ResponseHeaders = status === 204 || status === 304 ? {} : { 'Content-Length': '0' };
  return { status, headers: { ...headers, ...length }, body: { kind: 'empty' } };
}

/** An answer of bytes. */
export function withBytes(status: number, bytes: Uint8Array, headers: ResponseHeaders): RegistryResponse {
  return {
    status,
    headers: { ...headers, 'Content-Length': String(bytes.byteLength) },
    body: { kind: 'bytes', bytes },
  };
}

/** An answer of JSON. */
export function json(status: number, value: unknown, headers: ResponseHeaders = {}): RegistryResponse {
  return withBytes(status, new TextEncoder().encode(JSON.stringify(value)), {
    'Content-Type': 'application/json',
    ...headers,
  });
}

/** Headers of content that has a digest: it never changes, and nobody on the way may re-encode it. */
export function contentHeaders(digest: Digest): ResponseHeaders {
  return { 'Docker-Content-Digest': digest, ETag: `"${digest}"`, 'Cache-Control': 'no-transform' };
}

/** Whether the client has this very content already (RFC 9110, section 13.1.2). */
export function isNotModified(headers: RequestHeaders, digest: Digest): boolean {
  const wanted = parseEntityTags(headers['if-none-match']);
  return wanted !== undefined && (wanted === '*' || wanted.includes(digest));
}

/** The condition of a push; entity tags are digests. Undefined where there is none. */
export function parseCondition(headers: RequestHeaders): TagCondition | undefined {
  const ifMatch = parseEntityTags(headers['if-match']);
  const ifNoneMatch = parseEntityTags(headers['if-none-match']);
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  return { ...(ifMatch === undefined ? {} : { ifMatch }), ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }) };
}

function parseEntityTags(header: string | undefined): '*' | readonly string[] | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return '*';
  return header.split(',').map((tag) =>
    tag
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1'),
  );
}

/** `Warning` headers, as many as fit. */
export function warningHeaders(warnings: readonly string[]): ResponseHeaders {
  const lines: string[] = [];
  let bytes = 0;
  for (const warning of warnings) {
    const line = `299 - "${warning.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
    bytes += line.length;
    if (bytes > maximumWarningBytes) break;
    lines.push(line);
  }
  return lines.length === 0 ? {} : { Warning: lines };
}

/** Refuses a body of a type that uploads may not have. */
export function checkUploadType(headers: RequestHeaders, allowed: readonly string[]): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';', 1);
  if (allowed.length === 0 || type === '' || allowed.includes(type.trim().toLowerCase())) return;
  throw new OciError(
    'UNSUPPORTED',
    `Uploads of the type ${type.trim()} are not accepted here: use ${allowed.join(' or ')}.`,
    { status: 415 },
  );
}
