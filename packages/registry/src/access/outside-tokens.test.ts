import { generateKeyPairSync } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { certificateOf } from '../../test/access/certificate.ts';
import { createOutsideTokens } from './outside-tokens.ts';
import { UnauthorizedError } from './unauthorized.ts';

const nowMs = Date.UTC(2026, 0, 1);
const nowSeconds = nowMs / 1000;
const server = { realm: 'https://auth.example/token', service: 'hub.example', issuer: 'auth.example' };
const access = [{ type: 'repository', name: 'acme/web', actions: ['pull', 'push', '*'] }];

const rsa = await generateKeyPair('RS256', { extractable: true });
const jwk = { ...(await exportJWK(rsa.publicKey)), kid: 'outside', alg: 'RS256' };
const tokens = createOutsideTokens({ ...server, keys: { jwks: { keys: [jwk] } } }, { now: () => nowMs });

function sign(changed: object = {}, header: object = {}, key: CryptoKey | Uint8Array = rsa.privateKey) {
  const own = { iss: 'auth.example', aud: 'hub.example', sub: 'alice', exp: nowSeconds + 300 };
  return new SignJWT({ ...own, access, ...changed })
    .setProtectedHeader({ alg: 'RS256', kid: 'outside', ...header })
    .sign(key);
}

const outcome = (token: string) =>
  tokens.verify(token).catch((error: unknown) => {
    expect(error).toBeInstanceOf(UnauthorizedError);
    return 'refused';
  });

test('a token of the server outside says who and how far', async () => {
  expect(await outcome(await sign())).toEqual({
    identity: 'alice',
    scopes: [{ type: 'repository', name: 'acme/web', actions: ['pull', 'push', 'delete'] }],
    accessToken: undefined,
  });
  expect(await outcome(await sign({ sub: undefined }))).toMatchObject({ identity: undefined });
});

test('entries of a token that are of other kinds, or that nobody can read, narrow to nothing and are no fault', async () => {
  for (const strange of [
    undefined,
    null,
    'repository:acme/web:pull',
    [null],
    [7],
    [{}],
    [{ type: 'registry', name: 'catalog', actions: ['*'] }],
    [{ type: 'repository', name: 'UPPER', actions: ['pull'] }],
    [{ type: 'repository', name: 'acme/web' }],
    [{ type: 'repository', name: 'acme/web', actions: 'pull' }],
    [{ type: 'repository', name: 'acme/web', actions: [7, null] }],
  ]) {
    const claims = await tokens.verify(await sign({ access: strange }));
    expect([strange, claims.scopes.flatMap(({ actions }) => actions)]).toEqual([strange, []]);
  }
});

test('a token of another issuer or audience, expired beyond 60 s, without an end, forged or confused is refused', async () => {
  const other = await generateKeyPair('RS256');
  expect(await outcome(await sign({ exp: nowSeconds - 59 }))).toMatchObject({ identity: 'alice' });
  for (const token of [
    await sign({ iss: 'evil.example' }),
    await sign({ aud: 'other.example' }),
    await sign({ exp: nowSeconds - 60 }),
    await sign({ exp: undefined }),
    await sign({ nbf: nowSeconds + 61 }),
    await sign({}, {}, other.privateKey),
    await sign({}, { kid: 'unknown' }, other.privateKey),
    await sign({}, { jwk: await exportJWK(other.publicKey) }, other.privateKey),
    await sign({}, { alg: 'HS256' }, new TextEncoder().encode(JSON.stringify(jwk))),
    `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await sign()).split('.')[1]}.`,
    '',
    'a.b.c',
  ]) {
    expect(await outcome(token)).toBe('refused');
  }
});

test('certificates are keys too, tried one after the other, whatever algorithm a token says', async () => {
  const pairs = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const certificates = pairs.map(certificateOf);
  const byCertificate = createOutsideTokens({ ...server, keys: { certificates } }, { now: () => nowMs });
  const claims = { iss: 'auth.example', aud: 'hub.example', sub: 'bob', exp: nowSeconds + 300, access };
  for (const { privateKey } of pairs) {
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
    expect(await byCertificate.verify(token)).toMatchObject({ identity: 'bob' });
  }
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  for (const alg of ['EdDSA', 'RS256', 'PS256', 'ES384', 'HS256', 'none', 'x', 7]) {
    const header = Buffer.from(JSON.stringify({ alg })).toString('base64url');
    const verifying = byCertificate.verify(`${header}.${payload}.AAAA`);
    await expect(verifying, String(alg)).rejects.toBeInstanceOf(UnauthorizedError);
  }
});
