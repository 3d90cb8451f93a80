import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import { serverOptions } from '@moorage/registry/node';
import type { Logger } from 'pino';
import type { Connections } from '../stop.ts';
import { sortByFirstByte } from './first-byte.ts';
import type { ServerTls } from './open-tls.ts';
import { answerPlain, tellOfDistrust } from './wrong-scheme.ts';

const handshakeTimeoutMs = 20_000;

/** Makes a server that speaks TLS, and says to clients that speak plain HTTP what is wrong. `publicHost` is how clients name it, where that is known. */
export function createSecureServer(
  tls: Pick<ServerTls, 'options' | 'domain'>,
  handle: RequestListener,
  { log, publicHost = tls.domain }: { readonly log: Pick<Logger, 'warn'>; readonly publicHost?: string | undefined },
): { readonly server: Server; readonly connections: Connections } {
  const server = createServer({ ...serverOptions, ...tls.options, handshakeTimeout: handshakeTimeoutMs }, handle);
  const sorted = sortByFirstByte(server, answerPlain(log, publicHost));
  tellOfDistrust(server, log);
  const connections: Connections = {
    close: (done) => server.close(done),
    closeIdleConnections() {
      server.closeIdleConnections();
      sorted.closeSilent();
    },
    closeAllConnections: sorted.closeAll,
  };
  return { server, connections };
}
