import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test, vi } from 'vitest';
import { startServer, startServerWithLogin, typeForJson } from './run-moorage.ts';

// Each test starts the command, perhaps on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const basic = (name: string) => ({ Authorization: `Basic ${Buffer.from(`${name}:pw`).toString('base64')}` });

test('requests beyond a rate are 429 with Retry-After, by the address that a trusted proxy tells', async () => {
  const words = ['--trusted-proxies', '127.0.0.0/8', '--rate-limits-address', '3/1h'];
  const { url } = await startServer(words);
  const ask = (address: string) => fetch(`${url}/v2/`, { headers: { 'X-Forwarded-For': address } });
  for (let i = 0; i < 3; i++) expect((await ask('192.0.2.1')).status).toBe(200);
  const refused = await ask('203.0.113.9, 192.0.2.1');
  expect([refused.status, await refused.json()]).toEqual([
    429,
    { errors: [{ code: 'TOOMANYREQUESTS', message: expect.stringMatching(/Try again in 3\d\d\d seconds/) }] },
  ]);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3500);
  expect((await ask('192.0.2.2')).status).toBe(200);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

test('identities and endpoints have rates of their own, and the word of a client for its address counts for nothing', async () => {
  const { url, data } = await startServerWithLogin([
    ...['--rate-limits-identity', '4/1h', '--rate-limits-endpoints', 'end-8=2/1h,end-1=100/1h'],
  ]);
  for (const name of ['alice', 'bob']) await typeForJson(data, `user add ${name} --password-stdin`, 'pw');
  let client = 0;
  const ask = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`${url}/v2/${path}`, { headers: { 'X-Forwarded-For': `192.0.2.${++client}`, ...headers } })).status;
  const tags = 'acme/web/tags/list';
  expect([await ask(tags, basic('alice')), await ask(tags, basic('alice'))]).toEqual([404, 404]);
  expect(await ask(tags, basic('alice'))).toBe(429);
  expect(await ask('', basic('alice'))).toBe(200);
  expect(await ask('', basic('alice'))).toBe(429);
  expect(await ask('', basic('bob'))).toBe(200);
  expect([await ask(tags), await ask(tags), await ask(tags)]).toEqual([401, 401, 429]);
});

test('a client slower than the minimum rate over its window is 408, and the settings say how slow that is', async () => {
  const words = ['--limits-rate-window-seconds', '1', '--limits-min-bytes-per-second'];
  const [strict, lax] = await Promise.all([startServer([...words, '1MiB']), startServer([...words, '0'])]);
  const feedSlowly = async (url: string) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(`PUT /v2/hello/manifests/1 HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: 100\r\n\r\n{`);
    return socket;
  };
  const [refused, kept] = await Promise.all([feedSlowly(strict.url), feedSlowly(lax.url)]);
  expect(await text(refused)).toMatch(/^HTTP\/1\.1 408 [\s\S]* slower than 1048576 bytes a second over 1 s\./);
  expect(kept.readableLength).toBe(0);
  expect(kept.readyState).toBe('open');
  kept.destroy();
});
