import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader, exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { parseRepositoryName } from '../oci/name.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { createKeys } from './keys.ts';
import type { TokenClaims } from './token-claims.ts';
import { createTokens } from './tokens.ts';
import { UnauthorizedError } from './unauthorized.ts';

const startMs = Date.UTC(2026, 0, 1);
const web = parseRepositoryName('acme/web');
const claims: TokenClaims = {
  identity: 'alice',
  scopes: [
    { type: 'repository', name: web, actions: ['pull', 'push'] },
    { type: 'repository', name: parseRepositoryName('acme/base'), actions: [] },
  ],
  accessToken: 'a'.repeat(32),
};

/** What a token that was made at the start says. */
const verified = { ...claims, issuedMs: startMs };

function open(ttlSeconds = 300, service = 'hub.example') {
  let nowMs = startMs;
  let ids = 0;
  const sources = {
    now: () => nowMs,
    randomId() {
      ids += 1;
      return `id${ids}`;
    },
  };
  const keys = createKeys(sqlite({ file: ':memory:' }), sources);
  const tokens = createTokens(keys, { ttlSeconds, service }, sources);
  return {
    keys,
    tokens,
    set(ms: number) {
      nowMs = startMs + ms;
    },
    outcome: (token: string) =>
      tokens.verify(token).catch((error: unknown) => {
        expect(error).toBeInstanceOf(UnauthorizedError);
        return (error as UnauthorizedError).message;
      }),
    /** A token with the registry's own key, of what a test makes of its claims and header. */
    async forge(changed: object, header: object = {}) {
      const { id, privateKey } = await keys.current();
      const nowSeconds = startMs / 1000;
      const own = { iss: service, aud: service, sub: 'alice', nbf: nowSeconds, exp: nowSeconds + 300, jti: 'x' };
      return new SignJWT({ ...own, access: [], ...changed })
        .setProtectedHeader({ alg: 'EdDSA', kid: id, ...header })
        .sign(privateKey);
    },
  };
}

const foreign = 'The token is not one of this registry.';
const expired = 'The token has expired: get a new one.';
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('a token says again what it was made of, and to others what the docker specification has', async () => {
  const { tokens } = open();
  const { token, ...issued } = await tokens.issue(claims);
  expect(issued).toEqual({ expiresInSeconds: 300, issuedMs: startMs });
  expect(await tokens.verify(token)).toEqual(verified);
  const nowSeconds = startMs / 1000;
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', kid: 'id1', typ: 'JWT' });
  expect(decodeJwt(token)).toEqual({
    iss: 'hub.example',
    aud: 'hub.example',
    sub: 'alice',
    iat: nowSeconds,
    nbf: nowSeconds,
    exp: nowSeconds + 300,
    jti: 'id2',
    access: claims.scopes,
    access_token: 'a'.repeat(32),
  });
});

test('a token of nobody is of nobody', async () => {
  const { tokens } = open();
  const nobody = { identity: undefined, scopes: [], accessToken: undefined };
  expect(await tokens.verify((await tokens.issue(nobody)).token)).toEqual({ ...nobody, issuedMs: startMs });
});

test('a token lives its time and 60 s of leeway, and no more', async () => {
  const { tokens, set, outcome } = open();
  const { token } = await tokens.issue(claims);
  set(359_000);
  expect(await outcome(token)).toEqual(verified);
  set(360_000);
  expect(await outcome(token)).toBe(expired);
  set(86_400_000);
  expect(await outcome(token)).toBe(expired);
});

test('a token from a clock that is 60 s ahead is taken, and from one that is further ahead it is not', async () => {
  const { tokens, set, outcome } = open();
  const { token } = await tokens.issue(claims);
  set(-60_000);
  expect(await outcome(token)).toEqual(verified);
  set(-61_000);
  expect(await outcome(token)).toBe(foreign);
});

test('a token lives for at least the 60 s that clients believe it to', async () => {
  const { tokens, set, outcome } = open(5);
  const { token, expiresInSeconds } = await tokens.issue(claims);
  expect(expiresInSeconds).toBe(60);
  set(119_000);
  expect(await outcome(token)).toEqual(verified);
  set(120_000);
  expect(await outcome(token)).toBe(expired);
});

test('a token of another issuer, for another audience, or without a claim that it must have is refused', async () => {
  const { forge, outcome } = open();
  expect(await outcome(await forge({}))).toMatchObject({ identity: 'alice' });
  for (const changed of [
    { iss: 'other.example' },
    { iss: undefined },
    { aud: 'other.example' },
    { aud: ['other.example', 'third.example'] },
    { aud: undefined },
    { exp: undefined },
    { nbf: undefined },
    { sub: undefined },
    { jti: undefined },
    { exp: 'never' },
    { nbf: startMs / 1000 + 61 },
  ]) {
    expect([changed, await outcome(await forge(changed))]).toEqual([changed, foreign]);
  }
});

