import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateKeyPair } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { startIssuer } from '../../test/issuer.ts';
import { createIssuer, TokenRefusal } from './issuer.ts';

const nowMs = Date.now();
const now = Math.floor(nowMs / 1000);

async function start(options: { alg?: string; cooldownMs?: number } = {}) {
  const server = await startIssuer(options);
  onTestFinished(() => server.close());
  const clock = { nowMs };
  const issuer = createIssuer(server.url, { now: () => clock.nowMs, cooldownMs: options.cooldownMs ?? 0 });
  const verify = (token: string) => issuer.verify(token, ['hub.example', 'moorage']);
  return { server, clock, verify };
}

const claims = { aud: 'hub.example', sub: 'repo:acme/web', iat: now, exp: now + 300 };

test.each(['RS256', 'PS256', 'ES256', 'EdDSA'])(
  'a token that is signed with %s is verified, and the keys are fetched once',
  async (alg) => {
    const { server, verify } = await start({ alg });
    for (const aud of ['hub.example', ['other', 'moorage']]) {
      const token = await server.sign({ ...claims, aud, repository: 'acme/web' });
      expect(await verify(token)).toMatchObject({ iss: server.url, sub: claims.sub, repository: 'acme/web' });
    }
    expect([server.countOf('/keys'), server.countOf('/.well-known/openid-configuration')]).toEqual([1, 1]);
  },
);

test.each<[string, object, RegExp]>([
  [
    'another audience',
    { aud: 'other.example' },
    /^it is for "other\.example", and not for "hub\.example" or "moorage"$/,
  ],
  ['no audience', { aud: undefined }, /^it is for null, and not for/],
  ['another issuer', { iss: 'https://other.example' }, /"iss"/],
  ['no time of its end', { exp: undefined }, /"exp"/],
  ['an end in the past', { exp: now - 61 }, /^it has expired$/],
  ['a beginning to come', { nbf: now + 90 }, /^its time has not come yet$/],
  ['no time of issue', { iat: undefined }, /"iat"/],
  ['an issue to come', { iat: now + 90 }, /^it was issued in the future/],
  ['no subject', { sub: undefined }, /"sub"/],
  ['an empty subject', { sub: '' }, /^its subject is not/],
  ['a subject that steers terminals', { sub: 'a\u001b[2J' }, /^its subject is not/],
  ['a subject that turns the reading around', { sub: 'a\u202eb' }, /^its subject is not/],
  ['a subject without end', { sub: 'a'.repeat(513) }, /^its subject is not/],
])('a token with %s is refused with words', async (_, change, words) => {
  const { server, verify } = await start({ alg: 'EdDSA' });
  const token = await server.sign({ ...claims, ...change });
  await expect(verify(token)).rejects.toThrow(TokenRefusal);
  await expect(verify(token)).rejects.toThrow(words);
});

test('clocks may differ by a minute', async () => {
  const { server, verify } = await start({ alg: 'EdDSA' });
  expect(await verify(await server.sign({ ...claims, iat: now + 55, nbf: now + 55 }))).toBeDefined();
});

test('a token that the issuer did not sign is nobody’s: alg none, its public key as a secret, a key of one’s own, another algorithm', async () => {
  const { server, verify } = await start();
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const full = { iss: server.url, ...claims };
  const jwk = server.publicKey();
  const own = await generateKeyPair('RS256', { extractable: true });
  const [header = '', payload = '', signature = ''] = (await server.sign(claims)).split('.');
  const forged = [
    `${part({ alg: 'none', kid: 'key-1' })}.${part(full)}.`,
    `${part({ alg: 'none', kid: 'key-1' })}.${part(full)}.${signature}`,
    await server.sign(claims, { alg: 'HS256', key: Buffer.from(JSON.stringify(jwk)) }),
    await server.sign(claims, { alg: 'HS256', key: Buffer.from(jwk.n ?? '', 'base64url') }),
    await server.sign(claims, { key: own.privateKey }),
    await server.sign(claims, { key: own.privateKey, kid: 'key-2' }),
    await server.sign(claims, { alg: 'ES256', key: (await generateKeyPair('ES256')).privateKey }),
    await server.sign(claims, { alg: 'RS512', key: (await generateKeyPair('RS512')).privateKey }),
    `${part({ alg: 'RS256', kid: 'key-1', jwk: { kty: 'RSA' } })}.${payload}.${signature}`,
    `${header}.${part({ ...full, sub: 'repo:evil/web' })}.${signature}`,
    `${header}.${payload}.`,
    'no token',
  ];
  for (const token of forged) expect(await verify(token)).toBeUndefined();
});

