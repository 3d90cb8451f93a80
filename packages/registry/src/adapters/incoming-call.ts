import type { ServerResponse } from 'node:http';
import { DisconnectedError, type RegistryRequest, type RequestHeaders } from '../http/message.ts';
import type { ClientOrigin } from './client-origin.ts';
import type { ConnectionWatch } from './connection-watch.ts';
import { readBody } from './request-body.ts';
import type { NodeRequest } from './request-target.ts';
import { sayContinue } from './tune-server.ts';

/** One request of node:http with its response. */
interface Exchange {
  readonly request: NodeRequest;
  readonly response: ServerResponse;
  /** Path and query, as `targetOf` reads them. */
  readonly target: string;
}

interface CallNeeds {
  readonly originOf: (request: NodeRequest) => ClientOrigin;
  readonly watch: ConnectionWatch;
}

/** A request of node:http as the registry sees it. What most requests are never asked for is made when somebody asks (bench: get-manifest-by-tag). */
export class IncomingCall implements RegistryRequest {
  readonly request: NodeRequest;
  readonly response: ServerResponse;
  readonly method: string;
  readonly target: string;
  readonly #needs: CallNeeds;
  #origin: ClientOrigin | undefined;
  #controller: AbortController | undefined;
  #unwatch: (() => void) | undefined;

  constructor({ request, response, target }: Exchange, needs: CallNeeds) {
    this.request = request;
    this.response = response;
    this.method = request.method ?? 'GET';
    this.target = target;
    this.#needs = needs;
  }

  get headers(): RequestHeaders {
    const { headers } = this.request;
    const list = headers['set-cookie'];
    // It is the one header that Node gives as a list, and no client of a registry sends it.
    return (list === undefined ? headers : { ...headers, 'set-cookie': list.join(', ') }) as RequestHeaders;
  }

  get body(): AsyncGenerator<Uint8Array> {
    const { request, response } = this;
    return readBody(request, () => sayContinue(request, response));
  }

  get origin(): string | undefined {
    return this.#whence().origin;
  }

  get address(): string | undefined {
    return this.#whence().address;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      this.#unwatch = this.#needs.watch(this.request.socket, () =>
        controller.abort(new DisconnectedError('The client went away.')),
      );
    }
    return this.#controller.signal;
  }

  /** Stops watching the connection: the request is answered. */
  close(): void {
    this.#unwatch?.();
  }

  #whence(): ClientOrigin {
    this.#origin ??= this.#needs.originOf(this.request);
    return this.#origin;
  }
}
