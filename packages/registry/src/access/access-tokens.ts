import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AccessStore, AccessTokenRecord } from '../storage/access-records.ts';
import type { ScopeAction } from './scope.ts';

/** A token that was just made. The secret is told this once: what is kept is its hash. */
export interface NewAccessToken {
  readonly id: string;
  /** Letters, digits, `_` and `-`: safe in shells and in URLs. */
  readonly secret: string;
}

/** What a token is to be good for. */
export interface AccessTokenRequest extends Pick<AccessTokenRecord, 'kind' | 'identity' | 'pattern'> {
  readonly actions: readonly ScopeAction[];
  readonly ttlSeconds: number;
}

/** Secrets that stand for identities and robots. Nothing about them is remembered here: one that is revoked, by whatever process, is refused at its next use. */
export interface AccessTokens {
  create(request: AccessTokenRequest): Promise<NewAccessToken>;
  list(kind: AccessTokenRecord['kind']): Promise<readonly AccessTokenRecord[]>;
  /** False when there is none. */
  revoke(id: string): Promise<boolean>;
  /** The token of a secret; undefined for one that is unknown, revoked or past its time. */
  findBySecret(secret: string): Promise<AccessTokenRecord | undefined>;
  /** The token of an id that another token of ours names; undefined as above. */
  find(id: string): Promise<AccessTokenRecord | undefined>;
}

const secretPattern = /^moorage_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/;

/** Whether a password has the form of a secret of ours, so that no application need be asked about it. */
export function isAccessTokenSecret(password: string): boolean {
  return secretPattern.test(password);
}

/** Access tokens over a store alone: what `registry.accessTokens` is, for programs that have the store and no registry. */
export function createAccessTokens(store: AccessStore, sources: { now(): number } = { now: Date.now }): AccessTokens {
  async function find(id: string): Promise<AccessTokenRecord | undefined> {
    const record = await store.findAccessToken(id);
    return record !== undefined && record.expiresMs > sources.now() ? record : undefined;
  }

  return {
    find,
    async create({ kind, identity, pattern, actions, ttlSeconds }) {
      const id = randomBytes(16).toString('hex');
      const part = randomBytes(32).toString('base64url');
      const createdMs = sources.now();
      const expiresMs = createdMs + ttlSeconds * 1000;
      await store.addAccessToken({
        id,
        kind,
        identity,
        secretHash: hashOf(part),
        pattern,
        actions,
        createdMs,
        expiresMs,
      });
      return { id, secret: `moorage_${id}_${part}` };
    },
    list: (kind) => store.listAccessTokens(kind),
    revoke: (id) => store.removeAccessToken({ id }),
    async findBySecret(secret) {
      const [, id = '', part = ''] = secretPattern.exec(secret) ?? [];
      const record = id === '' ? undefined : await find(id);
      return record !== undefined && timingSafeEqual(hashOf(part), record.secretHash) ? record : undefined;
    },
  };
}

/** 256 random bits need no slow hash. */
function hashOf(part: string): Uint8Array {
  return createHash('sha256').update(part).digest();
}
