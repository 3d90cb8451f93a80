/** A code of the specification ("Error Codes", code-1 to code-14), or `UNKNOWN` for a fault of the registry's own. */
export type ErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'UNAUTHORIZED'
  | 'DENIED'
  | 'UNSUPPORTED'
  | 'TOOMANYREQUESTS'
  | 'UNKNOWN';

/** The one table of errors: what the registry may answer when it refuses, with the status, a default message and the
 *  place in the specification that asks for it. docs/errors.md is generated from it. */
const table: Readonly<Record<ErrorCode, readonly [status: number, message: string, section: string]>> = {
  BLOB_UNKNOWN: [404, 'This repository has no such blob. Push it first.', 'Pulling blobs'],
  BLOB_UPLOAD_INVALID: [400, 'The upload is not valid. Start a new one with POST.', 'Pushing blobs'],
  BLOB_UPLOAD_UNKNOWN: [404, 'There is no such upload session: it ended or expired. Start a new one.', 'Pushing blobs'],
  DIGEST_INVALID: [400, 'The digest does not match the content that arrived.', 'Pushing blobs'],
  MANIFEST_BLOB_UNKNOWN: [404, 'The manifest names content that this repository does not have.', 'Pushing Manifests'],
  MANIFEST_INVALID: [400, 'The manifest is not valid.', 'Pushing Manifests'],
  MANIFEST_UNKNOWN: [404, 'This repository has no such manifest.', 'Pulling manifests'],
  NAME_INVALID: [400, 'The repository name is not valid.', 'Pulling manifests'],
  NAME_UNKNOWN: [404, 'There is no such repository.', 'Pulling manifests'],
  SIZE_INVALID: [400, 'The length that was announced is not the length that arrived.', 'Pushing blobs'],
  UNAUTHORIZED: [401, 'Log in first.', 'Determining Support'],
  DENIED: [403, 'You may not do this.', 'Error Codes'],
  UNSUPPORTED: [405, 'This operation is not supported.', 'Error Codes'],
  TOOMANYREQUESTS: [429, 'Too many requests. Try again later.', 'Error Codes'],
  UNKNOWN: [500, 'Something went wrong inside the registry. Its log tells more under this request id.', 'Error Codes'],
};

/** One entry of the table: what a code answers when nothing more is known. */
export interface ErrorEntry {
  readonly code: ErrorCode;
  readonly status: number;
  readonly message: string;
  /** Heading in the distribution specification. */
  readonly section: string;
}

/** Every code with its status, message and section, in the order of the specification. */
export const errorTable: readonly ErrorEntry[] = (Object.keys(table) as ErrorCode[]).map((code) => {
  const [status, message, section] = table[code];
  return { code, status, message, section };
});

/** Statuses that a code may answer in the place of its own, each for one situation. */
export type OtherStatus = 400 | 404 | 409 | 412 | 413 | 414 | 415 | 416 | 431 | 503 | 507;

/** What narrows an error beyond its code. */
export interface ErrorOptions {
  /** Replaces the status of the table. */
  readonly status?: OtherStatus;
  /** Facts a client can use; plain JSON. */
  readonly detail?: unknown;
  /** Headers of the answer, such as `Range` with 416 or `Allow` with 405. */
  readonly headers?: Readonly<Record<string, string>>;
  /** More errors of the same kind, each with its detail: one document lists them all. */
  readonly also?: readonly { readonly message: string; readonly detail: unknown }[];
  readonly cause?: unknown;
}

/** A refusal that a client is told of, as the specification's error document. */
export class OciError extends Error {
  override readonly name = 'OciError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly detail: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly also: readonly { readonly message: string; readonly detail: unknown }[];

  constructor(code: ErrorCode, message?: string, options: ErrorOptions = {}) {
    const [status, defaultMessage] = table[code];
    super(message ?? defaultMessage, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? status;
    this.detail = options.detail;
    this.headers = options.headers ?? {};
    this.also = options.also ?? [];
  }

  /** The same error with more headers. */
  withHeaders(headers: Readonly<Record<string, string>>): OciError {
    const { message, detail, also, cause } = this;
    return new OciError(this.code, message, {
      status: this.status as OtherStatus,
      detail,
      also,
      cause,
      headers: { ...this.headers, ...headers },
    });
  }

  /** The error document of the specification ("Error Codes"). */
  toJSON(): { errors: readonly { code: ErrorCode; message: string; detail?: unknown }[] } {
    const entry = (message: string, detail: unknown): { code: ErrorCode; message: string; detail?: unknown } =>
      detail === undefined ? { code: this.code, message } : { code: this.code, message, detail };
    return { errors: [entry(this.message, this.detail), ...this.also.map((e) => entry(e.message, e.detail))] };
  }
}

/** `text` as it may stand in a message: printable, and at most `maximum` characters long. */
export function quote(text: string, maximum = 80): string {
  const printable = text.replace(/[^\x20-\x7e]/g, '?');
  return `"${printable.length > maximum ? `${printable.slice(0, maximum)}…` : printable}"`;
}
