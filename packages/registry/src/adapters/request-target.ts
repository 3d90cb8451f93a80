import type { IncomingMessage } from 'node:http';

/** A request of node:http. Connect and Express keep the whole target in `originalUrl` when they cut `url` at a mount path; body parsers put what they read into `body`. */
export type NodeRequest = IncomingMessage & { readonly originalUrl?: string | undefined; readonly body?: unknown };

/** Path and query of the request as they came, beginning with `/`. The absolute form (RFC 9112, section 3.2.2) loses its scheme and
 *  host; `*` stays what it is. */
export function targetOf(request: NodeRequest): string {
  const target = request.originalUrl ?? request.url ?? '/';
  if (target.startsWith('/') || target === '*') return target;
  const pathAndQuery = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  return pathAndQuery.startsWith('/') ? pathAndQuery : `/${pathAndQuery}`;
}

/** `target` without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}
