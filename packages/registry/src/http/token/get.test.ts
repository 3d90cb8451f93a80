import { decodeJwt } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { basic, bearer, openUserRegistry, type UserRegistry } from '../../../test/access/users.ts';
import { type Answer, openTestRegistry, sha256, stream } from '../../../test/support/registry.ts';
import { parseNamePattern } from '../../access/scope.ts';

let opened: UserRegistry;
beforeEach(async () => {
  opened = openUserRegistry();
  await opened.pushAs('alice', 'alice/private');
  await opened.pushAs('alice', 'alice/public');
  await opened.setVisibility('alice/public', 'public');
});
afterEach(() => expect(opened.faults).toEqual([]));

/** What a token that was got holds, by repository. */
function held(answer: Answer): Readonly<Record<string, string>> {
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  const { access } = decodeJwt<{ access: { name: string; actions: string[] }[] }>(answer.json().token);
  return Object.fromEntries(access.map(({ name, actions }) => [name, actions.join()]));
}

/** The challenge of a 401 by its fields. */
function challengeOf(answer: Answer): Readonly<Record<string, string>> {
  const fields = String(answer.headers['www-authenticate']).matchAll(/(\w+)="([^"]*)"/g);
  return Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, value]));
}

test('a client follows the challenge: a token by Basic for what is named, and it does what was wanted', async () => {
  const target = '/v2/alice/private/manifests/latest';
  const refused = await opened.call('GET', target);
  expect([refused.status, ...refused.codes()]).toEqual([401, 'UNAUTHORIZED']);
  const { realm, service, scope } = challengeOf(refused);
  expect({ realm, service, scope }).toEqual({
    realm: '/v2/token',
    service: 'moorage',
    scope: 'repository:alice/private:pull',
  });
  const query = new URLSearchParams({ service: String(service), scope: String(scope) });
  const answer = await opened.call('GET', `${realm}?${query}`, { headers: basic('alice') });
  expect(answer.json()).toEqual({
    token: expect.any(String),
    access_token: answer.json().token,
    expires_in: 300,
    issued_at: '2026-01-01T00:00:00.000Z',
  });
  expect(answer.headers['cache-control']).toBe('no-store');
  expect((await opened.call('GET', target, { headers: bearer(answer.json().token) })).status).toBe(200);
});

test('the realm is where the client came to, or the public URL', async () => {
  const request = {
    method: 'GET',
    target: '/v2/',
    headers: {},
    body: stream(),
    signal: new AbortController().signal,
    origin: 'https://came.example:8443',
  };
  const authenticate = () => undefined;
  for (const [publicUrl, realm, service] of [
    [undefined, 'https://came.example:8443/v2/token', 'moorage'],
    ['https://hub.example/', 'https://hub.example/v2/token', 'hub.example'],
  ] as const) {
    const { registry } = openTestRegistry({ access: { authenticate }, publicUrl });
    const { headers } = await registry.handle(request);
    expect(headers['WWW-Authenticate']).toBe(`Bearer realm="${realm}",service="${service}"`);
  }
});

test('a token holds the part that is granted, and refused scopes with no actions', async () => {
  await opened.pushAs('bob', 'bob/private');
  await opened.grant('alice/private', 'carol', 'contributor');
  const scopes = [
    'repository:alice/private:pull,push',
    'repository:alice/public:*',
    'repository:bob/private:pull,push,delete',
    'repository:carol/new:pull,push,delete',
  ];
  expect(held(await opened.getToken(scopes, basic('carol')))).toEqual({
    'alice/private': 'pull,push',
    'alice/public': 'pull',
    'bob/private': '',
    'carol/new': 'pull,push',
  });
  expect(held(await opened.getToken([scopes.join(' ')], basic('alice')))).toEqual({
    'alice/private': 'pull,push',
    'alice/public': 'pull,push,delete',
    'bob/private': '',
    'carol/new': 'pull,push',
  });
});

test('nobody gets a token for what is public, and nothing else', async () => {
  const scopes = ['alice/public', 'alice/private', 'alice/none'].map((name) => `repository:${name}:*`);
  const answer = await opened.getToken(scopes);
  expect(held(answer)).toEqual({ 'alice/public': 'pull', 'alice/private': '', 'alice/none': '' });
  const headers = bearer(answer.json().token);
  expect((await opened.call('GET', '/v2/', { headers })).status).toBe(200);
  expect((await opened.call('GET', '/v2/alice/public/manifests/latest', { headers })).status).toBe(200);
  const refusals = await Promise.all(
    ['alice/private', 'alice/none'].map((name) => opened.call('GET', `/v2/${name}/manifests/latest`, { headers })),
  );
  for (const { status, headers: answered } of refusals) {
    expect([status, answered['www-authenticate']]).toEqual([401, expect.stringContaining('insufficient_scope')]);
  }
});

