import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** Where a request came from, and by which name. */
export interface ClientOrigin {
  /** Scheme and host that the client used; undefined where it named no host. */
  readonly origin: string | undefined;
  readonly address: string | undefined;
}

/** Reads where requests come from. `Forwarded` headers count only when they come from a proxy that is trusted: anyone can send them.
 *  `trustedProxies` are IP addresses or subnets (`10.0.0.0/8`); a `TypeError` for anything else. */
export function createOriginReader(trustedProxies: readonly string[]): (request: IncomingMessage) => ClientOrigin {
  const trusted = toBlockList(trustedProxies);
  const isTrusted = (address: string) => trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  return (request) => {
    const { socket, headers } = request;
    const scheme = 'encrypted' in socket ? 'https' : 'http';
    const address = socket.remoteAddress === undefined ? undefined : plainAddress(socket.remoteAddress);
    if (address === undefined || trustedProxies.length === 0 || !isTrusted(address))
      return { origin: toOrigin(scheme, headers.host), address };
    // Each proxy appends the address that it saw: the last one that is no proxy of ours is the client. Some add a port; what is no address was sent by the client.
    const hops = listOf(headers['x-forwarded-for'])
      .map(withoutPort)
      .filter((hop) => isIP(hop) !== 0);
    const client = hops.findLast((hop) => !isTrusted(hop)) ?? hops[0] ?? address;
    const [forwardedScheme = scheme] = listOf(headers['x-forwarded-proto']);
    const [forwardedHost = headers.host] = listOf(headers['x-forwarded-host']);
    return { origin: toOrigin(forwardedScheme, forwardedHost), address: client };
  };
}

function toBlockList(proxies: readonly string[]): BlockList {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(proxy) ?? [];
    const isWide = isIPv6(address);
    const bits = Number(prefix ?? (isWide ? 128 : 32));
    if (isIP(address) === 0 || bits > (isWide ? 128 : 32)) {
      throw new TypeError(`A trusted proxy is an IP address or a subnet such as 10.0.0.0/8, and not ${proxy}.`);
    }
    list.addSubnet(address, bits, isWide ? 'ipv6' : 'ipv4');
  }
  return list;
}

function listOf(header: string | string[] | undefined): readonly string[] {
  return String(header ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function withoutPort(hop: string): string {
  const [, wide, narrow] = /^\[([^\]]+)\](?::\d+)?$|^([^:]+):\d+$/.exec(hop) ?? [];
  return plainAddress(wide ?? narrow ?? hop);
}

/** An IPv4 address that is written as one of IPv6, as it is usually written. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** An origin that is safe to stand in a header; undefined for a host that is none. */
function toOrigin(scheme: string, host: string | undefined): string | undefined {
  const isPlain = host !== undefined && /^[A-Za-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?$/.test(host);
  return isPlain && (scheme === 'http' || scheme === 'https') ? `${scheme}://${host}` : undefined;
}
