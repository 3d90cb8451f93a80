import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import { ExitError } from '../../exit-error.ts';
import type { Endpoint } from '../endpoint.ts';
import { speaksHttps } from './connection-error.ts';

/** A registry answered, and not what was wanted. The message has the registry's own words and its id of the request. */
export class RefusedError extends ExitError {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Of the specification, such as `BLOB_UPLOAD_UNKNOWN`. */
  readonly codes: readonly string[];

  constructor(message: string, about: { status: number; headers: IncomingHttpHeaders; codes: readonly string[] }) {
    super(message);
    this.status = about.status;
    this.headers = about.headers;
    this.codes = about.codes;
  }
}

/** An answer that was not wanted. */
export interface RefusedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The first part of its body. */
  readonly text: string;
}

const shownErrors = 3;
const shownCharacters = 600;

/** The error that an answer means for who wanted to do something; `doing` begins with a verb, `hint` says what may help. */
export function toRefusedError(
  { status, headers, text }: RefusedAnswer,
  {
    endpoint,
    doing,
    hint,
  }: { readonly endpoint: Endpoint; readonly doing: string; readonly hint?: string | undefined },
): RefusedError {
  const errors = readErrors(text);
  const codes = errors.map(({ code }) => code);
  const about = { status, headers, codes };
  if (status === 400 && endpoint.origin.startsWith('http:') && /https (?:server|port)|speaks https/i.test(text)) {
    return new RefusedError(speaksHttps(endpoint), about);
  }
  const id = headers['x-request-id'];
  const facts = [[status, ...codes].join(' '), ...(typeof id === 'string' ? [`request id ${clean(id, 100)}`] : [])];
  const words = errors.map(({ message }) => message).filter((message) => message !== '');
  const said = words.length > 0 ? words.slice(0, shownErrors).join(' ') : plainWords(status, headers, text);
  const verb = status >= 500 || status === 429 ? 'could not' : 'refused to';
  const sentence = /[.!?]$/.test(said) ? said : `${said}.`;
  return new RefusedError(
    `${endpoint.host} ${verb} ${doing}: ${sentence} (${facts.join(', ')})${hint === undefined ? '' : ` ${hint}`}`,
    about,
  );
}

interface SpokenError {
  readonly code: string;
  readonly message: string;
}

/** The error document of the specification ("Error Codes"), or of a token server (RFC 6749, section 5.2). */
function readErrors(text: string): readonly SpokenError[] {
  const document = parse(text);
  if (typeof document?.['error'] === 'string') {
    const description = document['error_description'];
    return [{ code: clean(document['error'], 40), message: typeof description === 'string' ? clean(description) : '' }];
  }
  const errors = document?.['errors'];
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((error: unknown) => {
    if (typeof error !== 'object' || error === null || !('code' in error)) return [];
    const message = 'message' in error && typeof error.message === 'string' ? error.message : '';
    return [{ code: clean(String(error.code), 40), message: clean(message) }];
  });
}

/** What a proxy says that knows nothing of registries: its pages are markup, which nobody wants to read. */
function plainWords(status: number, headers: IncomingHttpHeaders, text: string): string {
  const isText = headers['content-type']?.startsWith('text/plain') === true && text.trim() !== '';
  if (isText) return clean(text, 200);
  const server = headers['server'];
  return `${STATUS_CODES[status] ?? 'an answer of no known kind'}${server === undefined ? '' : ` from ${clean(String(server), 60)}`}`;
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined; // a page of a proxy
  }
}

function clean(text: string, maximum = shownCharacters): string {
  const shown = text.replace(/\p{C}+/gu, ' ').trim();
  return shown.length > maximum ? `${shown.slice(0, maximum)}…` : shown;
}
