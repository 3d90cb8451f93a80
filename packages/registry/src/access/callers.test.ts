import { expect, test } from 'vitest';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { type AccessTokenRequest, createAccessTokens } from './access-tokens.ts';
import { createCallers, type IdentityOptions } from './callers.ts';
import { anonymous, type Identity } from './identity.ts';
import { createKeys } from './keys.ts';
import { createLogins } from './logins.ts';
import { parseNamePattern } from './scope.ts';
import { createTokens } from './tokens.ts';

const address = '10.0.0.1';
const wrong = { code: 'UNAUTHORIZED', message: 'The user name or the password is wrong.' };

function open(more: Partial<IdentityOptions> = {}) {
  let nowMs = Date.UTC(2026, 0, 1);
  let ids = 0;
  const sources = {
    now: () => nowMs,
    randomId() {
      ids += 1;
      return `id${ids}`;
    },
  };
  const store = sqlite({ file: ':memory:' });
  const users = new Map<string, Identity>([['alice', { id: 'alice', groups: ['staff'] }]]);
  const asked: unknown[] = [];
  const tokens = createTokens(createKeys(store, sources), { ttlSeconds: 300, service: 'hub.example' }, sources);
  const accessTokens = createAccessTokens(store, sources);
  const options: IdentityOptions = {
    authenticate(credentials, from) {
      asked.push([credentials, from]);
      return 'password' in credentials && credentials.password === 'right'
        ? users.get(credentials.username)
        : undefined;
    },
    identify: (id) => users.get(id),
    ...more,
  };
  const callers = createCallers({ options, tokens, accessTokens, logins: createLogins(sources) });
  const create = (request: Partial<AccessTokenRequest> = {}) =>
    accessTokens.create({
      kind: 'user',
      identity: 'alice',
      pattern: parseNamePattern('acme/*'),
      actions: ['pull'],
      ttlSeconds: 1000,
      ...request,
    });
  const login = (username: string, password: string, from: string | undefined = address) =>
    callers.find({ username, password }, from);
  const advance = (ms: number) => {
    nowMs += ms;
  };
  return { users, asked, tokens, accessTokens, callers, create, login, advance };
}

test('who shows nothing is anonymous, and the application is not asked', async () => {
  const { callers, asked } = open();
  expect(await callers.find(undefined, address)).toBe(anonymous);
  expect(asked).toEqual([]);
});

test('a password is asked of the application, with the address, each time', async () => {
  const { login, asked, users } = open();
  const caller = { identity: users.get('alice'), scopes: undefined, accessToken: undefined };
  expect(await login('alice', 'right')).toEqual(caller);
  expect(await login('alice', 'right', '10.0.0.2')).toEqual(caller);
  expect(asked).toEqual([
    [{ username: 'alice', password: 'right' }, { address }],
    [{ username: 'alice', password: 'right' }, { address: '10.0.0.2' }],
  ]);
});

test('a wrong password, an unknown user and a registry without logins say the same', async () => {
  const { login } = open();
  await expect(login('alice', 'wrong')).rejects.toMatchObject(wrong);
  await expect(login('nobody', 'right')).rejects.toMatchObject(wrong);
  await expect(login('', '')).rejects.toMatchObject(wrong);
  const none = createCallers({ ...open(), options: {}, logins: createLogins({ now: Date.now }) });
  expect(none.canLogIn).toBe(false);
  await expect(none.find({ username: 'alice', password: 'right' }, address)).rejects.toMatchObject(wrong);
});

test('after ten failures the right password is 429 too, for that user and address alone, until a minute is over', async () => {
  const { login, asked, users, advance } = open();
  users.set('bob', { id: 'bob' });
  for (let i = 0; i < 10; i += 1) await expect(login('alice', `guess ${i}`)).rejects.toMatchObject(wrong);
  await expect(login('alice', 'right')).rejects.toMatchObject({ status: 429, headers: { 'Retry-After': '60' } });
  expect(asked).toHaveLength(10);
  expect((await login('bob', 'right')).identity).toEqual({ id: 'bob' });
  expect((await login('alice', 'right', '10.0.0.2')).identity).toMatchObject({ id: 'alice' });
  advance(60_000);
  expect((await login('alice', 'right')).identity).toMatchObject({ id: 'alice' });
});

