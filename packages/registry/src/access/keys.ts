import type { CryptoKey, JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import type { AccessStore, KeyRecord } from '../storage/access-records.ts';
import { loadJose } from './load-jose.ts';

/** The algorithm that tokens are signed with; no other is accepted. */
export const signingAlgorithm = 'EdDSA';

/** A key with its id. */
export interface SigningKey {
  readonly id: string;
  readonly privateKey: CryptoKey;
}

/** Keys that sign tokens. They lie with the data, so that a restart and another process go on with them; whether a key counts is read at each use. */
export interface Keys {
  /** The newest key, made where there is none. */
  current(): Promise<SigningKey>;
  /** The public key of an id among ours; undefined for any other. */
  findPublic(id: string): Promise<CryptoKey | undefined>;
  /** Makes a new key. Tokens of the one before are accepted still, those of older ones no longer. */
  rotate(): Promise<void>;
  /** Public keys as a JWKS (RFC 7517, section 5). */
  jwks(): Promise<{ readonly keys: readonly JWK[] }>;
}

export function createKeys(store: AccessStore, sources: { now(): number; randomId(): string }): Keys {
  /** Keys by their id, which never stand for other keys. */
  const imported = new LRUCache<string, Promise<{ privateKey: CryptoKey; publicKey: CryptoKey }>>({ max: 16 });

  async function make(isFirst: boolean): Promise<KeyRecord> {
    const { exportJWK, generateKeyPair } = await loadJose();
    const { privateKey } = await generateKeyPair(signingAlgorithm, { crv: 'Ed25519', extractable: true });
    const privateJwk = JSON.stringify(await exportJWK(privateKey));
    return store.addKey({ key: { id: sources.randomId(), privateJwk, createdMs: sources.now() }, isFirst });
  }

  function importKey({ id, privateJwk }: KeyRecord): Promise<{ privateKey: CryptoKey; publicKey: CryptoKey }> {
    const known = imported.get(id) ?? importPair(JSON.parse(privateJwk));
    imported.set(id, known);
    return known;
  }

  async function importPair(jwk: JWK): Promise<{ privateKey: CryptoKey; publicKey: CryptoKey }> {
    const { importJWK } = await loadJose();
    const [privateKey, publicKey] = await Promise.all([
      importJWK(jwk, signingAlgorithm),
      importJWK(publicPart(jwk), signingAlgorithm),
    ]);
    if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array) {
      throw new TypeError('A signing key in the store is no key pair.');
    }
    return { privateKey, publicKey };
  }

  return {
    async current() {
      const [newest = await make(true)] = await store.listKeys();
      return { id: newest.id, privateKey: (await importKey(newest)).privateKey };
    },
    async findPublic(id) {
      const record = (await store.listKeys()).find((key) => key.id === id);
      return record === undefined ? undefined : (await importKey(record)).publicKey;
    },
    async rotate() {
      const [, ...older] = await store.listKeys();
      await make(false);
      for (const { id } of older) await store.removeKey({ id });
    },
    async jwks() {
      const keys = (await store.listKeys()).map(({ id, privateJwk }) => ({
        ...publicPart(JSON.parse(privateJwk)),
        kid: id,
        use: 'sig',
        alg: signingAlgorithm,
      }));
      return { keys };
    },
  };
}

/** All but `d`, the private part (RFC 8037, section 2). */
function publicPart({ kty = '', crv = '', x = '' }: JWK): JWK {
  return { kty, crv, x };
}
