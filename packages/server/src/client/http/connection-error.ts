import { connect } from 'node:tls';
import { ExitError } from '../../exit-error.ts';
import type { Endpoint } from '../endpoint.ts';

/** No answer came. The message says what a person can do. */
export class ConnectionError extends ExitError {
  /** The same request may get through in a moment. */
  readonly isTransient: boolean;

  constructor(message: string, { isTransient, cause }: { readonly isTransient: boolean; readonly cause?: unknown }) {
    super(message, { cause });
    this.isTransient = isTransient;
  }
}

const brokenCodes = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
]);
const plainCodes = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_INVALID_TLS_VERSION',
]);
const untrustedCodes = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** What `error`, which Node's HTTP client gave for a request to `url`, means to people; an error that is none of the network's stays what it is. */
export async function explainConnection(
  error: unknown,
  { endpoint, url, hasAnswered }: { readonly endpoint: Endpoint; readonly url: URL; readonly hasAnswered: boolean },
): Promise<unknown> {
  if (!(error instanceof Error) || error instanceof ExitError || !('code' in error)) return error;
  const code = String(error.code);
  const host = url.origin === endpoint.origin ? endpoint.host : url.host;
  const told = (message: string, isTransient = false) => new ConnectionError(message, { isTransient, cause: error });
  const isSecure = url.protocol === 'https:';
  if (isSecure && (plainCodes.has(code) || (code === 'EPROTO' && /wrong version number/i.test(error.message)))) {
    return told(
      `${host} speaks plain http, and was spoken to in https: add --plain-http if the network between may read what is sent.`,
    );
  }
  if (!isSecure && !hasAnswered && (code === 'ECONNRESET' || code.startsWith('HPE_'))) {
    if (await speaksTls(url)) return told(speaksHttps(endpoint));
  }
  if (code.startsWith('HPE_')) return told(`${host} answers something that is not HTTP (${code}): is the port right?`);
  if (untrustedCodes.has(code)) {
    return told(
      `${host} shows a certificate that is not trusted here (${code}): name its authority with --ca FILE, or take any with --insecure.`,
    );
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return told(`The certificate of ${host} is not valid today (${code}): renew it there, or look at the clock here.`);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return told(
      `The certificate of ${host} is for other names: use one of them, or make a certificate for this one. ${clean(error.message)}`,
    );
  }
  // A server that answered before is perhaps being started again.
  if (code === 'ECONNREFUSED')
    return told(`Nothing listens at ${host}: is the registry running, and the port right?`, hasAnswered);
  if (code === 'ENOTFOUND') return told(`There is no host ${url.hostname}: is it typed right?`);
  return told(`The connection to ${host} broke off: ${clean(error.message)}.`, brokenCodes.has(code));
}

/** What to do when a registry wants https and got http. */
export function speaksHttps({ host, plainHttp }: Endpoint): string {
  const remedy = plainHttp
    ? 'leave out --plain-http'
    : 'name the authority of its certificate with --ca FILE, or take any with --insecure';
  return `${host} speaks https, and was spoken to in plain http: ${remedy}.`;
}

/** Whether what listens there shakes hands in TLS. */
function speaksTls({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket = connect({ host, port: Number(port) || 80, rejectUnauthorized: false, timeout: 3000 });
    const end = (speaks: boolean) => () => {
      socket.destroy();
      resolve(speaks);
    };
    socket
      .once('secureConnect', end(true))
      .once('error', end(false))
      .once('timeout', end(false))
      .once('close', end(false));
  });
}

function clean(text: string): string {
  return text.replace(/\p{C}/gu, ' ').slice(0, 300).replace(/\.$/, '');
}