test('a new key is fetched when a token names it, and tokens of the one before are nobody’s then', async () => {
  const { server, verify } = await start({ alg: 'EdDSA' });
  const before = await server.sign(claims);
  expect(await verify(before)).toBeDefined();
  await server.rotate();
  expect(await verify(await server.sign(claims))).toBeDefined();
  expect(await verify(before)).toBeUndefined();
});

test('unknown keys make the keys be fetched again only once in the cooldown', async () => {
  const { server, verify } = await start({ alg: 'EdDSA', cooldownMs: 30_000 });
  expect(await verify(await server.sign(claims))).toBeDefined();
  for (let i = 0; i < 5; i++) expect(await verify(await server.sign(claims, { kid: `unknown-${i}` }))).toBeUndefined();
  expect(server.countOf('/keys')).toBe(1);
});

const unavailable = { name: 'OciError', status: 503 };

test('an issuer that cannot be reached is no wrong password: 503, and it is asked again after ten seconds', async () => {
  const { server, clock, verify } = await start({ alg: 'EdDSA' });
  const path = '/.well-known/openid-configuration';
  const token = await server.sign(claims);
  server.answer(path, (response) => response.writeHead(500).end());
  for (let i = 0; i < 3; i++) await expect(verify(token)).rejects.toMatchObject(unavailable);
  expect(server.countOf(path)).toBe(1);
  server.answer(path, undefined);
  clock.nowMs += 10_001;
  expect(await verify(token)).toBeDefined();
});

test.each<[string, string, (url: string) => Parameters<Awaited<ReturnType<typeof startIssuer>>['answer']>[1]]>([
  ['redirects', '/keys', (url) => (response) => response.writeHead(302, { location: `${url}/keys2` }).end()],
  [
    'are too long',
    '/keys',
    () => (response) => response.writeHead(200).end(`{"keys":[],"x":"${'x'.repeat(300_000)}"}`),
  ],
  ['are no JSON', '/keys', () => (response) => response.writeHead(200).end('<html>')],
])('keys that %s are not taken', async (_, path, how) => {
  const { server, verify } = await start({ alg: 'EdDSA' });
  server.answer(path, how(server.url));
  await expect(verify(await server.sign(claims))).rejects.toMatchObject(unavailable);
  expect(server.countOf('/keys2')).toBe(0);
});

test.each<[string, (url: string) => object]>([
  ['is of another issuer', (url) => ({ issuer: 'https://other.example', jwks_uri: `${url}/keys` })],
  ['names keys without https', (url) => ({ issuer: url, jwks_uri: 'http://192.0.2.1/keys' })],
  ['names a file', (url) => ({ issuer: url, jwks_uri: 'file:///etc/passwd' })],
  ['names none', (url) => ({ issuer: url })],
])('metadata that %s is not taken', async (_, document) => {
  const { server, verify } = await start({ alg: 'EdDSA' });
  const body = JSON.stringify(document(server.url));
  server.answer('/.well-known/openid-configuration', (response) => response.writeHead(200).end(body));
  await expect(verify(await server.sign(claims))).rejects.toMatchObject(unavailable);
  expect(server.countOf('/keys')).toBe(0);
});

test('nothing is fetched from where nobody listens, and the reason is told', async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const url = `http://127.0.0.1:${(probe.address() as AddressInfo).port}`;
  probe.close();
  const { server } = await start({ alg: 'EdDSA' });
  const issuer = createIssuer(url, { now: () => nowMs });
  await expect(issuer.verify(await server.sign({ ...claims, iss: url }), ['hub.example'])).rejects.toThrow(
    /ECONNREFUSED/,
  );
});
