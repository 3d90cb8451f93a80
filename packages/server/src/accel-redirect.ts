import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import { relative } from 'node:path';
import type { RegistryHandler, RegistryRequest, RegistryResponse } from '@moorage/registry';

/** Which files are nginx's to send, and how it knows them. */
export interface AccelRedirectOptions {
  /** The location whose `alias` is `directory`. */
  readonly location: string;
  /** Absolute path of the directory of the blobs. */
  readonly directory: string;
}

/** A registry whose answers to GET name the file, where their body is one below `directory`, to an nginx in front, which sends it: `X-Accel-Redirect` in the place of the body.
 *  nginx reads `Range` and `If-Range` itself, and so gets the whole file for a part of it. All other answers pass as they are. */
export function redirectToFiles(registry: RegistryHandler, options: AccelRedirectOptions): RegistryHandler {
  return {
    owns: (path) => registry.owns(path),
    handle: async (request) => redirectToFile(request, await registry.handle(request), options),
  };
}

function redirectToFile(
  { headers: asked }: RegistryRequest,
  response: RegistryResponse,
  { location, directory }: AccelRedirectOptions,
): RegistryResponse {
  const { status, headers, body } = response;
  if (body.kind !== 'file' || !readsAlike(asked, status)) return response;
  const path = relative(directory, body.file.path).replaceAll('\\', '/');
  // Without a dot it leads nowhere else, and without a percent sign nginx reads it as it stands.
  if (!/^(?:\w+\/)*\w+$/.test(path)) return response;
  // nginx adds to `Accept-Ranges` rather than set it.
  const { 'Content-Range': _, 'Accept-Ranges': __, ...kept } = headers;
  return {
    status: 200,
    headers: { ...kept, 'Content-Length': '0', 'X-Accel-Redirect': `${location}${path}` },
    body: { kind: 'empty' },
  };
}

/** Whether nginx makes of the request what the registry made of it. It answers with 416 to a range that is malformed, and does not know at the time of these conditions, which the registry
 *  does not go by, how the content is tagged. */
function readsAlike(asked: RegistryRequest['headers'], status: number): boolean {
  const isSameRange = asked['range'] === undefined ? status === 200 : status === 206;
  return isSameRange && asked['if-match'] === undefined && asked['if-unmodified-since'] === undefined;
}

/** Tells the requests that come from one of `proxies`, IP addresses and subnets. */
export function createProxyCheck(proxies: readonly string[]): (request: IncomingMessage) => boolean {
  const list = new BlockList();
  const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');
  for (const proxy of proxies) {
    const [address = '', prefix] = proxy.split('/');
    const family = familyOf(address);
    list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return ({ socket: { remoteAddress } }) =>
    remoteAddress !== undefined && list.check(remoteAddress, familyOf(remoteAddress));
}
