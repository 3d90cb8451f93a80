import type { RegistryHandler } from '../http/handler.ts';
import { DisconnectedError, type RegistryRequest, type RegistryResponse } from '../http/message.ts';
import type { AdapterOptions } from './adapter-options.ts';
import { errorAnswer } from './error-document.ts';
import { type FetchHandler, toFetchHandler } from './fetch.ts';

/** What the handlers may be told. */
export interface NextOptions extends AdapterOptions {
  /** Tells registries apart that one process makes by functions. Default: `default`. */
  readonly key?: string;
}

/** A handler of a route file. */
export type NextHandler = (request: Request) => Promise<Response>;

/** What a route file exports. */
export interface NextHandlers {
  readonly GET: NextHandler;
  readonly HEAD: NextHandler;
  readonly POST: NextHandler;
  readonly PUT: NextHandler;
  readonly PATCH: NextHandler;
  readonly DELETE: NextHandler;
}

// On globalThis: Next evaluates a route file again at each hot reload, and at times in a second bundle.
const KEPT_KEY = Symbol.for('@moorage/registry/next');

/** Serves a registry from a self-hosted Next.js application, in the Node runtime: `app/v2/[[...path]]/route.ts` exports what this returns. `registry` may be a function: it is called
 *  at the first request, once in the life of the process, and what it returned serves on across hot reloads; give `key` where there are two.
 *
 *  - Set `skipTrailingSlashRedirect: true` in next.config: Next redirects `/v2/` and `…/blobs/uploads/` else, which not every client follows.
 *  - Set the registry's `publicUrl`: Next does not say by which name a client came.
 *  - Where there is a proxy.ts (middleware.ts before Next 16), leave the registry's paths out of its `matcher`: Next keeps bodies in memory for it and cuts them, at 10 MB unless told otherwise.
 *    A body that was cut is answered with 413 and the name of the setting where it announced its length; one that did not (docker's) is found by its digest. */
export function toNextHandlers(
  registry: RegistryHandler | (() => RegistryHandler),
  options: NextOptions = {},
): NextHandlers {
  const handlers = new WeakMap<RegistryHandler, FetchHandler>();
  const serve: NextHandler = async (request) => {
    const current = typeof registry === 'function' ? keptRegistry(registry, options.key ?? 'default') : registry;
    const handle = handlers.get(current) ?? toFetchHandler(namingCuts(current), options);
    handlers.set(current, handle);
    return handle(request);
  };
  return { GET: serve, HEAD: serve, POST: serve, PUT: serve, PATCH: serve, DELETE: serve };
}

function keptRegistry(make: () => RegistryHandler, key: string): RegistryHandler {
  const kept: Map<string, RegistryHandler> = Reflect.get(globalThis, KEPT_KEY) ?? new Map();
  Reflect.set(globalThis, KEPT_KEY, kept);
  const registry = kept.get(key) ?? make();
  kept.set(key, registry);
  return registry;
}

/** The same registry, which takes no body that is shorter than announced for a whole one, and says why it is. */
function namingCuts(registry: RegistryHandler): RegistryHandler {
  return {
    owns: registry.owns,
    async handle(request) {
      const cut: Cut = { answer: undefined };
      const answer = await registry.handle({ ...request, body: wholeBody(request, cut) });
      return cut.answer ?? answer;
    },
  };
}

/** What is answered when the body was cut. */
interface Cut {
  answer: RegistryResponse | undefined;
}

/** A client that goes away makes the body fail; it ends well, and too early, only when Next cut it. What came of it is kept as after a disconnect. */
async function* wholeBody({ body, headers }: RegistryRequest, cut: Cut): AsyncGenerator<Uint8Array> {
  const length = headers['content-length'];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength;
    yield chunk;
  }
  if (length === undefined || sizeBytes >= Number(length)) return;
  const message =
    `Only ${sizeBytes} of ${length} bytes came through Next.js, which cuts the bodies of requests that pass its proxy or middleware file. Trying again does not help: ` +
    'leave the paths of the registry out of the matcher of that file, or raise experimental.proxyClientMaxBodySize (middlewareClientMaxBodySize in Next.js 15) in next.config.';
  cut.answer = errorAnswer(413, message);
  throw new DisconnectedError(message);
}