test('of guesses that are sent at once no more than ten are told of', async () => {
  const guesses = Promise.withResolvers<void>();
  const { login } = open({
    async authenticate(credentials) {
      await guesses.promise;
      return 'password' in credentials && credentials.password === '40' ? { id: 'alice' } : undefined;
    },
  });
  const answers = Array.from({ length: 50 }, (_, i) =>
    login('alice', String(i)).then(
      () => 'in',
      ({ status }: { status: number }) => status,
    ),
  );
  guesses.resolve();
  const counts = Object.entries(Object.groupBy(await Promise.all(answers), String));
  expect(counts.map(([status, all]) => [status, all?.length])).toEqual([
    ['401', 10],
    ['429', 40],
  ]);
});

test('right passwords that are sent at once are all let in', async () => {
  const { login } = open();
  const callers = await Promise.all(Array.from({ length: 50 }, () => login('alice', 'right')));
  expect(new Set(callers.map(({ identity }) => identity?.id))).toEqual(new Set(['alice']));
});

test('a user token is the password of its user alone, and the application is not asked about it', async () => {
  const { login, create, asked, users } = open();
  users.set('bob', { id: 'bob' });
  const { id, secret } = await create();
  expect(await login('alice', secret)).toMatchObject({
    identity: { id: 'alice', groups: ['staff'] },
    scopes: undefined,
    accessToken: { id, pattern: 'acme/*', actions: ['pull'] },
  });
  for (const username of ['bob', 'Alice', '', 'robot+alice']) {
    await expect(login(username, secret)).rejects.toMatchObject(wrong);
  }
  expect(asked).toEqual([]);
});

test('a robot is known by its token alone, and is no user whatever the application knows', async () => {
  const { login, create, users } = open();
  users.set('ci', { id: 'ci', admin: true });
  const { secret } = await create({ kind: 'robot', identity: 'robot+ci' });
  expect((await login('robot+ci', secret)).identity).toEqual({ id: 'robot+ci', isRobot: true });
  await expect(login('ci', secret)).rejects.toMatchObject(wrong);
});

