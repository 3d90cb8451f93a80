import { createHash, timingSafeEqual } from 'node:crypto';
import type { Credentials, Identity } from '@moorage/registry';

/** Stands for your database of users. */
const users = new Map([
  ['alice', { apiKey: 'alice-key', teams: ['web'] }],
  ['bob', { apiKey: 'bob-key', teams: ['web'] }],
  ['carol', { apiKey: 'carol-key', teams: [] }],
]);

/** What is known of a user now; undefined: there is none. */
export function identify(id: string): Identity | undefined {
  const user = users.get(id);
  return user === undefined ? undefined : { id, groups: user.teams };
}

/** Who shows these credentials: a user's name, with an API key as the password. */
export function authenticate(credentials: Credentials): Identity | undefined {
  if ('token' in credentials) return undefined;
  const { username, password } = credentials;
  const user = users.get(username);
  return user !== undefined && isEqual(password, user.apiKey) ? identify(username) : undefined;
}

function isEqual(text: string, secret: string): boolean {
  const [one, other] = [text, secret].map((value) => createHash('sha256').update(value).digest());
  return one !== undefined && other !== undefined && timingSafeEqual(one, other);
}
