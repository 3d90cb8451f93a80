import { getCACertificates } from 'node:tls';
import { type ConnectOptions, type Endpoint, endpointOf } from '../client/endpoint.ts';
import { parseHost } from '../client/reference.ts';
import { ExitError } from '../exit-error.ts';

/** The registry at a URL, or at `HOST[:PORT]` as clients take it. As most clients do, it trusts whom the system trusts. An `ExitError` when it is no URL of a registry. */
export function publicEndpoint(typed: string, options: ConnectOptions): Endpoint {
  const [, scheme] = /^(https?):\/\//i.exec(typed) ?? [];
  const isTls = scheme?.toLowerCase() === 'https';
  const host = parseHost(scheme === undefined ? typed : hostOf(typed));
  if (isTls && options.plainHttp === true) throw new ExitError('--plain-http and an https URL contradict each other.');
  if (scheme !== undefined && !isTls && (options.insecure === true || options.ca !== undefined)) {
    throw new ExitError('--insecure and --ca are about certificates, which an http URL has none of.');
  }
  const endpoint = endpointOf(host, scheme === undefined || isTls ? options : { plainHttp: true });
  const origin = scheme === undefined ? endpoint.origin : new URL(`${scheme}://${host}`).origin;
  if (!origin.startsWith('https:')) return { ...endpoint, origin };
  const ca = [...(endpoint.tls.ca ?? getCACertificates('default')), ...getCACertificates('system')];
  return { ...endpoint, origin, tls: { ...endpoint.tls, ca } };
}

/** What was typed may hold a password, and is not shown. */
function hostOf(typed: string): string {
  if (!URL.canParse(typed)) throw new ExitError('That is no URL: type https://HOST[:PORT].');
  const url = new URL(typed);
  if (url.username !== '' || url.password !== '') {
    throw new ExitError('A URL with a name or password in it is kept by shells: use --username and --password-stdin.');
  }
  if (!/^\/(v2\/?)?$/.test(url.pathname)) {
    throw new ExitError('Clients know a registry by host and port alone: type the URL without a path.');
  }
  return url.host;
}
