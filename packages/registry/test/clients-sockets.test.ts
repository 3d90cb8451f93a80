import { expect, test } from 'vitest';
import { errorOf, head, KIB, MIB, serve, until } from './node-harness.ts';
import { openTestRegistry, sha256 } from './support/registry.ts';

const uploads = '/v2/acme/web/blobs/uploads/';

test('Go clients: a connection is kept for longer than the 90 s for which they keep it', async () => {
  const { connect, server } = await serve(openTestRegistry().registry);
  const client = await connect();
  for (const _ of [1, 2]) {
    client.send(head('GET', '/v2/'));
    const answer = await client.answer();
    expect([answer.status, answer.head]).toEqual([200, expect.stringContaining('Keep-Alive: timeout=120')]);
  }
  expect(server.keepAliveTimeout).toBeGreaterThan(90_000);
});

test('every slow or large push: no limit on its time but on its silence, and what arrived is kept', async () => {
  const opened = openTestRegistry();
  const { connect, server } = await serve(opened.registry, { idleTimeoutMs: 50 });
  expect(server.requestTimeout).toBe(0);
  const location = String((await opened.call('POST', uploads)).headers['location']);
  const client = await connect();
  client.send(`${head('PATCH', location, { 'Content-Length': 100 })}half`);
  await client.closed;
  await until(() => opened.reports.some(({ method }) => method === 'PATCH'));
  expect((await opened.call('GET', location)).headers['range']).toBe('0-3');
  expect((await opened.call('PUT', `${location}?digest=${sha256('half')}`)).status).toBe(201);
});

test('long tokens: headers of 40 KiB are taken, and larger ones get 431 with an error document', async () => {
  const { connect } = await serve(openTestRegistry().registry);
  const long = await connect();
  long.send(head('GET', '/v2/', { Authorization: `Bearer ${'a'.repeat(40 * KIB)}` }));
  expect((await long.answer()).status).toBe(200);
  const larger = await connect();
  larger.send(head('GET', '/v2/', { Authorization: `Bearer ${'a'.repeat(100 * KIB)}` }));
  const answer = await larger.answer();
  expect([answer.status, errorOf(answer.body).code]).toEqual([431, 'UNSUPPORTED']);
  larger.socket.destroy();
});

test('any refused push: a client that is still sending reads the 403 or the 413', async () => {
  const opened = openTestRegistry({ access: { authorize: ({ name }) => name !== 'acme/secret' } });
  const { connect } = await serve(opened.registry);
  for (const [target, status, code] of [
    ['/v2/acme/secret/manifests/latest', 403, 'DENIED'],
    ['/v2/acme/web/manifests/latest', 413, 'SIZE_INVALID'],
  ] as const) {
    const client = await connect();
    client.send(head('PUT', target, { 'Content-Length': 64 * MIB }));
    client.send(Buffer.alloc(512 * KIB));
    const answer = await client.answer();
    expect([answer.status, errorOf(answer.body).code]).toEqual([status, code]);
    client.socket.destroy();
  }
});

test('Go clients: Expect: 100-continue is answered after the checks of access, name and session', async () => {
  const opened = openTestRegistry({ access: { authorize: ({ name }) => name !== 'acme/secret' } });
  const { connect } = await serve(opened.registry);
  const location = String((await opened.call('POST', uploads)).headers['location']);
  const unknown = location.replace(/[^/]+$/, '00000000-0000-0000-0000-000000000000');
  const waiting = { 'Content-Length': 5, Expect: '100-continue' };
  for (const [target, status] of [
    [location.replace('web', 'secret'), 403],
    [location.replace('web', 'WEB'), 400],
    [unknown, 404],
  ] as const) {
    const client = await connect();
    client.send(head('PATCH', target, waiting));
    expect([target, (await client.answer()).status]).toEqual([target, status]);
    client.socket.destroy();
  }
  const client = await connect();
  client.send(head('PATCH', location, waiting));
  expect((await client.answer()).head).toBe('HTTP/1.1 100 Continue');
  client.send('hello');
  expect((await client.answer()).status).toBe(202);
});
