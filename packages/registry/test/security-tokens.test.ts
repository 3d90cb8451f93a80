import { setImmediate } from 'node:timers/promises';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseNamePattern } from '../src/access/scope.ts';
import { basic, bearer, openUserRegistry, type UserRegistry } from './access/users.ts';
import { openTestRegistry, sha256 } from './support/registry.ts';

let opened: UserRegistry;
beforeEach(async () => {
  opened = openUserRegistry();
  await opened.pushAs('alice', 'alice/private');
});
afterEach(() => expect(opened.faults).toEqual([]));

const manifest = '/v2/alice/private/manifests/latest';
const own = ['repository:alice/private:pull,push,delete'];
const statusOf = async (headers: Readonly<Record<string, string>>, method = 'GET', target = manifest) =>
  (await opened.call(method, target, { headers })).status;

test('CVE-2026-27771: private is private on every door of /v2 to whoever has no right, by every way to come in', async () => {
  const { secret } = await opened.registry.accessTokens.create({
    kind: 'robot',
    identity: 'robot+ci',
    pattern: parseNamePattern('other/*'),
    actions: ['pull', 'push', 'delete'],
    ttlSeconds: 1000,
  });
  const robot = basic('robot+ci', secret);
  const ways = [
    {},
    await opened.bearerFor(own),
    basic('stranger'),
    await opened.bearerFor(own, basic('stranger')),
    robot,
    await opened.bearerFor(own, robot),
  ];
  for (const headers of ways) {
    for (const door of ['manifests/latest', `blobs/${sha256('{}')}`, 'tags/list']) {
      const answer = await opened.call('GET', `/v2/alice/private/${door}`, { headers });
      expect([401, 404]).toContain(answer.status);
      expect(answer.text).not.toContain('schemaVersion');
    }
    const catalog = await opened.call('GET', '/v2/_catalog', { headers });
    expect(catalog.text).not.toContain('alice/private');
  }
});

test('CVE-2025-24976: a token that carries its own key, under an id of ours, is refused', async () => {
  const good = (await opened.getToken(own, basic('alice'))).json().token;
  const [key] = (await opened.call('GET', '/v2/token/keys')).json().keys;
  const thief = await generateKeyPair('EdDSA', { extractable: true });
  const jwk = { ...(await exportJWK(thief.publicKey)), kid: key.kid };
  for (const header of [
    { kid: key.kid },
    { kid: key.kid, jwk },
    { jwk },
    { kid: key.kid, jku: 'https://evil.example' },
  ]) {
    const forged = new SignJWT(decodeJwt(good)).setProtectedHeader({ alg: 'EdDSA', ...header });
    expect(await statusOf(bearer(await forged.sign(thief.privateKey)))).toBe(401);
  }
  expect(await statusOf(bearer(good))).toBe(200);
});

test('tokens signed with whatever scope was asked (django-oci): a token holds the part of it that is allowed', async () => {
  for (const who of [{}, basic('stranger')]) {
    const { token } = (await opened.getToken(['repository:alice/private:*'], who)).json();
    expect(decodeJwt(token)['access']).toEqual([{ type: 'repository', name: 'alice/private', actions: [] }]);
  }
  await opened.grant('alice/private', 'carol', 'reader');
  const { token } = (await opened.getToken(['repository:alice/private:*'], basic('carol'))).json();
  expect(decodeJwt(token)['access']).toEqual([{ type: 'repository', name: 'alice/private', actions: ['pull'] }]);
});

test('a token never widens: neither more rights nor another token come of it', async () => {
  const narrow = await opened.bearerFor(['repository:alice/private:pull'], basic('alice'));
  expect(await statusOf(narrow)).toBe(200);
  expect(await statusOf(narrow, 'DELETE')).toBe(401);
  expect((await opened.getToken(own, narrow, '&offline_token=true')).status).toBe(401);
});

test('mounts from repositories that the caller may not pull: a session, the same as for none, by Basic and by token', async () => {
  const scopes = ['bob/mine:pull,push', 'alice/private:pull', 'alice/none:pull'].map((scope) => `repository:${scope}`);
  for (const headers of [basic('bob'), await opened.bearerFor(scopes, basic('bob'))]) {
    const answers = [];
    for (const query of [`&from=alice/private`, `&from=alice/none`, '']) {
      const target = `/v2/bob/mine/blobs/uploads/?mount=${sha256('{}')}${query}`;
      answers.push(await opened.call('POST', target, { headers }));
    }
    const told = answers.map(({ status, text, headers: answered }) => [status, text, Object.keys(answered)]);
    expect(told).toEqual(Array(3).fill([202, '', Object.keys(answers[0]?.headers ?? {})]));
  }
});

test('users told apart by message, unlimited guesses: one message, and ten guesses a minute for a user at an address', async () => {
  const texts = new Set<string>();
  for (const who of [basic('alice', 'wrong'), basic('nobody', 'wrong'), basic('robot+none', 'wrong')]) {
    texts.add((await opened.getToken([], who)).text);
  }
  expect(texts.size).toBe(1);
  const statuses: number[] = [];
  for (let i = 0; i < 20; i += 1) statuses.push((await opened.getToken([], basic('bob', `guess${i}`))).status);
  expect(statuses).toEqual([...Array(10).fill(401), ...Array(10).fill(429)]);
  expect(opened.guesses.filter((guess) => guess.startsWith('guess'))).toHaveLength(10);
  // Neither on another door nor with the right password.
  expect(await statusOf(basic('bob'))).toBe(429);
  opened.advance(60_000);
  expect(await statusOf(basic('bob'))).toBe(404);
});