test('a token that lacks a scope is 401 insufficient_scope, which names what is needed', async () => {
  const pulls = await opened.bearerFor(['repository:alice/private:pull'], basic('alice'));
  for (const [method, target, scope] of [
    ['POST', '/v2/alice/private/blobs/uploads/', 'repository:alice/private:pull,push'],
    ['DELETE', '/v2/alice/private/manifests/latest', 'repository:alice/private:delete'],
    ['GET', '/v2/alice/public/tags/list', 'repository:alice/public:pull'],
    ['GET', '/v2/alice/none/tags/list', 'repository:alice/none:pull'],
  ] as const) {
    const answer = await opened.call(method, target, { headers: pulls });
    expect([target, answer.status, ...answer.codes()]).toEqual([target, 401, 'UNAUTHORIZED']);
    expect(challengeOf(answer)).toMatchObject({ scope, error: 'insufficient_scope' });
  }
});

test('who was refused in the token gets what Basic gets: 404 on reads, 403 on writes', async () => {
  await opened.grant('alice/private', 'carol', 'reader');
  for (const who of ['carol', 'stranger']) {
    const shown = [basic(who), await opened.bearerFor(['repository:alice/private:*'], basic(who))];
    const [byBasic, byToken] = await Promise.all(
      shown.map(async (headers) => [
        await opened.call('GET', '/v2/alice/private/tags/list', { headers }),
        await opened.call('POST', '/v2/alice/private/blobs/uploads/', { headers }),
      ]),
    );
    expect(byToken?.map(({ status, text }) => [status, text])).toEqual(
      byBasic?.map(({ status, text }) => [status, text]),
    );
    expect(byToken?.map(({ status }) => status)).toEqual(who === 'carol' ? [200, 403] : [404, 403]);
    const [, write] = byToken ?? [];
    expect(write?.text.includes('Ask an owner: alice.')).toBe(who === 'carol');
  }
});

test('a mount wants both repositories in the token; a source that was refused is a session that tells nothing', async () => {
  await opened.pushAs('bob', 'bob/private');
  const mount = (from: string, headers: { authorization: string }) =>
    opened.call('POST', `/v2/alice/private/blobs/uploads/?mount=${sha256('{}')}&from=${from}`, { headers });
  const own = 'repository:alice/private:pull,push';
  const refused = await mount('alice/public', await opened.bearerFor([own], basic('alice')));
  expect([refused.status, challengeOf(refused)]).toMatchObject([
    401,
    { scope: `${own} repository:alice/public:pull`, error: 'insufficient_scope' },
  ]);
  const all = [own, ...['alice/public', 'bob/private', 'bob/none'].map((name) => `repository:${name}:pull`)];
  const headers = await opened.bearerFor(all, basic('alice'));
  expect((await mount('alice/public', headers)).status).toBe(201);
  const [hidden, missing] = [await mount('bob/private', headers), await mount('bob/none', headers)];
  expect([hidden.status, hidden.text, Object.keys(hidden.headers)]).toEqual([202, '', Object.keys(missing.headers)]);
  expect([missing.status, missing.text]).toEqual([202, '']);
});

test('a right that is taken away, or a repository that is made private, counts at the next request of an older token', async () => {
  await opened.grant('alice/private', 'carol', 'contributor');
  const scopes = ['repository:alice/private:pull,push,delete', 'repository:alice/public:pull'];
  const headers = await opened.bearerFor(scopes, basic('carol'));
  const anonymously = await opened.bearerFor(scopes);
  const statuses = () =>
    Promise.all([
      opened.call('GET', '/v2/alice/private/tags/list', { headers }),
      opened.call('POST', '/v2/alice/private/blobs/uploads/', { headers }),
      opened.call('GET', '/v2/alice/public/tags/list', { headers }),
      opened.call('GET', '/v2/alice/public/tags/list', { headers: anonymously }),
    ]).then((answers) => answers.map(({ status }) => status));
  expect(await statuses()).toEqual([200, 202, 200, 200]);
  await opened.metadata.removeGrant({ pattern: parseNamePattern('alice/private'), subject: 'carol' });
  await opened.setVisibility('alice/public', 'private');
  expect(await statuses()).toEqual([404, 403, 404, 401]);
});

test('a user who is gone, and an access token that was revoked, end the tokens that were made for them', async () => {
  const { registry } = opened;
  const request = { pattern: undefined, actions: ['pull'], ttlSeconds: 1000 } as const;
  const { id, secret } = await registry.accessTokens.create({ ...request, kind: 'user', identity: 'alice' });
  const scopes = ['repository:alice/private:pull'];
  const byPassword = await opened.bearerFor(scopes, basic('alice'));
  const byAccessToken = await opened.bearerFor(scopes, basic('alice', secret));
  const status = async (headers: { authorization: string }) =>
    (await opened.call('GET', '/v2/alice/private/tags/list', { headers })).status;
  expect([await status(byPassword), await status(byAccessToken)]).toEqual([200, 200]);
  await registry.accessTokens.revoke(id);
  expect([await status(byPassword), await status(byAccessToken)]).toEqual([200, 401]);
  opened.users.delete('alice');
  expect(await status(byPassword)).toBe(401);
});

