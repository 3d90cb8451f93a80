import type { RequestReport } from '@moorage/registry';

/** A request that was refused, as it is remembered. */
export interface Refusal {
  readonly requestId: string;
  /** In ms since 1970. */
  readonly atMs: number;
  readonly method: string;
  /** Path, and of its query what names content or rights. */
  readonly target: string;
  readonly status: number;
  /** Of the error document, such as `DENIED`. */
  readonly code: string;
  /** What the client was told. */
  readonly message: string;
  /** Whom the request showed itself to be from. */
  readonly identity: string | undefined;
  /** A name that was shown with a password that is not good. */
  readonly failedName: string | undefined;
  readonly address: string | undefined;
}

const mostCharacters = 512;
/** All else of a query may be anything, a secret too. */
const shownParameters = new Set(['scope', 'service', 'mount', 'from']);

/** What is worth to be remembered of a request; undefined: it was no refusal, or one that every client begins with, such as the challenge and the question whether something is there. */
export function refusalOf(report: RequestReport, atMs: number): Refusal | undefined {
  const { requestId, method, target, status, error, identity, address } = report;
  if (status < 400 || error === undefined || (method === 'HEAD' && status === 404)) return undefined;
  const { code, username: failedName } = error as Error & { readonly code?: unknown; readonly username?: unknown };
  const isChallenge = status === 401 && typeof failedName !== 'string' && error.message === 'Log in first.';
  if (isChallenge) return undefined;
  return {
    ...{ requestId, atMs, method, status, identity, address },
    target: withoutSecrets(target),
    code: typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code) ? code : 'UNKNOWN',
    // What an error of this program or its host says is for the log alone.
    message: status >= 500 ? 'The log has what went wrong, under this id.' : error.message.slice(0, mostCharacters),
    failedName: typeof failedName === 'string' ? failedName.slice(0, mostCharacters) : undefined,
  };
}

function withoutSecrets(target: string): string {
  const [path = '', query = ''] = target.split('?', 2);
  const kept = [...new URLSearchParams(query)].filter(([name]) => shownParameters.has(name));
  const shown = kept.map(([name, value]) => `${name}=${value}`).join('&');
  return (shown === '' ? path : `${path}?${shown}`).slice(0, mostCharacters);
}
