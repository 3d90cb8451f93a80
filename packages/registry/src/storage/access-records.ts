import type { RepositoryName } from '../oci/name.ts';

declare const patternBrand: unique symbol;
/** Names of repositories: one, or with `/*` at its end all below a namespace, at every depth. Only `parseNamePattern` in access/scope.ts and `patternsOf` make one. */
export type NamePattern = string & { readonly [patternBrand]: true };

/** Every pattern that means the repository: its name first, then one for each namespace above it. */
export function patternsOf(name: RepositoryName): readonly [NamePattern, ...NamePattern[]] {
  const parts = name.split('/');
  const namespaces = parts.slice(0, -1).map((_, index) => `${parts.slice(0, index + 1).join('/')}/*` as NamePattern);
  return [name as string as NamePattern, ...namespaces];
}

/** What a subject may do where a grant says so: an owner may do all, a contributor pull, push and delete, a reader pull. */
export type Role = 'owner' | 'contributor' | 'reader';

/** A right that somebody was given. Of one subject on one pattern there is one. */
export interface GrantRecord {
  readonly pattern: NamePattern;
  /** An identity's id, or `@` and the name of a group. */
  readonly subject: string;
  readonly role: Role;
}

/** A secret that stands for an identity or for a robot, as far as its list reaches. */
export interface AccessTokenRecord {
  /** 32 characters of 0-9 and a-f, part of the secret and not secret itself. */
  readonly id: string;
  /** A user's: the identity it speaks for. A robot's: `robot+` and its name. Offline: made for a client that logged in, to get tokens with. */
  readonly kind: 'user' | 'robot' | 'offline';
  readonly identity: string;
  /** SHA-256 of the secret part, which has 256 random bits. */
  readonly secretHash: Uint8Array;
  /** Where it reaches; undefined: as far as the identity. */
  readonly pattern: NamePattern | undefined;
  readonly actions: readonly ('pull' | 'push' | 'delete')[];
  readonly createdMs: number;
  readonly expiresMs: number;
}

/** A key that signs tokens. */
export interface KeyRecord {
  /** `kid` of the tokens that it signed. */
  readonly id: string;
  /** JWK of the private key, as JSON text. */
  readonly privateJwk: string;
  readonly createdMs: number;
}

/** One line of the audit. */
export interface AuditEntry {
  readonly atMs: number;
  /** Identity that acted; undefined: anonymous. */
  readonly identity: string | undefined;
  readonly address: string | undefined;
  /** What was done, such as `login`, `push`, `delete`, `grant`. */
  readonly act: string;
  readonly isAllowed: boolean;
  readonly repository: RepositoryName | undefined;
  /** Tag, digest, role, reason: what the act was about, in a few words. */
  readonly about: string | undefined;
}

/** What the access of a registry remembers: a part of the metadata store, with the same promises. */
export interface AccessStore {
  /** Roles that `subjects` hold on the repository, by its name or by a namespace above it. */
  findRoles(name: RepositoryName, subjects: readonly string[]): Promise<readonly Role[]>;
  /** Names of repositories that hold a manifest and are public or on which `subjects` hold a role, in byte order. What it costs grows with the grants of `subjects`, and not with the repositories. */
  listVisible(
    subjects: readonly string[],
    page: { readonly after: string | undefined; readonly limit: number },
  ): Promise<readonly RepositoryName[]>;
  /** Grants on exactly this pattern, in byte order of their subjects. */
  listGrants(pattern: NamePattern): Promise<readonly GrantRecord[]>;
  /** Gives a right, in the place of another one of the same subject on the same pattern. */
  putGrant(grant: GrantRecord): Promise<void>;
  /** False when there is none. */
  removeGrant(grant: Pick<GrantRecord, 'pattern' | 'subject'>): Promise<boolean>;
  /** Takes every right of a subject, so that nobody inherits one with its name; returns how many. */
  removeGrantsOf(command: { readonly subject: string }): Promise<number>;

  /** False when there is no repository of that name. */
  setVisibility(command: {
    readonly name: RepositoryName;
    readonly visibility: 'public' | 'private';
  }): Promise<boolean>;
  /** Removes the repository with its manifests, tags, sessions, links and the grants on its name; the contents that it held stay in the store. False when
   *  there is none. */
  removeRepository(command: { readonly name: RepositoryName }): Promise<boolean>;

  findAccessToken(id: string): Promise<AccessTokenRecord | undefined>;
  /** Those of a kind, the newest first; expired ones too. */
  listAccessTokens(kind: AccessTokenRecord['kind']): Promise<readonly AccessTokenRecord[]>;
  /** A robot's name is unique: `in-use` when there is one. */
  addAccessToken(token: AccessTokenRecord): Promise<void>;
  /** The token is gone at once. False when there is none. */
  removeAccessToken(command: { readonly id: string }): Promise<boolean>;
  /** Removes offline tokens that ended before `expiredBeforeMs`, at most `limit`: each login makes one. Returns how many. Others stay, for people to see. */
  expireAccessTokens(command: { readonly expiredBeforeMs: number; readonly limit: number }): Promise<number>;
  /** Removes every token of an identity; returns how many. */
  removeAccessTokensOf(command: { readonly identity: string }): Promise<number>;

  /** Keys, the newest first: the one that was added last, whatever the clock said. */
  listKeys(): Promise<readonly KeyRecord[]>;
  /** Adds a key unless there is one already and `isFirst` is set; returns the newest, so that two processes that start at once use the same. */
  addKey(command: { readonly key: KeyRecord; readonly isFirst: boolean }): Promise<KeyRecord>;
  removeKey(command: { readonly id: string }): Promise<boolean>;

  appendAudit(command: { readonly entries: readonly AuditEntry[] }): Promise<void>;
  /** Entries after the one with id `after` (0: from the first), the oldest first. */
  listAudit(page: {
    readonly after: number;
    readonly limit: number;
  }): Promise<readonly (AuditEntry & { readonly id: number })[]>;
}
