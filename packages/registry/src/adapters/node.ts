import type { ServerResponse } from 'node:http';
import type { RegistryHandler } from '../http/handler.ts';
import { type AdapterOptions, warnOfError } from './adapter-options.ts';
import { createOriginReader } from './client-origin.ts';
import { createConnectionWatch } from './connection-watch.ts';
import { errorAnswer, notOursAnswer } from './error-document.ts';
import { createFileSender } from './file-sender.ts';
import { IncomingCall } from './incoming-call.ts';
import { type NodeRequest, pathOf, targetOf } from './request-target.ts';
import { createAnswerer } from './response-writer.ts';
import { isTuned } from './tune-server.ts';

export type { AdapterOptions } from './adapter-options.ts';
export type { NodeRequest } from './request-target.ts';
export { serverOptions, type TuneOptions, tuneServer } from './tune-server.ts';

/** What the handler may be told. */
export interface NodeHandlerOptions extends AdapterOptions {
  /** Addresses or subnets of proxies in front, whose `X-Forwarded-For`, `-Proto` and `-Host` are believed. Default: none. */
  readonly trustedProxies?: readonly string[];
}

/** A handler for node:http, Connect and Express 4 and 5. */
export type NodeHandler = (request: NodeRequest, response: ServerResponse, next?: () => void) => void;

/** Serves a registry from a Node server. Requests for other paths go on to `next`; without one they get 404. Mount it before any body parser and
 *  give the server to `tuneServer`. Never throws and never rejects.
 *
 *  - A client that still sends when it is refused can read its answer: up to 1 MiB or 5 s of the rest is taken, then the connection is closed.
 *  - An answer whose body fails after the headers ends its connection, so that it cannot be taken for a whole one.
 *  - Memory: two buffers of 512 KiB for each of up to 4 transfers of files, 64 KiB for each beyond those; 64 KiB of a request's body. */
export function toNodeHandler(registry: RegistryHandler, options: NodeHandlerOptions = {}): NodeHandler {
  const { onError = warnOfError } = options;
  const originOf = createOriginReader(options.trustedProxies ?? []);
  const watch = createConnectionWatch();
  const answer = createAnswerer({ watch, sendFile: createFileSender(), onError });
  let checkedServer = false;

  const serve = async (call: IncomingCall): Promise<void> => {
    try {
      await answer(call.response, await registry.handle(call));
    } catch (error) {
      onError(error);
      call.request.socket.destroy();
    } finally {
      call.close();
    }
  };

  return (request, response, next) => {
    const target = targetOf(request);
    if (registry.owns(pathOf(target)) && namesTwoHosts(request)) {
      void answer(response, errorAnswer(400, 'The request names more than one Host.'));
    } else if (registry.owns(pathOf(target))) {
      if (!checkedServer) {
        checkedServer = true;
        if (!isTuned(request.socket)) warnUntuned();
      }
      void serve(new IncomingCall({ request, response, target }, { originOf, watch }));
    } else if (next !== undefined) {
      next();
    } else {
      void answer(response, notOursAnswer());
    }
  };
}

/** Proxies and servers that each believe another one of the two can be played against each other (RFC 9112, section 3.2). */
function namesTwoHosts({ headers, rawHeaders }: NodeRequest): boolean {
  // Nearly every request has each header once, and is seen here to have.
  if (rawHeaders.length === 2 * Object.keys(headers).length) return false;
  return rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length > 1;
}

function warnUntuned(): void {
  process.emitWarning(
    'This server runs a registry with limits that break large pushes: call tuneServer(server, registry) from @moorage/registry/node.',
    { code: 'MOORAGE_SERVER_NOT_TUNED' },
  );
}
