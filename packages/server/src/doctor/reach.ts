import { lookup } from 'node:dns/promises';
import { connect as connectPlain, type Socket } from 'node:net';
import process from 'node:process';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Endpoint } from '../client/endpoint.ts';
import { bad, clean, type Findings, good, note } from './finding.ts';

const patienceMs = 10_000;
const dayMs = 86_400_000;
const fewDays = 14;

/** Name, connection and certificate. Returns whether there is anything to ask: not where a name, a port or trust is missing. */
export async function* reach(endpoint: Endpoint): Findings<boolean> {
  const url = new URL(endpoint.origin);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  if (!endpoint.isLoopback && (process.env['HTTPS_PROXY'] ?? process.env['https_proxy'] ?? process.env['HTTP_PROXY'])) {
    yield note('name', 'a proxy of the environment (HTTPS_PROXY) is between here and there: the way was not looked at');
    return true;
  }
  try {
    const addresses = (await lookup(host, { all: true })).map(({ address }) => address);
    yield good('name', `${host} is ${addresses.join(', ')}`);
  } catch (error) {
    yield bad('name', `${host} is not known: ${wordsOf(error)}`, ['add the name to the DNS, or type it right']);
    return false;
  }
  const startedMs = performance.now();
  try {
    const socket = await opened(connectPlain({ host, port, timeout: patienceMs }), 'connect');
    yield good('TCP', `${socket.remoteAddress} takes connections at port ${port} (${ms(startedMs)})`);
    socket.destroy();
  } catch (error) {
    yield bad('TCP', `nothing takes connections at ${host} port ${port}: ${wordsOf(error)}`, [
      'start what listens there, open the port in the firewall, or publish the port of the container',
    ]);
    return false;
  }
  if (url.protocol === 'https:') return yield* lookAtTls(endpoint, { host, port });
  return yield* lookAtPlain(endpoint, { host, port });
}

interface Place {
  readonly host: string;
  readonly port: number;
}

async function* lookAtTls(endpoint: Endpoint, place: Place): Findings<boolean> {
  let socket: TLSSocket;
  try {
    socket = await shakeHands(endpoint, place);
  } catch (error) {
    if (/wrong.version.number|packet.length|INVALID_TLS/i.test(wordsOf(error))) {
      yield bad('TLS', `port ${place.port} speaks plain http, and https was asked for`, [
        `clients fail with "server gave HTTP response to HTTPS client": give this port a certificate (moorage serve --tls, or a proxy), or ask http://${endpoint.host}`,
      ]);
    } else yield bad('TLS', `no handshake: ${wordsOf(error)}`, ['look at the TLS settings of what listens there']);
    return false;
  }
  const { valid_to: validTo } = socket.getPeerCertificate();
  const days = Math.floor((Date.parse(validTo) - Date.now()) / dayMs);
  const about = `${socket.getProtocol()}, certificate until ${validTo}`;
  const reason = socket.authorized ? undefined : String(socket.authorizationError);
  socket.destroy();
  if (reason === undefined && days >= fewDays) yield good('TLS', `${about}, trusted`);
  else if (reason === undefined) yield note('TLS', `${about}: ${days} days`, ['renew the certificate']);
  else if (endpoint.tls.rejectUnauthorized === false) yield note('TLS', `${about}, not trusted (${clean(reason)})`);
  else {
    yield bad('TLS', `${about}, not trusted here: ${clean(reason)}`, [
      remedyOf(reason),
      'to look at the rest: --ca FILE, or --insecure',
    ]);
    return false;
  }
  return true;
}

/** A plain port that says nothing to a plain request may speak TLS. */
async function* lookAtPlain(endpoint: Endpoint, place: Place): Findings<boolean> {
  try {
    (await shakeHands(endpoint, place)).destroy();
  } catch {
    return true; // not TLS, as was asked for
  }
  yield bad('TLS', `port ${place.port} speaks https, and plain http was asked for`, [
    `type https://${endpoint.host}; clients that are configured for http (insecure-registries, --plain-http, --tls-verify=false) need that taken back`,
  ]);
  return false;
}

function shakeHands({ tls }: Endpoint, place: Place): Promise<TLSSocket> {
  const name = /^[\d.]+$|:/.test(place.host) ? {} : { servername: place.host };
  const options: ConnectionOptions = { ...place, ...name, timeout: patienceMs, rejectUnauthorized: false };
  return opened(connectTls({ ...options, ...(tls.ca && { ca: [...tls.ca] }) }), 'secureConnect');
}

function opened<Kind extends Socket>(socket: Kind, event: string): Promise<Kind> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket
      .once(event, () => resolve(socket))
      .once('timeout', () => fail(new Error(`no answer in ${patienceMs / 1000} s`)))
      .once('close', () => reject(new Error('the connection was closed')))
      .on('error', fail);
  });
}

function remedyOf(reason: string): string {
  if (/EXPIRED/.test(reason)) return 'renew the certificate';
  if (/ALTNAME/.test(reason)) return 'make a certificate for this name, or use a name that it has';
  if (/UNABLE_TO_VERIFY_LEAF/.test(reason)) {
    return 'let the server send the whole chain (fullchain.pem), or give clients its authority';
  }
  return 'give each client the authority (docs/tls.md has the line of each), or use one that all know: --tls acme:DOMAIN';
}

function ms(sinceMs: number): string {
  return `${Math.round(performance.now() - sinceMs)} ms`;
}

function wordsOf(error: unknown): string {
  return clean(error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error));
}
