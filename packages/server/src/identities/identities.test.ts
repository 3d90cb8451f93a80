import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hash } from '@node-rs/bcrypt';
import { expect, onTestFinished, test } from 'vitest';
import { startIssuer } from '../../test/issuer.ts';
import { startOutsideRegistry } from '../../test/outside-registry.ts';
import { openIdentities } from './open-identities.ts';

const file = async (users: Readonly<Record<string, string>>) =>
  (
    await Promise.all(Object.entries(users).map(async ([name, password]) => `${name}:${await hash(password, 4)}\n`))
  ).join('');

/** A registry with an htpasswd file, which is written before it starts. */
async function start(users: Readonly<Record<string, string>>, more: object = {}) {
  const registry = await startOutsideRegistry({});
  const path = join(registry.directory, 'users');
  writeFileSync(path, await file(users));
  await registry.restart({ htpasswd: path, ...more });
  return { registry, path };
}

const scope = 'acme/web:pull,push';

test('users of a file have the registry’s own roles, beside those of the accounts', async () => {
  const { registry } = await start({ bob: 'pw of bob', Carol: 'pw' });
  await registry.accounts.users.add({ name: 'alice', password: 'pw of alice', isAdmin: false });
  await registry.pushImage('acme/web:1');
  await registry.registry.setRole('acme/web', 'bob', 'owner');
  const [bob, alice] = [
    ['bob', 'pw of bob'],
    ['alice', 'pw of alice'],
  ] as const;
  const { status, token, refresh_token } = await registry.login(bob, [scope], 'offline_token=true');
  expect([status, refresh_token]).toEqual([200, undefined]);
  for (const way of [bob, token]) expect(await registry.push(way, 'acme/web')).toBe(202);
  expect((await registry.login(['Carol', 'pw'])).status).toBe(200);
  expect((await registry.login(alice)).status).toBe(200);
  expect(await registry.push(alice, 'acme/web')).toBe(403);
  for (const wrong of [
    ['bob', 'pw of alice'],
    ['alice', 'pw of bob'],
    ['nobody', 'pw'],
    ['carol', 'pw'],
  ] as const) {
    expect((await registry.login(wrong)).message).toBe('The user name or the password is wrong.');
  }
});

test('a new password in the file, or a line that goes, ends at the next request what was given before', async () => {
  const { registry, path } = await start({ bob: 'old', eve: 'pw' });
  await registry.pushImage('acme/web:1');
  for (const name of ['bob', 'eve']) await registry.registry.setRole('acme/web', name, 'owner');
  const [bob, eve] = [await registry.login(['bob', 'old'], [scope]), await registry.login(['eve', 'pw'], [scope])];
  expect([await registry.push(bob.token, 'acme/web'), await registry.push(eve.token, 'acme/web')]).toEqual([202, 202]);
  writeFileSync(path, await file({ bob: 'new' }));
  registry.clock.nowMs += 1000;
  expect([await registry.push(bob.token, 'acme/web'), await registry.push(eve.token, 'acme/web')]).toEqual([401, 401]);
  expect((await registry.login(['bob', 'new'])).status).toBe(200);
});

test('an account that comes later takes the name: the line of the file and what was given by it count no more', async () => {
  const { registry } = await start({ bob: 'pw of file' });
  await registry.pushImage('acme/web:1');
  await registry.registry.setRole('acme/web', 'bob', 'owner');
  const { token } = await registry.login(['bob', 'pw of file'], [scope]);
  await registry.accounts.users.add({ name: 'bob', password: 'pw of account', isAdmin: true });
  expect(await registry.push(token, 'acme/web')).toBe(401);
  expect((await registry.login(['bob', 'pw of file'])).status).toBe(401);
  expect((await registry.login(['bob', 'pw of account'])).status).toBe(200);
});

test('a user of the file is never somebody of an issuer who has the name', async () => {
  const issuer = await startIssuer({ alg: 'EdDSA' });
  onTestFinished(() => issuer.close());
  const oidc = [{ issuer: issuer.url, people: { clientId: 'moorage', nameClaim: 'preferred_username' } }];
  const { registry, path } = await start({ bob: 'pw' }, { oidc });
  const shown = async (name: string) => ['x', await issuer.sign({ aud: 'moorage', preferred_username: name })] as const;
  expect((await registry.login(await shown('bob'))).message).toMatch(/bob is the name of another user/);
  const { refresh_token = '' } = await registry.login(await shown('carol'), [], 'offline_token=true');
  expect((await registry.refresh(refresh_token, scope)).status).toBe(200);
  writeFileSync(path, await file({ bob: 'pw', carol: 'pw' }));
  registry.clock.nowMs += 1000;
  expect((await registry.refresh(refresh_token, scope)).status).toBe(401);
});

test('a password that looks like a token, but is of no issuer here, is a password', async () => {
  const jwt = `eyJhbGciOiJub25lIn0.${Buffer.from('{"iss":"https://a.example"}').toString('base64url')}.x`;
  const { registry } = await start({ bob: jwt, eve: 'a.b.c' });
  expect((await registry.login(['bob', jwt])).status).toBe(200);
  expect((await registry.login(['eve', 'a.b.c'])).status).toBe(200);
});

test('a name that the accounts have, or will have at the first start, is refused when the server starts', async () => {
  const { registry, path } = await start({ bob: 'pw' });
  writeFileSync(path, await file({ admin: 'pw' }));
  await expect(registry.restart({ htpasswd: path })).rejects.toThrow(
    /^Line 1 of .*users has the name admin, which is that of a user of the accounts: take the line away, or that user \(moorage user remove admin\)\.$/,
  );
});

test.each([
  [
    { open: true, htpasswd: 'x' },
    false,
    'With open everyone may do everything and nobody logs in: take open away, or htpasswd.',
  ],
  [
    { 'tokenServer.realm': 'https://a.example', oidc: [{}] },
    true,
    'With a token server outside nobody logs in here: take tokenServer away, or oidc.',
  ],
])('%j contradicts itself', async (changed, hasAccounts, sentence) => {
  const registry = await startOutsideRegistry({});
  const { accounts, metadata, directory } = registry;
  const log = { info: () => undefined, warn: () => undefined };
  const plain = {
    htpasswd: undefined,
    oidc: [],
    open: false,
    'tokenServer.realm': undefined,
    'repositories.creation': 'anyone',
  } as const;
  const settings = { ...plain, ...changed };
  const opening = openIdentities({ settings, directory, accounts: hasAccounts ? accounts : undefined, metadata, log });
  await expect(opening).rejects.toThrow(sentence);
});
