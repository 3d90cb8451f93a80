import { isIPv6 } from 'node:net';

/** What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address, of which whoever has one has all the rest. */
export function clientNetwork(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const [left, right] = [head.split(':'), tail?.split(':') ?? []];
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
