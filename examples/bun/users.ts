import { createHash } from 'node:crypto';
import type { AuthorizeRequest, Credentials, Identity } from '@moorage/registry';

/** Stands for your table of API keys, which are kept as hashes. A row that is removed is a key that was revoked. */
const apiKeys = [
  { id: 'alice-laptop', user: 'alice', hash: hashOf('alice-key') },
  { id: 'bob-laptop', user: 'bob', hash: hashOf('bob-key') },
];

/** Who shows these credentials: a user's name, with an API key as the password. */
export function authenticate(credentials: Credentials): Identity | undefined {
  if ('token' in credentials) return undefined;
  const hash = hashOf(credentials.password);
  const key = apiKeys.find((key) => key.hash === hash && key.user === credentials.username);
  // Bearer tokens carry the key's id, and end with the key.
  return key === undefined ? undefined : { id: key.user, credential: key.id };
}

/** Asked when a client comes back with a bearer token: whether the key that it was made with is there. */
export function identify(id: string, credential: string | undefined): Identity | undefined {
  const key = apiKeys.find((key) => key.id === credential && key.user === id);
  return key === undefined ? undefined : { id, credential: key.id };
}

/** Everybody may pull what begins with `public/`; everything else belongs to the user with whose name it begins, and to nobody else. */
export function authorize({ identity, action, name }: AuthorizeRequest): boolean {
  if (name.startsWith('public/')) return action === 'pull' || identity !== undefined;
  return identity !== undefined && name.startsWith(`${identity.id}/`);
}

/** Real keys are long and random, so a quick hash does, and looking for it tells nothing by its time. */
function hashOf(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex');
}
