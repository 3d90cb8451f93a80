import type { ServerResponse } from 'node:http';
import type { RegistryHandler } from '../http/handler.ts';
import { errorAnswer } from './error-document.ts';
import { type NodeHandler, type NodeHandlerOptions, type NodeRequest, toNodeHandler } from './node.ts';
import { isHttpServer, type TuneOptions, tuneServer } from './tune-server.ts';

/** What the handler may be told. */
export interface NextOptions extends NodeHandlerOptions {
  /** Tells registries apart that one process makes by functions. Default: `default`. */
  readonly key?: string;
  /** Limits of Next's server, which is given to `tuneServer` at the first request; false: the server stays as it is. */
  readonly tune?: TuneOptions | false;
}

/** A handler of an API route of the pages router. It resolves once the answer is over. */
export type NextHandler = (request: NodeRequest, response: ServerResponse) => Promise<void>;

// On globalThis: Next evaluates a file again at each hot reload, and in each bundle that imports it.
const KEPT_KEY = Symbol.for('@moorage/registry/next');

// More than Node itself reads of a body that nobody asks for.
const UNASKED_BYTES = 1024 * 1024;

/** Serves a registry from a self-hosted Next.js application, in the Node runtime: the default export of `pages/api/v2/[[...path]].ts`. It answers as `toNodeHandler` does.
 *  `registry` may be a function, which is kept by `keepRegistry`.
 *
 *  - Beside it the route exports `config = { api: { bodyParser: false, responseLimit: false } }`. A process warning says so where Next parses bodies: it refuses those of more than 1 MB.
 *  - next.config rewrites `/v2/:path*` to `/api/v2/:path*`, and sets `skipTrailingSlashRedirect: true`: Next redirects `/v2/` and `…/blobs/uploads/` else, which not every client follows.
 *  - Where there is a proxy file (`middleware.ts` before Next 16), leave the registry's paths out of its `matcher`: Next keeps bodies in memory for it, and cuts them at
 *    `experimental.proxyClientMaxBodySize`, 10 MB by default. A body that is shorter than its `Content-Length` therefore, or has none and more than 1 MiB (docker's layers), is refused with 413 and
 *    these words, before anything of it is kept. */
export function toNextHandler(
  registry: RegistryHandler | (() => RegistryHandler),
  options: NextOptions = {},
): NextHandler {
  let handle: NodeHandler | undefined;
  const prepare = (request: NodeRequest): NodeHandler => {
    const current = typeof registry === 'function' ? keepRegistry(registry, options.key) : registry;
    const server = 'server' in request.socket ? request.socket.server : undefined;
    if (options.tune !== false && isHttpServer(server)) tuneServer(server, current, options.tune);
    if (request.body !== undefined) warnOfParser();
    return toNodeHandler(current, options);
  };
  return (request, response) =>
    new Promise((resolve) => {
      handle ??= prepare(request);
      response.once('close', resolve);
      const cut = describeCut(request);
      if (cut === undefined) handle(request, response);
      else refuse(response, cut);
    });
}

/** The one registry of this process that `make` makes: at the first call, whichever file or bundle of the application it comes from, and never again across hot reloads. Pages and the route ask
 *  for the same one so. `key` tells two registries apart. */
export function keepRegistry<R extends RegistryHandler>(make: () => R, key = 'default'): R {
  const kept: Map<string, R> = Reflect.get(globalThis, KEPT_KEY) ?? new Map();
  Reflect.set(globalThis, KEPT_KEY, kept);
  const registry = kept.get(key) ?? make();
  kept.set(key, registry);
  return registry;
}

/** Why the body cannot be taken for whole. Of one that came to its end unread, all that there is waits to be read, so it is known before: only Next's copy for the proxy file is shorter than announced, and
 *  only there can much of one wait that announced nothing. */
function describeCut({ complete, headers, readableDidRead, readableLength }: NodeRequest): string | undefined {
  if (!complete || readableDidRead) return undefined;
  const length = headers['content-length'];
  const isDoubtful = length === undefined ? readableLength > UNASKED_BYTES : readableLength < Number(length);
  if (!isDoubtful) return undefined;
  const announced = length === undefined ? 'their client did not say how many there are' : `there were ${length}`;
  return (
    `Only ${readableLength} bytes of this body came through Next.js, and ${announced}: Next keeps bodies in memory for the application's proxy or middleware file, ` +
    'and cuts them at experimental.proxyClientMaxBodySize. Trying again does not help: leave the paths of the registry out of the matcher of that file.'
  );
}

function refuse(response: ServerResponse, message: string): void {
  const { status, headers, body } = errorAnswer(413, message);
  response.statusCode = status;
  response.setHeaders(new Map(Object.entries(headers)));
  response.end(body.kind === 'bytes' ? body.bytes : undefined);
}

function warnOfParser(): void {
  process.emitWarning(
    'Next.js parses the bodies of requests to the registry, and breaks pushes: export const config = { api: { bodyParser: false, responseLimit: false } } from its API route.',
    { code: 'MOORAGE_NEXT_BODY_PARSER' },
  );
}