test('an access token that is revoked or past its time, or whose user is gone, is refused', async () => {
  const { login, create, accessTokens, users, advance } = open();
  const revoked = await create();
  await accessTokens.revoke(revoked.id);
  await expect(login('alice', revoked.secret)).rejects.toMatchObject(wrong);
  const { secret } = await create();
  users.delete('alice');
  await expect(login('alice', secret)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  users.set('alice', { id: 'alice' });
  expect(await login('alice', secret)).toBeDefined();
  advance(1_000_000);
  await expect(login('alice', secret)).rejects.toMatchObject(wrong);
});

test('a bearer token carries the id and its narrowing; the rest is asked anew', async () => {
  const { callers, tokens, users } = open();
  const { token } = await tokens.issue({ identity: 'alice', scopes: [], accessToken: undefined });
  users.set('alice', { id: 'alice', admin: true });
  expect(await callers.find({ token }, address)).toEqual({
    identity: { id: 'alice', admin: true },
    scopes: [],
    accessToken: undefined,
  });
  users.delete('alice');
  await expect(callers.find({ token }, address)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
});

test('what was made before a password was changed ends with it, and an access token does not', async () => {
  const { callers, tokens, create, login, users, advance } = open();
  const request = { identity: 'alice', scopes: [] };
  const { id, secret } = await create();
  const offline = await create({ kind: 'offline' });
  const before = await tokens.issue({ ...request, accessToken: undefined });
  const ofAccessToken = await tokens.issue({ ...request, accessToken: id });
  advance(5_000);
  users.set('alice', { id: 'alice', sinceMs: Date.UTC(2026, 0, 1) + 5_000 });
  await expect(callers.find({ token: before.token }, address)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  await expect(callers.findByOfflineToken(offline.secret)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  expect(await callers.find({ token: ofAccessToken.token }, address)).toMatchObject({ accessToken: { id } });
  expect(await login('alice', secret)).toMatchObject({ accessToken: { id } });
  const after = await tokens.issue({ ...request, accessToken: undefined });
  expect(await callers.find({ token: after.token }, address)).toMatchObject({ identity: { id: 'alice' } });
  expect(await callers.findByOfflineToken((await create({ kind: 'offline' })).secret)).toBeDefined();
});

test('a bearer token of nobody is nobody, and nobody is identified', async () => {
  const { callers, tokens } = open({ identify: () => Promise.reject(new Error('asked')) });
  const { token } = await tokens.issue({ identity: undefined, scopes: [], accessToken: undefined });
  expect(await callers.find({ token }, address)).toEqual({ ...anonymous, scopes: [] });
});

test('a bearer token that was made with an access token has its list, and ends with it', async () => {
  const { callers, tokens, accessTokens, create } = open();
  const { id } = await create({ kind: 'robot', identity: 'robot+ci' });
  const { token } = await tokens.issue({ identity: 'robot+ci', scopes: [], accessToken: id });
  expect(await callers.find({ token }, address)).toMatchObject({
    identity: { id: 'robot+ci', isRobot: true },
    accessToken: { id, pattern: 'acme/*' },
  });
  await accessTokens.revoke(id);
  await expect(callers.find({ token }, address)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
});

test('a token that is not ours is asked of the application, and only its word makes somebody of it', async () => {
  const { callers } = open({
    authenticate: (credentials) =>
      'token' in credentials && credentials.token === 'theirs' ? { id: 'bob' } : undefined,
  });
  expect(await callers.find({ token: 'theirs' }, address)).toEqual({ ...anonymous, identity: { id: 'bob' } });
  await expect(callers.find({ token: 'forged' }, address)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
});

test('a refresh token stands for its user now, and no other secret does', async () => {
  const { callers, login, create, users } = open();
  const { secret } = await create({ kind: 'offline', pattern: undefined, actions: ['pull', 'push', 'delete'] });
  expect(await callers.findByOfflineToken(secret)).toEqual({ ...anonymous, identity: users.get('alice') });
  await expect(login('alice', secret)).rejects.toMatchObject(wrong);
  for (const other of [(await create()).secret, '', 'right', `${secret}x`]) {
    await expect(callers.findByOfflineToken(other)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  }
  users.delete('alice');
  await expect(callers.findByOfflineToken(secret)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
});

test('an identity that would be taken for nobody, a group or a robot is a fault of the application', async () => {
  for (const id of ['', '@staff', 'robot+ci']) {
    const { login, tokens, callers } = open({ authenticate: () => ({ id }), identify: () => ({ id }) });
    await expect(login('x', 'y')).rejects.toBeInstanceOf(TypeError);
    const { token } = await tokens.issue({ identity: 'x', scopes: [], accessToken: undefined });
    await expect(callers.find({ token }, address)).rejects.toBeInstanceOf(TypeError);
  }
  const { login } = open({ authenticate: () => ({ id: 'alice@example.org' }) });
  expect((await login('x', 'y')).identity).toEqual({ id: 'alice@example.org' });
});

test('a fault of the application is not taken for a wrong password', async () => {
  const fault = new Error('the directory is away');
  const { login, callers } = open({ authenticate: () => Promise.reject(fault) });
  for (let i = 0; i < 11; i += 1) await expect(login('alice', 'right')).rejects.toBe(fault);
  await expect(callers.find({ token: 'theirs' }, address)).rejects.toBe(fault);
});

test("what was made before the identity's time is not its own: tokens of an old password, or of somebody else of that name", async () => {
  const { users, tokens, accessTokens, callers, create, advance } = open();
  const { token } = await tokens.issue({ identity: 'alice', scopes: [], accessToken: undefined });
  const offline = await create({ kind: 'offline' });
  const own = await create();
  advance(2000);
  users.set('alice', { id: 'alice', sinceMs: Date.UTC(2026, 0, 1, 0, 0, 1) });
  await expect(callers.find({ token }, address)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  await expect(callers.findByOfflineToken(offline.secret)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  expect(await callers.find({ username: 'alice', password: own.secret }, address)).toMatchObject({
    identity: { id: 'alice' },
  });
  const newer = await tokens.issue({ identity: 'alice', scopes: [], accessToken: undefined });
  expect(await callers.find({ token: newer.token }, address)).toMatchObject({ identity: { id: 'alice' } });
  expect((await accessTokens.list('offline')).length).toBe(1);
});

test('a token that names a group or a robot where none was proved is refused', async () => {
  const { tokens, callers } = open({ identify: (id) => ({ id }) });
  for (const identity of ['@staff', 'robot+ci']) {
    const { token } = await tokens.issue({ identity, scopes: [], accessToken: undefined });
    await expect(callers.find({ token }, address)).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  }
});
