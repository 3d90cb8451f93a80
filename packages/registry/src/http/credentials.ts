import type { Credentials } from '../access/identity.ts';
import { UnauthorizedError } from '../access/unauthorized.ts';
import type { RequestHeaders } from './message.ts';

/** What a request shows in `Authorization` (RFC 7617, RFC 6750): undefined where there is none, 401 for what cannot be read. */
export function parseCredentials(headers: RequestHeaders): Credentials | undefined {
  const header = headers['authorization'];
  if (header === undefined) return undefined;
  const [, scheme = '', value = ''] = /^(\S+) +(\S+)$/.exec(header.trim()) ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return { token: value };
    case 'basic':
      return parseBasic(value);
    default:
      throw new UnauthorizedError('The Authorization header is neither Basic nor Bearer.');
  }
}

function parseBasic(value: string): Credentials {
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0)
    throw new UnauthorizedError('The Authorization header is not Basic: it wants user:password in base64.');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