test('a token of another registry, with the same names and its own key, is refused', async () => {
  const [own, other] = [open(), open()];
  const { token } = await other.tokens.issue(claims);
  expect(await own.outcome(token)).toBe(foreign);
  await own.keys.current();
  expect(await own.outcome(token)).toBe(foreign);
});

test('a token of another registry that shares the key is refused by its audience', async () => {
  const own = open();
  const sources = { now: () => startMs, randomId: () => 'x' };
  const other = createTokens(own.keys, { ttlSeconds: 300, service: 'other.example' }, sources);
  expect(await own.outcome((await other.issue(claims)).token)).toBe(foreign);
});

test('a token outlives one rotation of the keys and not two', async () => {
  const { tokens, keys, outcome } = open();
  const { token } = await tokens.issue(claims);
  await keys.rotate();
  expect(await outcome(token)).toEqual(verified);
  await keys.rotate();
  expect(await outcome(token)).toBe(foreign);
});

test('alg none is refused, however it is spelled and with whatever signature', async () => {
  const { tokens, keys, outcome } = open();
  const { token } = await tokens.issue(claims);
  const { id } = await keys.current();
  const [, payload = '', signature = ''] = token.split('.');
  for (const alg of ['none', 'None', 'NONE', '', undefined]) {
    for (const end of ['', signature]) {
      expect(await outcome(`${encode({ alg, kid: id })}.${payload}.${end}`)).toBe(foreign);
    }
  }
});

test('HS256 with the public key as its secret is refused', async () => {
  const { tokens, keys, outcome } = open();
  const payload = decodeJwt((await tokens.issue(claims)).token);
  const { id } = await keys.current();
  const publicKey = await keys.findPublic(id);
  const [jwk] = (await keys.jwks()).keys;
  const secrets = [
    await exportSPKI(publicKey as CryptoKey),
    JSON.stringify(jwk),
    Buffer.from(String(jwk?.x), 'base64url'),
  ];
  for (const secret of secrets) {
    const forged = new SignJWT(payload).setProtectedHeader({ alg: 'HS256', kid: id });
    expect(await outcome(await forged.sign(Buffer.from(secret)))).toBe(foreign);
  }
});

test('a key that a token brings along, by jwk, jku, x5c or x5u, is not looked at (CVE-2025-24976)', async () => {
  const { tokens, keys, outcome } = open();
  const payload = decodeJwt((await tokens.issue(claims)).token);
  const { id } = await keys.current();
  const thief = await generateKeyPair('EdDSA', { extractable: true });
  const jwk = await exportJWK(thief.publicKey);
  for (const header of [
    { jwk },
    { jwk: { ...jwk, kid: id } },
    { jku: 'https://evil.example/keys' },
    { x5c: ['MIIB'] },
    { x5u: 'https://evil.example/key.pem' },
  ]) {
    for (const kid of [id, 'thief', undefined]) {
      const forged = new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', ...(kid && { kid }), ...header });
      expect(await outcome(await forged.sign(thief.privateKey))).toBe(foreign);
    }
  }
});

test('a token that was changed anywhere is refused', async () => {
  const { tokens, outcome } = open();
  const { token } = await tokens.issue(claims);
  const [header = '', payload = '', signature = ''] = token.split('.');
  const wider = { ...decodeJwt(token), access: [{ type: 'repository', name: 'acme/secret', actions: ['pull'] }] };
  for (const changed of [
    `${header}.${encode(wider)}.${signature}`,
    `${header}.${encode({ ...decodeJwt(token), sub: 'admin' })}.${signature}`,
    `${encode({ ...decodeProtectedHeader(token), extra: 1 })}.${payload}.${signature}`,
    `${header}.${payload}.`,
    `${header}.${payload}`,
    `${header}.${payload}.${signature}.${signature}`,
    `${header}.${payload}.${signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))}`,
  ]) {
    expect(await outcome(changed)).toBe(foreign);
  }
});

test('any text as a token is refused and nothing else', async () => {
  const { tokens, outcome } = open();
  const { token } = await tokens.issue(claims);
  const pieces = fc.oneof(
    fc.string(),
    fc.constantFrom(...token.split('.'), '.', encode({}), encode(null), encode([]), encode({ alg: 'EdDSA', kid: 1 })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 6 }), async (parts) => {
      fc.pre(parts.join('.') !== token);
      expect([foreign, expired]).toContain(await outcome(parts.join('.')));
    }),
  );
});

test('a fault of the store is not taken for a bad token', async () => {
  const { tokens } = open();
  const { token } = await tokens.issue(claims);
  const fault = new Error('the disk is away');
  const broken = createTokens(
    { ...open().keys, findPublic: () => Promise.reject(fault) },
    { ttlSeconds: 300, service: 'hub.example' },
    { now: () => startMs, randomId: () => '' },
  );
  await expect(broken.verify(token)).rejects.toBe(fault);
});
