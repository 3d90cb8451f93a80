import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { ExitError } from '../exit-error.ts';
import { isLoopbackName } from '../loopback.ts';
import { isDockerHub } from './reference.ts';

/** How registries are reached; each is a flag of the commands. */
export interface ConnectOptions {
  /** Speak http to hosts that are not on the loopback, too. */
  readonly plainHttp?: boolean;
  /** Speak https and take any certificate. */
  readonly insecure?: boolean;
  /** Speak https and trust the authorities in this file of PEM certificates, too. */
  readonly ca?: string;
}

/** Where a registry is. */
export interface Endpoint {
  /** As it was typed: what people are told, and what credentials are kept under. */
  readonly host: string;
  /** `https://registry-1.docker.io` */
  readonly origin: string;
  readonly isLoopback: boolean;
  /** Http was asked for, so that passwords may go over it. */
  readonly plainHttp: boolean;
  readonly tls: { readonly rejectUnauthorized?: false; readonly ca?: readonly string[] };
}

/** Where `host` is reached: http for the loopback unless a flag speaks of certificates, else https. An `ExitError` when the file of authorities cannot be used. */
export function endpointOf(host: string, options: ConnectOptions): Endpoint {
  const place = isDockerHub(host) ? 'registry-1.docker.io' : host;
  const { hostname } = new URL(`http://${place}`);
  const isLoopback = isLoopbackName(hostname);
  const wantsTls = options.insecure === true || options.ca !== undefined;
  if (wantsTls && options.plainHttp === true) {
    throw new ExitError('--plain-http has no certificates: leave out --insecure and --ca, or --plain-http.');
  }
  const isPlain = options.plainHttp === true || (isLoopback && !wantsTls);
  return {
    host,
    origin: `${isPlain ? 'http' : 'https'}://${place}`,
    isLoopback,
    plainHttp: options.plainHttp === true,
    tls: {
      ...(options.insecure === true && { rejectUnauthorized: false }),
      ...(options.ca !== undefined && { ca: [...rootCertificates, readAuthorities(options.ca)] }),
    },
  };
}

function readAuthorities(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  } catch (error) {
    throw new ExitError(`The file of --ca cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
  throw new ExitError(`${file} holds no certificate: --ca wants PEM, which has a line -----BEGIN CERTIFICATE-----.`);
}
