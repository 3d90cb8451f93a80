import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { runMoorage, startServer, temporaryDirectory } from './run-moorage.ts';

test('a client that does not come through a trusted proxy is sent the bytes', async () => {
  const server = await startServer(['--trusted-proxies', '192.0.2.1', '--accel-redirect', '/internal/blobs/']);
  const content = Buffer.alloc(300_000, 'content');
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  const { headers } = await fetch(`${server.url}/v2/acme/web/blobs/uploads/`, { method: 'POST' });
  const upload = new URL(`${headers.get('location')}?digest=${digest}`, server.url);
  expect((await fetch(upload, { method: 'PUT', body: content })).status).toBe(201);
  const answer = await fetch(`${server.url}/v2/acme/web/blobs/${digest}`);
  expect(answer.headers.has('x-accel-redirect')).toBe(false);
  expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true);
});

test('the setting is refused where no proxy is trusted', async () => {
  const run = runMoorage([
    'serve',
    '--open',
    '--listen',
    '127.0.0.1:0',
    '--data',
    temporaryDirectory(),
    '--accel-redirect',
    '/x/',
  ]);
  expect(await run.ended).toBe(1);
  expect(run.stderr()).toContain('accelRedirect needs trustedProxies: name the address there from which nginx comes.');
});
