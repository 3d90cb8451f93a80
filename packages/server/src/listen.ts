import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import type { RegistryHandler } from '@moorage/registry';
import { type NodeHandler, serverOptions, toNodeHandler, tuneServer } from '@moorage/registry/node';
import type { Logger } from 'pino';
import { createProxyCheck, redirectToFiles } from './accel-redirect.ts';
import { ExitError } from './exit-error.ts';
import { answerOther } from './health.ts';
import type { LoginDocument } from './identities/login-document.ts';
import type { ListenAddress } from './setting-types.ts';
import type { Settings } from './settings.ts';
import { drain } from './stop.ts';
import type { ServerTls } from './tls/open-tls.ts';
import { type TlsHello, watchTlsHellos } from './tls/wrong-scheme.ts';

/** What a server listens with. */
export interface ListenOptions {
  readonly settings: Settings;
  readonly version: string;
  readonly log: Logger;
  /** Directory that relative paths start from. */
  readonly directory: string;
  /** Absolute path. */
  readonly data: string;
  readonly address: ListenAddress;
  /** Whether other threads of this process listen at the address, too: this one `begins`, or `joins` them. */
  readonly sharing: 'none' | 'begins' | 'joins';
  /** Rejects where the storage is not available. */
  ready(): Promise<void>;
  readonly loginDocument: LoginDocument | undefined;
  /** Hears of clients that speak TLS where the server does not. */
  seeTlsHello(hello: TlsHello): void;
}

/** A server that accepts connections. */
export interface Listening {
  readonly address: AddressInfo;
  /** What there is to tell of its TLS; undefined: it speaks plain HTTP. */
  readonly tls: Pick<ServerTls, 'domain' | 'selfSigned'> | undefined;
  /** See `drain` of stop.ts. */
  drain(drainMs: number): Promise<void>;
}

/** Starts the HTTP server, or with the setting `tls` one of HTTPS; resolves once it accepts connections. */
export async function listen(registry: RegistryHandler, options: ListenOptions): Promise<Listening> {
  const { settings, version, loginDocument, ready, address, sharing } = options;
  const handle = createHandler(registry, options);
  const about = { version, ready, loginDocument };
  const { server, connections, tls } = await makeServer(options, (request, response) =>
    handle(request, response, () => answerOther(request, response, about)),
  );
  tuneServer(server, registry, {
    idleTimeoutMs: settings['limits.idleTimeoutSeconds'] * 1000,
    maxHeaderBytes: settings['limits.maxHeaderBytes'],
    minBytesPerSecond: settings['limits.minBytesPerSecond'],
    rateWindowMs: settings['limits.rateWindowSeconds'] * 1000,
  });
  if (sharing === 'begins') await refuseTaken(address);
  server.listen({ ...address, reusePort: sharing !== 'none' });
  await once(server, 'listening');
  tls?.follow(server);
  return {
    address: server.address() as AddressInfo,
    tls,
    async drain(drainMs) {
      tls?.close();
      await drain(connections, drainMs);
    },
  };
}

/** The system lets every program of one user listen at an address that is shared, another Moorage too; only who does not want to share it is told that it is taken. */
async function refuseTaken(address: ListenAddress): Promise<void> {
  const probe = createTcpServer().listen(address);
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}

/** With the setting `accelRedirect`, nginx is answered in its own way; anybody else would then get no body. */
function createHandler(registry: RegistryHandler, { settings, log, data }: ListenOptions): NodeHandler {
  const { trustedProxies, accelRedirect: location } = settings;
  const options = { trustedProxies, onError: (err: unknown) => log.error({ err }, 'an answer could not be sent') };
  const handle = toNodeHandler(registry, options);
  if (location === undefined) return handle;
  if (trustedProxies.length === 0) {
    throw new ExitError('accelRedirect needs trustedProxies: name the address there from which nginx comes.');
  }
  const isFromProxy = createProxyCheck(trustedProxies);
  const handleForNginx = toNodeHandler(
    redirectToFiles(registry, { location, directory: join(data, 'blobs') }),
    options,
  );
  return (request, response, next) => (isFromProxy(request) ? handleForNginx : handle)(request, response, next);
}

async function makeServer(options: ListenOptions, handle: RequestListener) {
  const { settings, log, directory, data, seeTlsHello } = options;
  if (settings.tls === undefined) {
    const server = createServer(serverOptions, handle);
    watchTlsHellos(server, seeTlsHello);
    return { server, connections: server, tls: undefined };
  }
  // Loaded only now: who does without TLS need not wait for it.
  const { openTls } = await import('./tls/open-tls.ts');
  const { createSecureServer } = await import('./tls/secure-server.ts');
  const tls = await openTls(settings.tls, { settings, directory, data, log });
  return { ...createSecureServer(tls, handle, { log, publicHost: publicHostOf(settings) }), tls };
}

/** How clients name the server, where that is known. */
export function publicHostOf({ publicUrl }: Pick<Settings, 'publicUrl'>): string | undefined {
  return publicUrl && new URL(publicUrl).host;
}
