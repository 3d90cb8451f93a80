import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { runMoorage, startServerWithLogin, temporaryDirectory, typeForJson } from './run-moorage.ts';

// The tests start the command, perhaps on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const pair = generateKeyPairSync('ed25519');
const names = { realm: 'https://auth.example/token', service: 'hub.example', issuer: 'auth.example' };
const words = Object.entries(names).flatMap(([name, value]) => [`--token-server-${name}`, value]);

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token (RFC 7519) for everything in `alice/web`, as the server outside would sign it. */
function token(claims: object = {}, key = pair.privateKey): Record<string, string> {
  const access = [{ type: 'repository', name: 'alice/web', actions: ['pull', 'push'] }];
  const exp = Math.floor(Date.now() / 1000) + 300;
  const own = { iss: names.issuer, aud: names.service, sub: 'alice', exp, access };
  const text = `${part({ alg: 'EdDSA', kid: 'one' })}.${part({ ...own, ...claims })}`;
  return { Authorization: `Bearer ${text}.${sign(null, Buffer.from(text), key).toString('base64url')}` };
}

test('a token server outside takes the place of ours: its tokens are good, and none are made here', async () => {
  const keys = join(temporaryDirectory(), 'keys.json');
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'EdDSA' };
  writeFileSync(keys, JSON.stringify({ keys: [jwk] }));
  const { url, data, stdout } = await startServerWithLogin([...words, '--token-server-keys', keys]);
  expect(stdout()).not.toMatch(/password/); // whoever is called admin outside is nobody here
  const push = async (headers: Record<string, string>, name = 'alice/web') =>
    (await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: 'POST', headers })).status;

  const challenge = await fetch(`${url}/v2/alice/web/tags/list`);
  expect([challenge.status, challenge.headers.get('www-authenticate')]).toEqual([
    401,
    'Bearer realm="https://auth.example/token",service="hub.example",scope="repository:alice/web:pull"',
  ]);
  expect((await fetch(`${url}/v2/token`)).status).toBe(404);
  expect(await push(token())).toBe(202);
  expect(await push(token(), 'alice/other')).toBe(401);
  expect(await push(token({ sub: 'bob' }))).toBe(403);
  expect(await push(token({ sub: 'admin' }))).toBe(403);
  expect(await push(token({ aud: 'other.example' }))).toBe(401);
  expect(await push(token({}, generateKeyPairSync('ed25519').privateKey))).toBe(401);

  await typeForJson(data, 'user add alice --password-stdin', 'pw');
  expect(await push(token())).toBe(202);
  await typeForJson(data, 'user disable alice');
  expect(await push(token())).toBe(401);
});

test.each([
  [words, /^A token server needs all of .*: set tokenServer\.keys, too, or none of them\.\n$/],
  [['--trusted-proxies', '10.0.0.0/33'], /^--trusted-proxies is "10\.0\.0\.0\/33": it must be IP addresses or .*\.\n$/],
])('serve %j ends with one sentence', async (given, sentence) => {
  const run = runMoorage(['serve', '--data', temporaryDirectory(), '--listen', '127.0.0.1:0', ...given]);
  expect(await run.ended).toBe(1);
  expect(run.stderr()).toMatch(sentence);
});