test('a robot gets no more than its list, in a token and in use', async () => {
  const { secret } = await opened.registry.accessTokens.create({
    kind: 'robot',
    identity: 'robot+ci',
    pattern: parseNamePattern('alice/private'),
    actions: ['pull'],
    ttlSeconds: 1000,
  });
  const robot = basic('robot+ci', secret);
  const scopes = ['repository:alice/private:*', 'repository:alice/other:*', 'registry:catalog:*'];
  const answer = await opened.getToken(scopes, robot);
  expect(held(answer)).toEqual({ 'alice/private': 'pull', 'alice/other': '', catalog: '*' });
  for (const headers of [robot, bearer(answer.json().token)]) {
    expect((await opened.call('GET', '/v2/alice/private/tags/list', { headers })).status).toBe(200);
    const push = await opened.call('POST', '/v2/alice/private/blobs/uploads/', { headers });
    expect([push.status, ...push.codes()]).toEqual([403, 'DENIED']);
    expect((await opened.call('POST', '/v2/alice/other/blobs/uploads/', { headers })).status).toBe(403);
    expect((await opened.call('GET', '/v2/_catalog', { headers })).json()).toEqual({ repositories: ['alice/private'] });
  }
});

test('offline_token gives a refresh token to who logged in with a password, and to nobody else', async () => {
  const { secret } = await opened.registry.accessTokens.create({
    kind: 'user',
    identity: 'alice',
    pattern: undefined,
    actions: ['pull'],
    ttlSeconds: 1000,
  });
  const refresh = async (who: Readonly<Record<string, string>>, more = '&offline_token=true') =>
    (await opened.getToken([], who, more)).json().refresh_token;
  expect(await refresh(basic('alice'))).toMatch(/^[A-Za-z0-9_-]{40,}$/);
  expect(await refresh(basic('alice'), '')).toBeUndefined();
  expect(await refresh(basic('alice'), '&offline_token=false')).toBeUndefined();
  expect(await refresh(basic('alice', secret))).toBeUndefined();
  expect(await refresh({})).toBeUndefined();
});

test('a token does not get another one: it would be neither narrow nor short', async () => {
  for (const narrow of [await opened.bearerFor([], basic('alice')), await opened.bearerFor([])]) {
    const answer = await opened.getToken(['repository:alice/private:*'], narrow, '&offline_token=true');
    expect([answer.status, ...answer.codes()]).toEqual([401, 'UNAUTHORIZED']);
  }
});

test('a wrong password is 401 and the eleventh 429, whatever scope is asked for', async () => {
  for (let i = 0; i < 10; i += 1) {
    const answer = await opened.getToken(['repository:alice/public:pull'], basic('alice', `guess${i}`));
    expect([answer.status, ...answer.codes()]).toEqual([401, 'UNAUTHORIZED']);
  }
  const answer = await opened.getToken([], basic('alice'));
  expect([answer.status, ...answer.codes(), answer.headers['retry-after']]).toEqual([429, 'TOOMANYREQUESTS', '60']);
});

test('another service, a scope that is none and too many of them are 400', async () => {
  expect((await opened.call('GET', '/v2/token?service=other.example')).status).toBe(400);
  expect((await opened.call('GET', '/v2/token?service=')).status).toBe(200);
  expect((await opened.call('GET', '/v2/token')).status).toBe(200);
  for (const scopes of [['repository'], ['repository:UPPER:pull'], Array(101).fill('repository:a:pull')]) {
    expect((await opened.getToken(scopes)).status).toBe(400);
  }
});

test('where another server makes the tokens there is no token endpoint, and the challenge names that server', async () => {
  const { call } = openTestRegistry({
    access: {
      tokenServer: {
        realm: 'https://auth.example/token',
        service: 'hub.example',
        issuer: 'auth.example',
        keys: { jwks: { keys: [] } },
      },
    },
  });
  expect((await call('GET', '/v2/token')).status).toBe(404);
  expect((await call('POST', '/v2/token', { body: 'grant_type=password' })).status).toBe(404);
  expect(challengeOf(await call('GET', '/v2/'))).toEqual({
    realm: 'https://auth.example/token',
    service: 'hub.example',
  });
});

test('a token that was made with a key of the application ends with that key, and no refresh token outlives it', async () => {
  const keys = new Map([['key-1', 'alice']]);
  const given: (string | undefined)[] = [];
  const own = openUserRegistry({
    access: {
      authenticate: (credentials) => {
        const key = 'password' in credentials ? credentials.password : '';
        const id = keys.get(key);
        return id === undefined ? undefined : { id, credential: key };
      },
      identify(id, credential) {
        given.push(credential);
        return credential !== undefined && keys.has(credential) ? { id } : undefined;
      },
    },
  });
  const answer = await own.getToken([], basic('alice', 'key-1'), '&offline_token=true');
  expect([answer.status, answer.json().refresh_token]).toEqual([200, undefined]);
  const headers = bearer(answer.json().token);
  expect((await own.call('GET', '/v2/', { headers })).status).toBe(200);
  keys.clear();
  expect((await own.call('GET', '/v2/', { headers })).status).toBe(401);
  expect(given).toEqual(['key-1', 'key-1']);
  await own.close();
});
