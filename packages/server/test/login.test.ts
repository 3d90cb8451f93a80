import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import {
  runMoorage,
  startServer,
  startServerWithLogin,
  temporaryDirectory,
  typeForJson,
  typeMoorage,
} from './run-moorage.ts';

// Each test starts the command several times, perhaps on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const indexType = 'application/vnd.oci.image.index.v1+json';

const basic = (name: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});

/** Status of an answer to who shows a name and a password at the door of the registry. */
async function knock(url: string, name: string, password: string): Promise<number> {
  return (await fetch(`${url}/v2/`, { headers: basic(name, password) })).status;
}

function push(url: string, name: string, headers: Record<string, string>): Promise<Response> {
  const body = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [] });
  return fetch(`${url}/v2/${name}/manifests/1`, {
    method: 'PUT',
    headers: { ...headers, 'Content-Type': indexType },
    body,
  });
}

test('the first start makes the administrator, prints the password once, and says how to log in', async () => {
  const server = await startServerWithLogin();
  const [, password = ''] = await server.said(/administrator admin .* once:\n {2}(\S+)\n/);
  await server.said(/Waiting for your first push/);
  const host = new URL(server.url).host;
  expect(server.stdout()).toMatch(new RegExp(`access {3}by login: .*${host}.*`));
  expect(server.stderr()).not.toContain(password);
  expect((await fetch(`${server.url}/v2/`)).status).toBe(401);
  expect(await knock(server.url, 'admin', 'wrong')).toBe(401);
  expect(await knock(server.url, 'admin', password)).toBe(200);
  expect((await push(server.url, 'hello', basic('admin', password))).status).toBe(201);
  await server.said(/Your first push came: hello:1\./);
  server.process.kill('SIGTERM');
  expect(await server.ended).toBe(0);

  const again = await startServerWithLogin([], server.data);
  expect(again.stdout()).not.toMatch(/password/);
  expect(await knock(again.url, 'admin', password)).toBe(200);
});

test('where users were added before, the first start makes none', async () => {
  const data = join(temporaryDirectory(), 'data');
  await typeForJson(data, 'user add root --admin --password-stdin', 'chosen');
  const server = await startServerWithLogin([], data);
  expect(server.stdout()).not.toMatch(/password/);
  expect(server.stdout()).toContain('root');
  expect(await knock(server.url, 'root', 'chosen')).toBe(200);
});

test('with log.format json the first password is alone on stdout, and not in the log', async () => {
  const words = ['serve', '--listen', '127.0.0.1:0', '--data', temporaryDirectory(), '--log-format', 'json'];
  const run = runMoorage(words);
  await run.said(/"msg":"ready"/);
  const [, password = ''] = /once:\n {2}(\S+)\n/.exec(run.stdout()) ?? [];
  expect(password).toHaveLength(24);
  expect(run.stdout().split('\n')).toHaveLength(4);
  expect(run.stderr()).not.toContain(password);
});

test('with --open there are no accounts', async () => {
  const server = await startServer();
  await server.said(/Waiting for your first push/);
  expect(existsSync(join(server.data, 'accounts.db'))).toBe(false);
});

test('a user, a password, a disabled user and a name that is given again count at the next request of a running server', async () => {
  const { url, data } = await startServerWithLogin();
  await typeForJson(data, 'user add alice --password-stdin', 'first\n');
  expect(await knock(url, 'alice', 'first')).toBe(200);
  await typeForJson(data, 'user password alice --password-stdin', 'second\r\n');
  expect([await knock(url, 'alice', 'first'), await knock(url, 'alice', 'second')]).toEqual([401, 200]);
  await typeForJson(data, 'user disable alice');
  expect(await knock(url, 'alice', 'second')).toBe(401);
  await typeForJson(data, 'user enable alice');
  expect(await knock(url, 'alice', 'second')).toBe(200);
  expect((await push(url, 'web', basic('alice', 'second'))).status).toBe(201);
  await typeForJson(data, 'user remove alice');
  expect(await knock(url, 'alice', 'second')).toBe(401);
  await typeForJson(data, 'user add alice --password-stdin', 'third');
  expect(await knock(url, 'alice', 'third')).toBe(200);
  expect((await push(url, 'web', basic('alice', 'third'))).status).toBe(403);
});

