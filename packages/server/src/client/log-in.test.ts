import type { RegistryOptions } from '@moorage/registry';
import { startTestRegistry } from '@moorage/registry/testing';
import { expect, onTestFinished, test } from 'vitest';
import { startMeddlingProxy } from '../../test/meddling-proxy.ts';
import { endpointOf } from './endpoint.ts';
import { logIn } from './log-in.ts';

const access: RegistryOptions['access'] = {
  authenticate: (shown) =>
    'username' in shown && shown.password === `${shown.username}-pw` ? { id: shown.username } : undefined,
  authorize: ({ identity }) => identity !== undefined,
};
const ann = { kind: 'password', username: 'ann', password: 'ann-pw' } as const;

async function start(options: Partial<RegistryOptions> = { access }) {
  const { url, close } = await startTestRegistry(options);
  onTestFinished(close);
  const proxy = await startMeddlingProxy(url);
  return { proxy, host: proxy.host, endpoint: endpointOf(proxy.host, {}) };
}

test('a login is tried before it is kept, and what is kept is not the password where the registry gives a token for it', async () => {
  const { proxy, endpoint } = await start();
  expect(await logIn(endpoint, ann)).toEqual({ kind: 'identity', token: expect.any(String) });
  expect(proxy.seen.map(({ path }) => path.split('?')[0])).toEqual(['/v2/', '/v2/token', '/v2/']);
});

test('a wrong password is told in one sentence', async () => {
  const { endpoint, host } = await start();
  await expect(logIn(endpoint, { ...ann, password: 'wrong' })).rejects.toThrow(
    new RegExp(`^${host} does not take this name and password\\. .*request id`),
  );
});

test('a registry that is open has nothing to keep', async () => {
  const { endpoint } = await start({});
  expect(await logIn(endpoint, ann)).toBe(undefined);
});

test('with Basic the password itself is kept, once it was taken', async () => {
  const { proxy, endpoint } = await start({});
  const right = `Basic ${Buffer.from('ann:ann-pw').toString('base64')}`;
  proxy.meddle = ({ headers }) =>
    headers.authorization === right ? undefined : { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } };
  expect(await logIn(endpoint, ann)).toEqual(ann);
  await expect(logIn(endpoint, { ...ann, password: 'wrong' })).rejects.toThrow(/does not take this name and password/);
});

test('what is no registry is told so', async () => {
  const { proxy, endpoint } = await start({});
  proxy.meddle = () => ({ status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Welcome</h1>' });
  await expect(logIn(endpoint, ann)).rejects.toThrow(/refused to log anybody in: Not Found\. \(404\)/);
});