test('unlimited guesses: an access token is guessed as often as a password', async () => {
  const { secret } = await opened.registry.accessTokens.create({
    kind: 'user',
    identity: 'alice',
    pattern: undefined,
    actions: ['pull'],
    ttlSeconds: 1000,
  });
  const wrong = `${secret.slice(0, -6)}AAAAAA`;
  for (let i = 0; i < 10; i += 1) expect(await statusOf(basic('alice', wrong))).toBe(401);
  expect(await statusOf(basic('alice', secret))).toBe(429);
});

test('a token replayed on another registry (serverless-registry#154) is refused by its audience, and by its key', async () => {
  const access = { authenticate: () => ({ id: 'alice' }) };
  const shared = { metadata: opened.metadata, access };
  const other = openTestRegistry({ ...shared, publicUrl: 'https://other.example' });
  const foreign = openUserRegistry();
  await foreign.pushAs('alice', 'alice/private');
  for (const [issuer, headers] of [
    [other, basic('alice')],
    [foreign, basic('alice')],
  ] as const) {
    const { token } = (await issuer.call('GET', `/v2/token?scope=${own[0]}`, { headers })).json();
    expect((await issuer.call('GET', manifest, { headers: bearer(token) })).status).toBe(200);
    expect(await statusOf(bearer(token))).toBe(401);
  }
});

test('anonymous push, guests let by, a read-only user that pushed (hypeman#74, #96, serverless-registry#118)', async () => {
  await opened.setVisibility('alice/private', 'public');
  await opened.grant('alice/private', 'carol', 'reader');
  const { secret } = await opened.registry.accessTokens.create({
    kind: 'robot',
    identity: 'robot+pull',
    pattern: parseNamePattern('alice/*'),
    actions: ['pull'],
    ttlSeconds: 1000,
  });
  for (const [shown, status] of [
    [{}, 401],
    [await opened.bearerFor(own), 401],
    [basic('carol'), 403],
    [await opened.bearerFor(own, basic('carol')), 403],
    [basic('robot+pull', secret), 403],
    [await opened.bearerFor(own, basic('robot+pull', secret)), 403],
  ] as const) {
    for (const [method, target] of [
      ['POST', '/v2/alice/private/blobs/uploads/'],
      ['PUT', manifest],
      ['DELETE', manifest],
    ] as const) {
      expect(await statusOf(shown, method, target)).toBe(status);
    }
    expect(await statusOf(shown)).toBe(200);
  }
});

test('a cookie accepted on /v2 opens cross-site requests: neither a cookie nor a token in the query is looked at', async () => {
  const { authorization } = await opened.bearerFor(own, basic('alice'));
  const token = authorization.slice('Bearer '.length);
  const headers = { cookie: `token=${token}; session=${token}`, 'x-access-token': token };
  expect(await statusOf(headers)).toBe(401);
  expect(await statusOf({}, 'GET', `${manifest}?access_token=${token}&token=${token}`)).toBe(401);
  expect((await opened.getToken(own, headers)).json().refresh_token).toBeUndefined();
  const anonymously = (await opened.getToken(own, headers)).json().token;
  expect(decodeJwt(anonymously).sub).toBe('');
});

test('whether a private repository exists: tokens and refusals for it and for none are the same to who may not make it', async () => {
  opened = openUserRegistry({ access: { creation: 'namespace' } });
  await opened.pushAs('alice', 'alice/private');
  for (const who of [{}, basic('stranger')]) {
    const [hidden, missing] = await Promise.all(
      ['alice/private', 'alice/none'].map(async (name) => {
        const { token } = (await opened.getToken([`repository:${name}:*`], who)).json();
        const { access } = decodeJwt<{ access: { actions: string[] }[] }>(token);
        const answers = [access.map(({ actions }) => actions)] as unknown[];
        for (const headers of [who, bearer(token)]) {
          for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
            const answer = await opened.call(method, `/v2/${name}/manifests/latest`, { headers });
            const challenge = answer.headers['www-authenticate']?.replaceAll(name, 'NAME');
            answers.push([answer.status, answer.text.replaceAll(name, 'NAME'), challenge]);
          }
        }
        return answers;
      }),
    );
    expect(hidden).toEqual(missing);
  }
});

test('secrets stay out of answers, reports and the audit', async () => {
  const { secret } = await opened.registry.accessTokens.create({
    kind: 'user',
    identity: 'alice',
    pattern: undefined,
    actions: ['pull'],
    ttlSeconds: 1000,
  });
  const texts: string[] = [];
  for (const headers of [basic('alice', secret), basic('alice', 'my-guess'), bearer(secret), basic('bob', secret)]) {
    const { text, headers: answered } = await opened.call('GET', manifest, { headers });
    texts.push(text, JSON.stringify(answered));
  }
  texts.push(
    JSON.stringify(opened.reports.map(({ error, ...report }) => [report, error?.message, String(error?.cause)])),
  );
  await setImmediate();
  const audit = await opened.metadata.listAudit({ after: 0, limit: 100 });
  expect(audit.filter(({ act, isAllowed }) => act === 'login' && !isAllowed)).toHaveLength(2);
  texts.push(JSON.stringify(audit));
  expect(texts.join()).not.toMatch(/my-guess|moorage_[0-9a-f]{32}_/);
});
