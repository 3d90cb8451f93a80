import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { RegistryHandler } from '../http/handler.ts';
import { type NodeHandlerOptions, toNodeHandler } from './node.ts';
import { pathOf, targetOf } from './request-target.ts';
import { isHttpServer, type TuneOptions, tuneServer } from './tune-server.ts';

/** What the plugin may be told. */
export interface FastifyOptions extends NodeHandlerOptions {
  /** Where the registry lies, as `createRegistry` was told. Default `/v2`. */
  readonly path?: string;
  /** Limits of Fastify's server, which the plugin gives to `tuneServer`; false: the server stays as it is. */
  readonly tune?: TuneOptions | false;
}

/** What the plugin needs of an instance of Fastify 5. */
export interface FastifyHost {
  readonly server: object;
  readonly prefix: string;
  register(
    plugin: (scope: FastifyScope, options: object, done: () => void) => void,
    options: { prefix: string },
  ): unknown;
}

/** An instance of Fastify for the paths of the registry alone. */
export interface FastifyScope {
  addHook(name: 'onRequest', hook: FastifyHandler): unknown;
  all(path: string, handler: FastifyHandler): unknown;
  setNotFoundHandler(handler: FastifyHandler): unknown;
}

/** A hook or handler of Fastify, as far as the plugin goes. */
export type FastifyHandler = (request: object, reply: { readonly raw: object; hijack(): unknown }) => void;

/** A plugin for Fastify 5. */
export type FastifyRegistryPlugin = (instance: FastifyHost, options: object, done: (error?: Error) => void) => void;

/** Serves a registry from a Fastify application: `await app.register(toFastifyPlugin(registry))`. It answers as `toNodeHandler` does, and gives the server to `tuneServer`.
 *
 *  - Hooks of the application for `onRequest` run first, if they were added before. The request is then taken out of Fastify's hands, so its parsers, its limit of bodies, its
 *    other hooks before the answer and its error handler never see it; `onResponse` hooks do.
 *  - Other routes are not touched, but that the limits of the server hold for them too.
 *  - Over HTTP/2 every request fails.
 *  - The registration fails when the registry does not lie at `path`, or not under the prefix of the registration. */
export function toFastifyPlugin(registry: RegistryHandler, options: FastifyOptions = {}): FastifyRegistryPlugin {
  const { path = '/v2', tune = {} } = options;
  const handle = toNodeHandler(registry, options);
  const prepare = (server: Server): void => {
    if (tune !== false) tuneServer(server, registry, tune);
  };
  const serve: FastifyHandler = (_, reply) => {
    const { raw: response } = reply;
    if (!(response instanceof ServerResponse)) throw new TypeError('The registry speaks HTTP/1, and this is HTTP/2.');
    const { server } = response.req.socket;
    // For `localhost` Fastify makes a server for each further address, and shows it to nobody before a request comes.
    if (isHttpServer(server)) prepare(server);
    reply.hijack();
    handle(response.req, response);
  };
  const mount = (scope: FastifyScope, _: object, done: () => void): void => {
    // A hook and not a handler: between the two Fastify wants to read the body, and refuses types that it does not know.
    scope.addHook('onRequest', serve);
    scope.all('/', serve);
    scope.all('/*', serve);
    // For methods that Fastify has no routes for.
    scope.setNotFoundHandler(serve);
    done();
  };
  return (instance, _, done) => {
    const { server, prefix } = instance;
    if (!registry.owns(path)) {
      done(new Error(`The registry does not lie at ${path}: give the plugin its path.`));
      return;
    }
    if (!path.startsWith(prefix)) {
      done(new Error(`The registry lies at ${path}, which is not under ${prefix}.`));
      return;
    }
    if (isHttpServer(server)) {
      prepare(server);
      server.prependListener('request', (request: IncomingMessage) => keepRoutable(registry, request, path));
    }
    instance.register(mount, { prefix: path.slice(prefix.length) });
    done();
  };
}

/** Fastify answers a path with a broken escape before any hook: such a one of the registry's comes in as `path`, and keeps its own as `originalUrl`. */
function keepRoutable(registry: RegistryHandler, request: IncomingMessage, path: string): void {
  const target = targetOf(request);
  if (!registry.owns(pathOf(target))) return;
  try {
    decodeURI(pathOf(target));
  } catch {
    // A URIError: the escape is broken.
    Object.assign(request, { originalUrl: target, url: path });
  }
}
