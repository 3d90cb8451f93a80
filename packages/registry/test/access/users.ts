import { parseNamePattern } from '../../src/access/scope.ts';
import type { AccessOptions, Identity, MetadataStore, RegistryOptions, Role } from '../../src/index.ts';
import { parseRepositoryName } from '../../src/oci/name.ts';
import { sqlite } from '../../src/storage/sqlite/sqlite.ts';
import { imageOf } from '../support/documents.ts';
import { type Answer, imageType, openTestRegistry, sha256, type TestRegistry } from '../support/registry.ts';

/** Headers that show a user's name and password; each user's password follows from the name. */
export function basic(username: string, password = `${username}-password`): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** Headers that show a token. */
export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** A registry with users of its own, whose default decision reads its rows. */
export interface UserRegistry extends TestRegistry {
  readonly metadata: MetadataStore;
  /** Who is known; whom a test takes out is disabled. */
  readonly users: Map<string, Identity>;
  /** Passwords that were asked about. */
  readonly guesses: readonly string[];
  /** Asks for a token by GET; `who` are its headers. */
  getToken(scopes: readonly string[], who?: Readonly<Record<string, string>>, more?: string): Promise<Answer>;
  /** Headers that show a new token. */
  bearerFor(scopes: readonly string[], who?: Readonly<Record<string, string>>): Promise<{ authorization: string }>;
  /** Pushes an image as a user, who must be allowed to; returns its digest. */
  pushAs(username: string, name: string): Promise<string>;
  setVisibility(name: string, visibility: 'public' | 'private'): Promise<void>;
  grant(pattern: string, subject: string, role: Role): Promise<void>;
}

type UserOptions = Omit<Partial<RegistryOptions>, 'access'> & { readonly access?: Exclude<AccessOptions, 'open'> };

const everyone: readonly Identity[] = [
  { id: 'admin', admin: true },
  ...['alice', 'bob', 'carol', 'stranger'].map((id) => ({ id })),
];

/** Opens one for admin, alice, bob, carol and a stranger; `close` it. `access` changes how they come in. */
export function openUserRegistry({ access = {}, ...options }: UserOptions = {}): UserRegistry {
  const metadata = sqlite({ file: ':memory:' });
  const users = new Map(everyone.map((identity) => [identity.id, identity]));
  const guesses: string[] = [];
  const opened = openTestRegistry({
    metadata,
    access: {
      authenticate(credentials) {
        if ('token' in credentials) return undefined;
        const { username, password } = credentials;
        guesses.push(password);
        return password === `${username}-password` ? users.get(username) : undefined;
      },
      identify: (id) => users.get(id),
      ...access,
    },
    ...options,
  });
  const { call } = opened;

  async function getToken(scopes: readonly string[], who = {}, more = ''): Promise<Answer> {
    const query = scopes.map((scope) => `&scope=${encodeURIComponent(scope)}`).join('');
    return call('GET', `/v2/token?service=moorage${query}${more}`, { headers: who });
  }

  return {
    ...opened,
    metadata,
    users,
    guesses,
    getToken,
    async bearerFor(scopes, who) {
      const answer = await getToken(scopes, who);
      if (answer.status !== 200) throw new Error(`The token endpoint answered ${answer.status}: ${answer.text}`);
      return bearer(answer.json().token);
    },
    async pushAs(username, name) {
      const headers = { ...basic(username), 'content-type': imageType };
      await call('POST', `/v2/${name}/blobs/uploads/?digest=${sha256('{}')}`, { headers, body: '{}' });
      const body = imageOf([], { annotations: { of: name } });
      const answer = await call('PUT', `/v2/${name}/manifests/latest`, { headers, body });
      if (answer.status !== 201) throw new Error(`Pushing to ${name} answered ${answer.status}: ${answer.text}`);
      return sha256(body);
    },
    async setVisibility(name, visibility) {
      await metadata.setVisibility({ name: parseRepositoryName(name), visibility });
    },
    async grant(pattern, subject, role) {
      await metadata.putGrant({ pattern: parseNamePattern(pattern), subject, role });
    },
  };
}
