import { expect, onTestFinished, test } from 'vitest';
import { startIssuer } from '../../test/issuer.ts';
import { startOutsideRegistry } from '../../test/outside-registry.ts';

const nowMs = Math.floor(Date.now() / 1000) * 1000;
const day = 86_400_000;

const people = { clientId: 'moorage', nameClaim: 'preferred_username', groupsClaim: 'groups' };
const alice = { aud: 'moorage', sub: '0001', preferred_username: 'alice', groups: ['dev'] };

/** An issuer whose clock is the registry's, and a registry whose people it knows. */
async function start(setting: object = people) {
  const settingsOf = (changed: object) => ({ oidc: [{ issuer: issuer.url, people: changed }] });
  const clock = { now: () => nowMs };
  const issuer = await startIssuer({ alg: 'ES256', now: () => clock.now() });
  onTestFinished(() => issuer.close());
  const registry = await startOutsideRegistry(settingsOf(setting), { nowMs });
  clock.now = () => registry.clock.nowMs;
  const shown = async (claims: object = alice) => ['oidc', await issuer.sign({ ...claims })] as const;
  /** Logs in as `moorage login --device` does; the refresh token. */
  const login = async (claims: object = alice) =>
    (await registry.login(await shown(claims), [], 'offline_token=true')).refresh_token ?? '';
  return { registry, issuer, settingsOf, shown, login };
}

const scope = 'acme/web:pull,push';

test('somebody logs in once and gets tokens without the issuer, by the rights of their name and their groups', async () => {
  const { registry, issuer, login } = await start();
  for (const name of ['acme/web', 'dev/web', 'ops/web']) await registry.pushImage(`${name}:1`);
  await registry.registry.setRole('acme/web', 'alice', 'owner');
  await registry.registry.setRole('dev/web', '@dev', 'reader');
  await registry.registry.setRole('ops/web', '@ops', 'owner');
  const refresh = await login();
  await issuer.close();
  await registry.restart();
  const { token } = await registry.refresh(refresh, scope);
  expect(await registry.push(token, 'acme/web')).toBe(202);
  expect(
    (await registry.call((await registry.refresh(refresh, 'dev/web:pull')).token, 'dev/web/manifests/1')).status,
  ).toBe(200);
  expect(await registry.push((await registry.refresh(refresh, 'dev/web:push')).token, 'dev/web')).toBe(403);
  expect(
    (await registry.call((await registry.refresh(refresh, 'ops/web:pull')).token, 'ops/web/manifests/1')).status,
  ).toBe(404);
  const entries = await registry.metadata.listAudit({ after: 0, limit: 100 });
  expect(entries).toContainEqual(expect.objectContaining({ identity: 'alice', act: 'login', isAllowed: true }));
});

test('the next login tells other groups, and nobody is an administrator by a claim', async () => {
  const { registry, shown, login } = await start();
  await registry.pushImage('ops/web:1');
  await registry.registry.setRole('ops/web', '@ops', 'owner');
  const refresh = await login();
  const canPush = async () => registry.push((await registry.refresh(refresh, 'ops/web:push')).token, 'ops/web');
  expect(await canPush()).toBe(403);
  await login({ ...alice, groups: ['ops', 'ops', '', 1, 'two words', '@dev'], admin: true });
  expect(await canPush()).toBe(202);
  expect(registry.accounts.people.find('alice')?.groups).toEqual(['ops', '@dev']);
  expect(await registry.push(await shown({ ...alice, groups: 'ops', admin: true }), 'ops/web')).toBe(403);
});

test('a login counts for seven days, and under the settings that it was made under', async () => {
  const { registry, settingsOf, login } = await start();
  const status = async () => (await registry.refresh(refresh, scope)).status;
  const refresh = await login();
  registry.clock.nowMs += 7 * day - 1;
  expect(await status()).toBe(200);
  registry.clock.nowMs += 1;
  expect(await status()).toBe(401);
  await login();
  expect(await status()).toBe(200);
  await registry.restart(settingsOf({ ...people, domain: 'acme.example' }));
  expect(await status()).toBe(401);
  await registry.restart({ oidc: [] });
  expect(await status()).toBe(401);
});

test('a name is its first bearer’s: neither another person nor another issuer gets it, until it is removed', async () => {
  const { registry, login, shown } = await start();
  await registry.pushImage('acme/web:1');
  await registry.registry.setRole('acme/web', 'alice', 'owner');
  const refresh = await login();
  const another = { ...alice, sub: '0002' };
  expect(await registry.login(await shown(another))).toMatchObject({
    status: 401,
    message: expect.stringMatching(/alice is the name of somebody else here: .* moorage people remove alice\.$/),
  });
  registry.clock.nowMs += 1000;
  expect(registry.accounts.people.remove('alice')).toBe(true);
  expect((await registry.refresh(refresh, scope)).status).toBe(401);
  await login(another);
  // What was given to the first one is not the second one's.
  expect((await registry.refresh(refresh, scope)).status).toBe(401);
});

test('the name of a user of the accounts is never that of somebody outside, not even later', async () => {
  const { registry, login, shown } = await start();
  const refresh = await login();
  expect((await registry.refresh(refresh, scope)).status).toBe(200);
  registry.clock.nowMs += 2000;
  await registry.accounts.users.add({ name: 'alice', password: 'pw', isAdmin: true });
  expect((await registry.refresh(refresh, scope)).status).toBe(401);
  const answer = await registry.login(await shown());
  expect(answer).toMatchObject({ status: 401, message: expect.stringMatching(/alice is the name of another user/) });
  expect((await registry.login(['alice', 'pw'])).status).toBe(200);
});

test('an address counts where the issuer verified it, and only of the domain', async () => {
  const { registry, shown } = await start({ clientId: 'moorage', nameClaim: 'email', domain: 'acme.example' });
  const status = async (claims: object) =>
    (await registry.login(await shown({ aud: 'moorage', sub: '1', ...claims }))).status;
  const email = 'alice@acme.example';
  expect(await status({ email, email_verified: true })).toBe(200);
  expect(registry.accounts.people.list().map(({ name }) => name)).toEqual([email]);
  for (const claims of [
    { email },
    { email, email_verified: false },
    { email, email_verified: 'true' },
    { email: 'alice@evil.example', email_verified: true },
    { email: 'alice@sub.acme.example', email_verified: true },
    { email: 'alice@acme.example@evil.example', email_verified: true },
    { email_verified: true },
  ]) {
    expect(await status(claims), JSON.stringify(claims)).toBe(401);
  }
});

test('a name that rights would take for a group, a robot or a workload is nobody’s', async () => {
  const { registry, shown } = await start();
  for (const name of ['@dev', 'robot+ci', 'oidc:ci', '', 'two words', 'a/b', 'a'.repeat(129), 7, undefined]) {
    const { status, message } = await registry.login(await shown({ ...alice, preferred_username: name }));
    expect([status, message]).toEqual([401, expect.stringMatching(/its preferred_username cannot be a name/)]);
  }
});

test('a token for several programs is taken where it was made by that of this registry', async () => {
  const { registry, shown } = await start();
  const aud = ['moorage', 'wiki'];
  expect((await registry.login(await shown({ ...alice, aud }))).status).toBe(401);
  expect((await registry.login(await shown({ ...alice, aud, azp: 'wiki' }))).status).toBe(401);
  expect((await registry.login(await shown({ ...alice, aud, azp: 'moorage' }))).status).toBe(200);
});
