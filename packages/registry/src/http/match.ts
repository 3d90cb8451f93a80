import { OciError, quote } from '../oci/error.ts';
import type { RouteRequest } from './endpoint.ts';
import type { RegistryRequest } from './message.ts';
import type { Route } from './routes.ts';

/** A request's path and query apart. */
export interface Target {
  readonly path: string;
  readonly query: string;
}

/** A row that fits a request. */
export interface Match {
  readonly route: Route;
  readonly params: RouteRequest['params'];
}

/** Longest path with its query that is read, in characters. */
const maximumTargetLength = 16 * 1024;

/** Splits a target; 414 when it is too long. */
export function splitTarget(target: string): Target {
  if (target.length > maximumTargetLength) {
    throw new OciError('UNSUPPORTED', `The URL is longer than ${maximumTargetLength} characters.`, { status: 414 });
  }
  const mark = target.indexOf('?');
  return mark < 0 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** Finds the row for a request. A path that is no endpoint is 404, a method that it does not have 405 with `Allow`. */
export function createMatcher(
  routes: readonly Route[],
  prefix: string,
): (request: Pick<RegistryRequest, 'method'>, path: string) => Match {
  const patterns = new Map<string, { pattern: RegExp; rows: Route[] }>();
  for (const route of routes) {
    const entry = patterns.get(route.path) ?? { pattern: toPattern(route.path, prefix), rows: [] };
    entry.rows.push(route);
    patterns.set(route.path, entry);
  }

  return ({ method }, path) => {
    for (const { pattern, rows } of patterns.values()) {
      const found = pattern.exec(path);
      if (found === null) continue;
      const wanted = method === 'HEAD' ? 'GET' : method;
      const route = rows.find((row) => row.method === wanted);
      if (route === undefined) throw methodNotAllowed(method, rows);
      return { route, params: readParams(found.groups ?? {}) };
    }
    throw new OciError('UNSUPPORTED', `${quote(path)} is no endpoint of the Distribution API.`, { status: 404 });
  };
}

function toPattern(path: string, prefix: string): RegExp {
  const escaped = prefix.replace(/[^\w/]/g, '\\$&');
  const source = path
    .replace(/^\/v2/, escaped)
    .replace(/\/$/, '')
    .replace(/<(\w+)>/g, (_, name) => `(?<${name}>${name === 'name' ? '.+' : '[^/]+'})`);
  return new RegExp(`^${source}/?$`, 's');
}

function methodNotAllowed(method: string, rows: readonly Route[]): OciError {
  const allowed = rows.flatMap((row) => (row.method === 'GET' ? ['GET', 'HEAD'] : [row.method]));
  return new OciError('UNSUPPORTED', `${quote(method)} is not a method of this endpoint.`, {
    headers: { Allow: allowed.join(', ') },
  });
}

function readParams({ name = '', reference = '', session = '' }: Record<string, string>): RouteRequest['params'] {
  // Some clients write the colon of a digest as %3A. A name with an escape stays as it is, and is then no name.
  return { name, reference: decode(reference), session };
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new OciError('MANIFEST_INVALID', `${quote(text)} has a broken percent-escape.`, { cause });
  }
}