test('a client that keeps a refresh token for a password must log in again once the password was changed', async () => {
  const { url, data } = await startServerWithLogin();
  for (const name of ['alice', 'bob']) await typeForJson(data, `user add ${name} --password-stdin`, 'pw');
  const logIn = async (username: string) => {
    const body = { grant_type: 'password', access_type: 'offline', service: 'moorage', username, password: 'pw' };
    const answer = await fetch(`${url}/v2/token`, { method: 'POST', body: new URLSearchParams(body) });
    return ((await answer.json()) as { refresh_token: string }).refresh_token;
  };
  const renew = async (token: string) => {
    const body = { grant_type: 'refresh_token', service: 'moorage', refresh_token: token };
    return (await fetch(`${url}/v2/token`, { method: 'POST', body: new URLSearchParams(body) })).status;
  };
  const [alice, bob] = [await logIn('alice'), await logIn('bob')];
  expect([await renew(alice), await renew(bob)]).toEqual([200, 200]);
  await typeForJson(data, 'user password alice --password-stdin', 'new');
  expect([await renew(alice), await renew(bob)]).toEqual([401, 200]);
});

test('a token is the password of its user, a robot has a name of its own, and both are refused once they are revoked', async () => {
  const { url, data } = await startServerWithLogin();
  await typeForJson(data, 'user add alice --password-stdin', 'pw');
  const create = 'token create --user alice --repository team/* --actions pull --expires 1h --quiet';
  const secret = (await typeMoorage(data, create)).stdout.trim();
  expect(await knock(url, 'alice', secret)).toBe(200);
  expect(await knock(url, 'admin', secret)).toBe(401);
  expect((await push(url, 'team/web', basic('alice', secret))).status).toBe(403);
  expect((await push(url, 'team/web', basic('alice', 'pw'))).status).toBe(201);

  const robot = (await typeForJson(data, 'robot create ci --repository team/* --actions pull,push --expires 1h')) as {
    login: string;
    secret: string;
  };
  const pull = (path: string, headers: Record<string, string>) => fetch(`${url}/v2/${path}`, { headers });
  expect((await pull('team/web/manifests/1', basic(robot.login, robot.secret))).status).toBe(200);
  expect((await push(url, 'team/web', basic(robot.login, robot.secret))).status).toBe(201);
  expect((await push(url, 'other/web', basic(robot.login, robot.secret))).status).toBe(403);

  const [token] = (await typeForJson(data, 'token list')) as { id: string }[];
  await typeForJson(data, `token revoke ${token?.id}`);
  await typeForJson(data, 'robot remove ci');
  expect(await knock(url, 'alice', secret)).toBe(401);
  expect(await knock(url, robot.login, robot.secret)).toBe(401);
});

test('rights that are given and taken count at the next request of a running server', async () => {
  const { url, data } = await startServerWithLogin();
  for (const name of ['alice', 'bob']) await typeForJson(data, `user add ${name} --password-stdin`, 'pw');
  const [alice, bob] = [basic('alice', 'pw'), basic('bob', 'pw')];
  expect((await push(url, 'team/web', alice)).status).toBe(201);
  const pull = async (headers: Record<string, string> = {}) =>
    (await fetch(`${url}/v2/team/web/manifests/1`, { headers })).status;

  expect(await pull(bob)).toBe(404);
  await typeForJson(data, 'group add ops');
  await typeForJson(data, 'group join ops bob');
  await typeForJson(data, 'repo grant team/* @ops --role reader');
  expect(await pull(bob)).toBe(200);
  expect((await push(url, 'team/web', bob)).status).toBe(403);
  await typeForJson(data, 'group leave ops bob');
  expect(await pull(bob)).toBe(404);
  await typeForJson(data, 'repo set team/web --visibility public');
  expect([await pull(bob), await pull()]).toEqual([200, 200]);
});

test('--repositories-creation says who may push under a new name', async () => {
  const server = await startServerWithLogin(['--repositories-creation', 'namespace']);
  await typeForJson(server.data, 'user add alice --password-stdin', 'pw');
  expect((await push(server.url, 'web', basic('alice', 'pw'))).status).toBe(403);
  expect((await push(server.url, 'alice/web', basic('alice', 'pw'))).status).toBe(201);
});

test('audit --follow tells what comes, until it is stopped', async () => {
  const { url, data } = await startServerWithLogin();
  const run = runMoorage(['audit', '--follow', '--data', data]);
  await run.said(/user-add .* admin as administrator, at the first start\n/);
  await knock(url, 'mallory', 'guess');
  await run.said(/ refused {2}login .* mallory\n/);
  run.process.kill('SIGINT');
  expect(await run.ended).toBe(0);
  const lines = runMoorage(['audit', '--follow', '--json', '--data', data]);
  await lines.said(/mallory"\}\n/);
  for (const line of lines.stdout().trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('act');
  lines.process.stdout?.destroy();
  lines.process.kill('SIGTERM');
  await once(lines.process, 'exit');
});
