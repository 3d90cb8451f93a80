import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseNamePattern } from '../src/access/scope.ts';
import { basic, bearer, openUserRegistry, type UserRegistry } from './access/users.ts';
import { imageOf } from './support/documents.ts';
import { imageType, sha256 } from './support/registry.ts';

let opened: UserRegistry;
beforeEach(async () => {
  opened = openUserRegistry();
  await opened.pushAs('alice', 'alice/web');
  await opened.pushAs('alice', 'alice/base');
});
afterEach(() => expect(opened.faults).toEqual([]));

const scopeOf = (header: string | undefined) => /scope="([^"]*)"/.exec(header ?? '')?.[1];

test('docker login: /v2/ is 401 with a challenge though public pulls are open, then a token without a scope', async () => {
  await opened.setVisibility('alice/web', 'public');
  const challenge = await opened.call('GET', '/v2/');
  expect([challenge.status, challenge.headers['www-authenticate']]).toEqual([
    401,
    expect.stringMatching(/^Bearer realm=/),
  ]);
  const query = 'account=alice&client_id=docker&offline_token=true&service=moorage';
  const answer = await opened.call('GET', `/v2/token?${query}`, { headers: basic('alice') });
  expect(answer.json()).toMatchObject({ token: expect.any(String), refresh_token: expect.any(String) });
  expect((await opened.call('GET', '/v2/', { headers: bearer(answer.json().token) })).status).toBe(200);
  const wrong = await opened.call('GET', `/v2/token?${query}`, { headers: basic('alice', 'wrong') });
  expect([wrong.status, ...wrong.codes()]).toEqual([401, 'UNAUTHORIZED']);
});

test('docker login with an access token or as a robot, then a pull with what it gave', async () => {
  const list = { pattern: parseNamePattern('alice/*'), actions: ['pull'], ttlSeconds: 1000 } as const;
  for (const request of [
    { kind: 'user', identity: 'alice', ...list },
    { kind: 'robot', identity: 'robot+ci', ...list },
  ] as const) {
    const { secret } = await opened.registry.accessTokens.create(request);
    const headers = await opened.bearerFor(['repository:alice/web:pull'], basic(request.identity, secret));
    expect((await opened.call('GET', '/v2/alice/web/manifests/latest', { headers })).status).toBe(200);
  }
});

test('podman, skopeo: a token lives for at least the 60 s that they take it to, and is good a little past its end', async () => {
  opened = openUserRegistry({ tokens: { ttlSeconds: 10 } });
  await opened.pushAs('alice', 'alice/web');
  const answer = await opened.getToken(['repository:alice/web:pull'], basic('alice'));
  expect(answer.json().expires_in).toBeGreaterThanOrEqual(60);
  const status = async () =>
    (await opened.call('GET', '/v2/alice/web/tags/list', { headers: bearer(answer.json().token) })).status;
  opened.advance(119_000);
  expect(await status()).toBe(200);
  opened.advance(1_000);
  expect(await status()).toBe(401);
});

test('podman, skopeo: when a mount became a session, the token with push alone cancels it', async () => {
  const headers = await opened.bearerFor(
    ['repository:alice/web:push', 'repository:stranger/private:pull'],
    basic('alice'),
  );
  const target = `/v2/alice/web/blobs/uploads/?mount=${sha256('unknown')}&from=stranger/private`;
  const session = await opened.call('POST', target, { headers });
  expect(session.status).toBe(202);
  expect((await opened.call('DELETE', String(session.headers['location']), { headers })).status).toBe(204);
});

test('containerd: a token by POST with a password, then by POST with the refresh token, or else by GET with offline_token', async () => {
  const form = { client_id: 'containerd-client', service: 'moorage', scope: 'repository:alice/web:pull' };
  const post = (fields: Readonly<Record<string, string>>) =>
    opened.call('POST', '/v2/token', {
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: new URLSearchParams({ ...form, ...fields }).toString(),
    });
  const login = { grant_type: 'password', username: 'alice', password: 'alice-password', access_type: 'offline' };
  const first = (await post(login)).json();
  const second = (await post({ grant_type: 'refresh_token', refresh_token: first.refresh_token })).json();
  const third = (await opened.getToken([form.scope], basic('alice'), '&offline_token=true')).json();
  for (const token of [first.access_token, second.access_token, third.token]) {
    expect((await opened.call('GET', '/v2/alice/web/tags/list', { headers: bearer(token) })).status).toBe(200);
  }
});

test('the suite and Go clients: a cached push token and a mount from elsewhere is 401 naming both scopes, with which it goes', async () => {
  const target = `/v2/alice/web/blobs/uploads/?mount=${sha256('{}')}&from=alice/base`;
  const cached = await opened.bearerFor(['repository:alice/web:pull,push'], basic('alice'));
  const refused = await opened.call('POST', target, { headers: cached });
  const challenge = refused.headers['www-authenticate'];
  expect([refused.status, scopeOf(challenge)]).toEqual([
    401,
    'repository:alice/web:pull,push repository:alice/base:pull',
  ]);
  expect(challenge).toContain('error="insufficient_scope"');
  const wider = await opened.bearerFor([String(scopeOf(challenge))], basic('alice'));
  expect((await opened.call('POST', target, { headers: wider })).status).toBe(201);
});

test('Go clients: scopes in several parameters, and old ones beside the new, are one token for all', async () => {
  const scopes = ['repository:alice/base:pull', 'repository:alice/web:push,pull', 'repository:alice/web:delete'];
  const headers = await opened.bearerFor(scopes, basic('alice'));
  expect((await opened.call('GET', '/v2/alice/base/tags/list', { headers })).status).toBe(200);
  expect((await opened.call('DELETE', '/v2/alice/web/manifests/latest', { headers })).status).toBe(202);
});

test('clients that ask for pull and push, as for every push, get from a 403 who may help them', async () => {
  await opened.grant('alice/web', 'carol', 'reader');
  const headers = await opened.bearerFor(['repository:alice/web:pull,push'], basic('carol'));
  const refused = await opened.call('PUT', '/v2/alice/web/manifests/latest', {
    headers: { ...headers, 'content-type': imageType },
    body: imageOf([]),
  });
  expect(refused.json().errors).toEqual([
    { code: 'DENIED', message: 'carol may not push to alice/web. Ask an owner: alice.' },
  ]);
});

test('every challenge of a row leads to a token that is enough for the row', async () => {
  for (const [method, target] of [
    ['GET', '/v2/alice/web/tags/list'],
    ['HEAD', '/v2/alice/web/manifests/latest'],
    ['POST', '/v2/alice/web/blobs/uploads/'],
    ['POST', `/v2/alice/web/blobs/uploads/?mount=${sha256('{}')}&from=alice/base`],
    ['DELETE', '/v2/alice/web/manifests/latest'],
  ] as const) {
    const first = await opened.call(method, target);
    const scope = scopeOf(first.headers['www-authenticate']);
    const headers = await opened.bearerFor([String(scope)], basic('alice'));
    expect([method, target, (await opened.call(method, target, { headers })).status < 300]).toEqual([
      method,
      target,
      true,
    ]);
  }
});

test('long tokens: one for a hundred scopes is made and taken', async () => {
  const scopes = Array.from({ length: 99 }, (_, i) => `repository:alice/${'long-name-'.repeat(10)}x${i}:*`);
  const headers = await opened.bearerFor([...scopes, 'repository:alice/web:pull'], basic('alice'));
  expect(headers.authorization.length).toBeGreaterThan(16 * 1024);
  expect((await opened.call('GET', '/v2/alice/web/tags/list', { headers })).status).toBe(200);
});
