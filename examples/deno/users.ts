import { createHash } from 'node:crypto';
import type { Credentials, Identity } from '@moorage/registry';

/** Stands for your table of users. */
const teamsOf = new Map([
  ['alice', ['web']],
  ['bob', ['web']],
  ['carol', []],
]);

/** Stands for your table of API keys, which are kept as hashes. A row that is removed is a key that was revoked. */
const apiKeys = [...teamsOf.keys()].map((user) => ({ id: `${user}-laptop`, user, hash: hashOf(`${user}-key`) }));

/** Who shows these credentials: a user's name, with an API key as the password. */
export function authenticate(credentials: Credentials): Identity | undefined {
  if ('token' in credentials) return undefined;
  const hash = hashOf(credentials.password);
  const key = apiKeys.find((key) => key.hash === hash && key.user === credentials.username);
  // Bearer tokens carry the key's id, and end with the key.
  return key === undefined ? undefined : identify(key.user, key.id);
}

/** What is known of a user now, who showed the key with the id `credential`; undefined: one of them is gone. */
export function identify(id: string, credential: string | undefined): Identity | undefined {
  const groups = teamsOf.get(id);
  const key = apiKeys.find((key) => key.id === credential && key.user === id);
  return groups === undefined || key === undefined ? undefined : { id, groups, credential: key.id };
}

/** Real keys are long and random, so a quick hash does, and looking for it tells nothing by its time. */
function hashOf(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex');
}
