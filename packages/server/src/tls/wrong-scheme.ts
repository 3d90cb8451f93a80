import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Logger } from 'pino';

type Log = Pick<Logger, 'warn'>;

const quietMs = 60_000;
const rememberedAddresses = 1000;
const answerMs = 10_000;

/** Tells a thing of an address once a minute. */
type Tell = (address: string | undefined, facts: Readonly<Record<string, unknown>>, message: string) => void;

/** Makes a `Tell`; it remembers a thousand addresses. */
export function tellOncePerMinute(log: Log, now: () => number = () => performance.now()): Tell {
  const toldMs = new Map<string, number>();
  return (address = 'unknown', facts, message) => {
    const last = toldMs.get(address);
    if (last !== undefined && now() - last < quietMs) return;
    toldMs.delete(address);
    toldMs.set(address, now());
    for (const [oldest] of toldMs) {
      if (toldMs.size <= rememberedAddresses) break;
      toldMs.delete(oldest);
    }
    log.warn({ address, ...facts }, message);
  };
}

/** A client that speaks TLS to a plain port. */
export interface TlsHello {
  readonly address: string | undefined;
  /** Address and port to which it is connected. */
  readonly host: string;
}

/** Sees clients that speak TLS to a plain port. They are answered with plain HTTP as before, by which clients in Go know what is wrong. */
export function watchTlsHellos(server: Server, see: (hello: TlsHello) => void): void {
  server.prependListener('clientError', (error: Error & { rawPacket?: Uint8Array }, socket: Socket) => {
    const { rawPacket } = error;
    if (rawPacket?.[0] === 0x16 && rawPacket[1] === 0x03) see({ address: socket.remoteAddress, host: hostOf(socket) });
  });
}

/** Tells in the log of such clients, and what each kind of client has to be told. `publicHost` is how clients name the server, where that is known. */
export function tellOfTlsHellos(log: Log, publicHost?: string): (hello: TlsHello) => void {
  const tell = tellOncePerMinute(log);
  const message =
    'a client spoke TLS to this port, which speaks plain HTTP: change its settings, or give the server --tls';
  return ({ address, host }) => tell(address, plainSettings(publicHost ?? host), message);
}

/** What lets each client speak plain HTTP to `host`. */
function plainSettings(host: string): Readonly<Record<string, string>> {
  return {
    docker: `"insecure-registries": ["${host}"] in /etc/docker/daemon.json`,
    'podman, skopeo, buildah': '--tls-verify=false',
    crane: '--insecure',
    oras: '--plain-http',
    helm: '--plain-http',
    regctl: `regctl registry set --tls disabled ${host}`,
    containerd: `server = "http://${host}" in /etc/containerd/certs.d/${host}/hosts.toml`,
    BuildKit: `[registry."${host}"] http = true in buildkitd.toml`,
  };
}

/** Answers plain requests on the port of a TLS server: gives what takes a connection. They get a 400 that says how it is done, and the log tells of them. */
export function answerPlain(log: Log, publicHost?: string): (socket: Socket) => void {
  const tell = tellOncePerMinute(log);
  const server = createServer((request, response) => {
    const host = publicHost ?? namedHost(request) ?? hostOf(request.socket);
    tell(
      request.socket.remoteAddress,
      { client: request.headers['user-agent'], ...secureSettings(host) },
      'a client spoke plain HTTP to this port, which speaks TLS: change its settings',
    );
    const message = `This port speaks https: use https://${host}`;
    const body = JSON.stringify({ errors: [{ code: 'UNSUPPORTED', message }] });
    response.writeHead(400, { 'Content-Type': 'application/json', Connection: 'close' }).end(body);
  });
  return (socket) => {
    const timer = setTimeout(() => socket.destroy(), answerMs);
    socket.once('close', () => clearTimeout(timer));
    server.emit('connection', socket);
  };
}

/** What keeps each client from speaking TLS to `host`. */
function secureSettings(host: string): Readonly<Record<string, string>> {
  return {
    curl: `https://${host}`,
    'crane, podman, skopeo, buildah': `${host} without http://`,
    oras: 'without --plain-http',
    helm: `oci://${host} without --plain-http`,
    regctl: `regctl registry set --tls enabled ${host}`,
    containerd: `server = "https://${host}" in /etc/containerd/certs.d/${host}/hosts.toml`,
    BuildKit: `[registry."${host}"] without http = true in buildkitd.toml`,
    proxy: `https:// before the address of this server, such as proxy_pass https://${host} in nginx`,
  };
}

const distrust = /_ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN)$/;

/** Tells of clients that do not trust the certificate, which they say by an alert. */
export function tellOfDistrust(server: SecureServer, log: Log): void {
  const tell = tellOncePerMinute(log);
  // The server itself ends the connection, and then has no address of it.
  server.prependListener('tlsClientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!distrust.test(error.code ?? '')) return;
    tell(
      socket.remoteAddress,
      { reason: error.code },
      'a client does not trust the certificate of this server: docs/tls.md says how each client learns to',
    );
  });
}

/** Where the client of a request says that it wants to go, if that can stand in a message. */
function namedHost({ headers: { host } }: IncomingMessage): string | undefined {
  return host !== undefined && /^([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?$/.test(host) ? host : undefined;
}

/** Address and port to which a client is connected. */
function hostOf({ localAddress = '', localPort }: Socket): string {
  const address = localAddress.replace(/^::ffff:(?=\d+\.)/i, '');
  return `${address.includes(':') ? `[${address}]` : address}:${localPort}`;
}
