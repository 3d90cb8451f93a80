import { createHash, timingSafeEqual } from 'node:crypto';
import type { AuthorizeRequest, Credentials, Identity } from '@moorage/registry';

/** Stands for your database of users. */
const users = new Map([
  ['alice', { apiKey: 'alice-key' }],
  ['bob', { apiKey: 'bob-key' }],
]);

/** What is known of a user now; undefined: there is none. */
export function identify(id: string): Identity | undefined {
  return users.has(id) ? { id } : undefined;
}

/** Who shows these credentials: a user's name, with an API key as the password. */
export function authenticate(credentials: Credentials): Identity | undefined {
  if ('token' in credentials) return undefined;
  const { username, password } = credentials;
  const user = users.get(username);
  return user !== undefined && isEqual(password, user.apiKey) ? identify(username) : undefined;
}

/** Everybody may pull what begins with `public/`; everything else belongs to the user with whose name it begins, and to nobody else. */
export function authorize({ identity, action, name }: AuthorizeRequest): boolean {
  if (name.startsWith('public/')) return action === 'pull' || identity !== undefined;
  return identity !== undefined && name.startsWith(`${identity.id}/`);
}

function isEqual(text: string, secret: string): boolean {
  const [one, other] = [text, secret].map((value) => createHash('sha256').update(value).digest());
  return one !== undefined && other !== undefined && timingSafeEqual(one, other);
}
