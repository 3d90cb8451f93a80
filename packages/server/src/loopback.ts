import { isIP } from 'node:net';

/** Whether the name or address of a URL can only be this machine. */
export function isLoopbackName(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  return hostname === 'localhost' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}
