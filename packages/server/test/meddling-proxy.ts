import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** One request that came through. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** Of its body. */
  bytes: number;
}

/** What to do with a request instead of passing it on. */
export type Meddling =
  /** Break both connections once so many bytes of its body went through. */
  | { readonly cutAfterBytes: number }
  /** Break both connections once so many bytes of the answer's body went through. */
  | { readonly cutAnswerAfterBytes: number }
  /** Pass it on and break the connection instead of answering. */
  | { readonly loseAnswer: true }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };

/** A proxy before a registry that does what proxies and networks do to clients. */
export interface MeddlingProxy {
  readonly host: string;
  readonly seen: SeenRequest[];
  /** Asked about each request. */
  meddle: (request: SeenRequest) => Meddling | undefined;
  /** Headers of answers that clients do not get to see, in lower case. */
  hideHeaders: readonly string[];
}

/** Starts one before `target` (`http://127.0.0.1:1234`); it ends with the test. */
export async function startMeddlingProxy(target: string): Promise<MeddlingProxy> {
  const seen: SeenRequest[] = [];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const proxy: MeddlingProxy = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    meddle: () => undefined,
    hideHeaders: [],
  };
  const handle = (incoming: IncomingMessage, response: ServerResponse, expects: boolean) => {
    const { method = '', url: path = '', headers } = incoming;
    const about: SeenRequest = { method, path, headers, bytes: 0 };
    seen.push(about);
    const meddling = proxy.meddle(about);
    if (meddling !== undefined && 'status' in meddling) {
      response.writeHead(meddling.status, { connection: 'close', ...meddling.headers }).end(meddling.body);
      return;
    }
    if (expects) response.writeContinue();
    pass({ incoming, response, about, target, meddling, hidden: proxy.hideHeaders });
  };
  server.on('request', (incoming, response) => handle(incoming, response, false));
  server.on('checkContinue', (incoming, response) => handle(incoming, response, true));
  return proxy;
}

function pass(call: {
  incoming: IncomingMessage;
  response: ServerResponse;
  about: SeenRequest;
  target: string;
  meddling: Exclude<Meddling, { status: number }> | undefined;
  hidden: readonly string[];
}): void {
  const { incoming, response, about, target, meddling, hidden } = call;
  const { expect: _, ...headers } = incoming.headers;
  const outgoing = request(new URL(about.path, target), { method: about.method, headers });
  const cut = () => {
    outgoing.destroy();
    incoming.socket.destroy();
  };
  outgoing.on('error', cut);
  incoming.on('error', cut);
  incoming.on('data', (chunk: Uint8Array) => {
    about.bytes += chunk.length;
    const most = meddling !== undefined && 'cutAfterBytes' in meddling ? meddling.cutAfterBytes : undefined;
    if (!outgoing.write(chunk)) {
      incoming.pause();
      outgoing.once('drain', () => incoming.resume());
    }
    if (most !== undefined && about.bytes >= most) {
      incoming.removeAllListeners('data');
      // What was written reaches the registry before the end of the connection does.
      outgoing.socket?.end();
      incoming.socket.destroy();
    }
  });
  incoming.on('end', () => outgoing.end());
  outgoing.on('response', (answer) => {
    if (meddling !== undefined && 'loseAnswer' in meddling) {
      answer.resume().on('end', cut);
      return;
    }
    const shown = Object.entries(answer.headers).filter(([name]) => !hidden.includes(name));
    response.writeHead(answer.statusCode ?? 500, Object.fromEntries(shown));
    let sent = 0;
    answer.on('data', (chunk: Uint8Array) => {
      const most =
        meddling !== undefined && 'cutAnswerAfterBytes' in meddling ? meddling.cutAnswerAfterBytes : undefined;
      sent += chunk.length;
      if (!response.write(chunk)) {
        answer.pause();
        response.once('drain', () => answer.resume());
      }
      if (most !== undefined && sent >= most) {
        answer.removeAllListeners('data');
        response.socket?.end();
        outgoing.destroy();
      }
    });
    answer.on('end', () => response.end());
    answer.on('error', cut);
  });
}
