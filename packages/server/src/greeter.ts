import type { AddressInfo } from 'node:net';
import process from 'node:process';
import type { RequestReport } from '@moorage/registry';
import type { Logger } from 'pino';
import { firstPushLines, type Login, passwordLines, pushedReference, readyLines, type Start } from './banner.ts';
import type { Endpoint } from './clients.ts';
import type { Listening } from './listen.ts';
import type { Settings } from './settings.ts';
import { trustText } from './tls/trust-lines.ts';

/** Tells the person who started the server that it is ready and, once, of the first push. */
export interface Greeter {
  /** `isEmpty`: nothing was ever pushed, so that the first push is one to tell of. `login` undefined: everything is open. `tls` undefined: the server speaks plain HTTP. */
  welcome(
    address: AddressInfo,
    registry: { readonly isEmpty: boolean; readonly login: Login | undefined; readonly tls?: Listening['tls'] },
  ): void;
  seeRequest(request: RequestReport): void;
}

/** A greeter that speaks on stdout, where a newcomer looks whether or not the log is JSON; with `log.format` json, which somebody chose for a
 *  machine, the same facts are entries of the log, and stdout has the first password alone. */
export function createGreeter(options: {
  readonly settings: Pick<Settings, 'log.format' | 'publicUrl'>;
  /** Absolute path. */
  readonly data: string;
  readonly version: string;
  readonly log: Logger;
}): Greeter {
  const { settings, data, version, log } = options;
  const isQuiet = settings['log.format'] === 'json';
  const say = (lines: readonly string[]) => process.stdout.write(`${lines.join('\n')}\n`);
  let start: Start | undefined;
  let awaitsPush = false;

  return {
    welcome(address, { isEmpty, login, tls }) {
      const scheme = tls === undefined ? 'http' : 'https';
      const { origin } = endpointOf(address, undefined, scheme).url;
      // An ACME server reaches a domain at the port of https, and so does everybody.
      const publicUrl = settings.publicUrl ?? (tls?.domain && `https://${tls.domain}`);
      const endpoint = { ...endpointOf(address, publicUrl, scheme), user: login?.name };
      const searchPath = process.env['PATH'] ?? '';
      const readyMs = performance.now();
      const trust = tls?.selfSigned && trustText(endpoint.url.host, tls.selfSigned);
      start = {
        version,
        readyMs,
        data,
        address: origin,
        endpoint,
        isEmpty,
        login,
        searchPath,
        ...(trust && { trust }),
      };
      awaitsPush = isEmpty;
      // The password is told nowhere else: not in a log, which is kept.
      if (isQuiet && login?.password !== undefined) say(passwordLines({ ...login, password: login.password }));
      if (isQuiet) log.info({ version, data, address: origin, ms: Math.round(start.readyMs) }, 'ready');
      else say(readyLines(start));
      if (login === undefined && !isLoopback(address)) {
        log.warn(
          { address: address.address },
          'open to the network: anyone who reaches this address may push and delete',
        );
      }
    },
    seeRequest(request) {
      if (!awaitsPush || start === undefined) return;
      const reference = pushedReference(request);
      if (reference === undefined) return;
      awaitsPush = false;
      if (isQuiet) log.info({ reference }, 'first push');
      else say(firstPushLines(reference, start));
    },
  };
}

/** Where clients on this machine reach a server that listens at `address`, unless a public URL says where all do. */
export function endpointOf(
  { address, port, family }: AddressInfo,
  publicUrl: string | undefined,
  scheme: 'http' | 'https' = 'http',
): Omit<Endpoint, 'user'> {
  const isAny = address === '::' || address === '0.0.0.0';
  const host = isAny ? '127.0.0.1' : family === 'IPv6' ? `[${address}]` : address;
  const url = new URL(publicUrl ?? `${scheme}://${host}:${port}`);
  return { url, loopback: loopbackPattern.test(url.hostname) };
}

const loopbackPattern = /^(127\.|\[?::1\]?$|\[?::ffff:127\.|localhost$)/;

function isLoopback({ address }: AddressInfo): boolean {
  return loopbackPattern.test(address);
}
