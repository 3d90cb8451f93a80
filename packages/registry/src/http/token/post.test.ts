import { decodeJwt } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { basic, bearer, openUserRegistry, type UserRegistry } from '../../../test/access/users.ts';
import { type Answer, stream } from '../../../test/support/registry.ts';

let opened: UserRegistry;
beforeEach(async () => {
  opened = openUserRegistry();
  await opened.pushAs('alice', 'alice/private');
});
afterEach(() => expect(opened.faults).toEqual([]));

const scope = 'repository:alice/private:pull';
const password = { grant_type: 'password', username: 'alice', password: 'alice-password', client_id: 'test', scope };

function post(fields: Readonly<Record<string, string>>): Promise<Answer> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return opened.call('POST', '/v2/token', { headers, body: new URLSearchParams(fields).toString() });
}

const accessOf = (answer: Answer) => decodeJwt<{ access: unknown }>(answer.json().access_token).access;

test('grant_type=password gives a token that does what was wanted', async () => {
  const answer = await post({ ...password, service: 'moorage' });
  expect(answer.json()).toEqual({
    token: answer.json().access_token,
    access_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 300,
    issued_at: '2026-01-01T00:00:00.000Z',
  });
  expect(answer.headers['cache-control']).toBe('no-store');
  const headers = bearer(answer.json().access_token);
  expect((await opened.call('GET', '/v2/alice/private/tags/list', { headers })).status).toBe(200);
});

test('several scopes in one field and in several fields are the same', async () => {
  const both = [scope, 'repository:alice/new:push'];
  const form = new URLSearchParams(password);
  form.delete('scope');
  for (const each of both) form.append('scope', each);
  const several = await opened.call('POST', '/v2/token', { body: form.toString() });
  const one = await post({ ...password, scope: both.join(' ') });
  const expected = [
    { type: 'repository', name: 'alice/private', actions: ['pull'] },
    { type: 'repository', name: 'alice/new', actions: ['push'] },
  ];
  expect([accessOf(several), accessOf(one)]).toEqual([expected, expected]);
});

test('access_type=offline gives a refresh token, which gives tokens again and again and comes back', async () => {
  const { refresh_token } = (await post({ ...password, access_type: 'offline' })).json();
  expect(refresh_token).toMatch(/^[A-Za-z0-9_-]+$/);
  for (let i = 0; i < 2; i += 1) {
    const answer = await post({ grant_type: 'refresh_token', refresh_token, scope, access_type: 'offline' });
    expect(answer.json()).toMatchObject({ refresh_token, token_type: 'Bearer' });
    expect(accessOf(answer)).toEqual([{ type: 'repository', name: 'alice/private', actions: ['pull'] }]);
  }
  expect(await opened.registry.accessTokens.list('offline')).toHaveLength(1);
  expect((await post({ ...password, access_type: 'online' })).json().refresh_token).toBeUndefined();
});

test('a refresh token gives what its user may do now, and nothing once the user is gone or it is revoked', async () => {
  const { refresh_token } = (await post({ ...password, access_type: 'offline' })).json();
  const refresh = () => post({ grant_type: 'refresh_token', refresh_token, scope });
  const alice = opened.users.get('alice');
  opened.users.delete('alice');
  expect((await refresh()).status).toBe(401);
  opened.users.set('alice', alice ?? { id: 'alice' });
  expect((await refresh()).status).toBe(200);
  const [token] = await opened.registry.accessTokens.list('offline');
  await opened.registry.accessTokens.revoke(String(token?.id));
  expect((await refresh()).status).toBe(401);
});

test('a refresh token ends after 90 days', async () => {
  const { refresh_token } = (await post({ ...password, access_type: 'offline' })).json();
  opened.advance(90 * 86_400_000 - 1);
  expect((await post({ grant_type: 'refresh_token', refresh_token })).status).toBe(200);
  opened.advance(1);
  expect((await post({ grant_type: 'refresh_token', refresh_token })).status).toBe(401);
});

test('a refresh token is no password and no bearer token, and an access token no refresh token', async () => {
  const { refresh_token, access_token } = (await post({ ...password, access_type: 'offline' })).json();
  for (const headers of [basic('alice', refresh_token), bearer(refresh_token)]) {
    expect((await opened.call('GET', '/v2/', { headers })).status).toBe(401);
  }
  const request = { kind: 'user', identity: 'alice', pattern: undefined, actions: [], ttlSeconds: 1000 } as const;
  const { secret } = await opened.registry.accessTokens.create(request);
  for (const other of [secret, access_token, 'alice-password', '']) {
    expect((await post({ grant_type: 'refresh_token', refresh_token: other })).status).toBe(401);
  }
});

test('wrong passwords are 401 and then 429, as on GET', async () => {
  for (let i = 0; i < 10; i += 1) expect((await post({ ...password, password: `guess${i}` })).status).toBe(401);
  const answer = await post(password);
  expect([answer.status, answer.headers['retry-after']]).toEqual([429, '60']);
});

test('a form without a name or a password is 401; another grant_type, service or scope is 400', async () => {
  const { username: _, ...nameless } = password;
  expect((await post(nameless)).status).toBe(401);
  expect((await post({ grant_type: 'password', username: 'alice' })).status).toBe(401);
  expect((await post({ grant_type: 'refresh_token' })).status).toBe(401);
  for (const changed of [{ grant_type: 'client_credentials' }, { service: 'other.example' }, { scope: 'repository' }]) {
    expect((await post({ ...password, ...changed })).status).toBe(400);
  }
  for (const body of ['', '{"grant_type":"password"}', '\u0000', '%', '=&=&']) {
    expect((await opened.call('POST', '/v2/token', { body })).status).toBe(400);
  }
});

test('a form of more than 64 KiB is 413, whether it says its length or not', async () => {
  const body = `grant_type=password&scope=${'a'.repeat(65_536)}`;
  expect((await opened.call('POST', '/v2/token', { body })).status).toBe(413);
  expect((await opened.call('POST', '/v2/token', { body: stream(body.slice(0, 40_000), body) })).status).toBe(413);
});

test('Basic beside a form counts for nothing: the form says who it is', async () => {
  const headers = basic('alice');
  const body = 'grant_type=password&username=bob&password=wrong';
  expect((await opened.call('POST', '/v2/token', { headers, body })).status).toBe(401);
});
