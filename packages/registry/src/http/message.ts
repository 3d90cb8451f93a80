import type { Bytes, FileRange } from '../storage/blob-store.ts';

/** Headers of a request: lower-case names; a header that came several times is joined by `, `, as HTTP does. */
export type RequestHeaders = Readonly<Record<string, string | undefined>>;

/** A request as an adapter hands it over. */
export interface RegistryRequest {
  readonly method: string;
  /** Path and query as they came, still percent-encoded, beginning with `/`. */
  readonly target: string;
  readonly headers: RequestHeaders;
  /** The body, read at most once and only when the request is allowed to go on: an adapter whose host knows `Expect: 100-continue` answers it at the first read.
   *  It throws `DisconnectedError` when the client goes away before the body ends. */
  readonly body: Bytes;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** Scheme and host that the client used, such as `https://hub.example`; undefined where the host does not know. */
  readonly origin?: string | undefined;
  /** IP address of the client; undefined where the host does not know. */
  readonly address?: string | undefined;
}

/** Headers of an answer, by their usual spelling; an array is sent as several header lines. */
export type ResponseHeaders = Readonly<Record<string, string | readonly string[]>>;

/** Body of an answer: nothing, bytes, a part of a file, or a stream. */
export type ResponseBody =
  | { readonly kind: 'empty' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly file: FileRange }
  | { readonly kind: 'stream'; readonly stream: Bytes };

/** An answer. `Content-Length` is always among the headers, except with statuses that have none; an answer to HEAD carries the length of the body
 *  that GET would have had, and an empty body. */
export interface RegistryResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: ResponseBody;
}

/** The client went away before its body ended. A normal outcome: what arrived is kept. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
}
