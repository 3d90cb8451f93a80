import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { runMoorage, startServer, temporaryDirectory } from './run-moorage.ts';

// Each test starts the command, some twice, perhaps on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const indexType = 'application/vnd.oci.image.index.v1+json';
const emptyIndex = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [] });
const emptyDigest = `sha256:${createHash('sha256').digest('hex')}`;

const putIndex = (url: string, reference: string) =>
  fetch(`${url}/v2/hello/manifests/${reference}`, {
    method: 'PUT',
    headers: { 'Content-Type': indexType },
    body: emptyIndex,
  });

/** Opens an upload session; returns its URL. */
async function openSession(url: string): Promise<string> {
  const response = await fetch(`${url}/v2/hello/blobs/uploads/`, { method: 'POST' });
  expect(response.status).toBe(202);
  return new URL(response.headers.get('location') ?? '', url).href;
}

/** Begins a PATCH, and sends `first` once the server has asked for the body: the request is then in flight. */
async function beginPatch(session: string, first: string): Promise<ClientRequest> {
  const patch = request(session, { method: 'PATCH', headers: { Expect: '100-continue', Connection: 'keep-alive' } });
  patch.flushHeaders();
  await once(patch, 'continue');
  patch.write(first);
  return patch;
}

test('serve says when it is ready, where everything lies and what to type, and tells of the first push once', async () => {
  const server = await startServer();
  await server.said(/Waiting for your first push/);
  expect(server.stdout()).toMatch(/^Moorage \d+\.\d+\.\d+ is ready after \d+\.\d\d s\.\n/);
  expect(server.stdout()).toContain(`data     ${server.data}\n`);
  expect(server.stdout()).toContain(`address  ${server.url}\n`);

  expect((await putIndex(server.url, '1')).status).toBe(201);
  await server.said(/Your first push came: hello:1\./);
  expect((await putIndex(server.url, '2')).status).toBe(201);
  server.process.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  expect(server.stdout().match(/push came/g)).toHaveLength(1);

  const again = await startServer([], server.data);
  expect((await putIndex(again.url, '3')).status).toBe(201);
  expect(again.stdout()).not.toMatch(/first push/);
});

test('a reader of stdout that goes away does not end the server', async () => {
  const server = await startServer();
  await server.said(/Waiting for your first push/);
  server.process.stdout?.destroy();
  expect((await putIndex(server.url, '1')).status).toBe(201);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  await server.said(/"method":"PUT"/);
});

test('a blob that was pushed is there after a restart', async () => {
  const first = await startServer();
  const push = await fetch(`${first.url}/v2/hello/blobs/uploads/?digest=${emptyDigest}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/octet-stream' },
  });
  expect(push.status).toBe(201);
  first.process.kill('SIGINT');
  expect(await first.ended).toBe(0);

  const second = await startServer([], first.data);
  const pull = await fetch(`${second.url}/v2/hello/blobs/${emptyDigest}`);
  expect([pull.status, await pull.text()]).toEqual([200, '']);
});

test('/healthz, /readyz and / answer in a line, and nothing else is there', async () => {
  const { url } = await startServer();
  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(url + path, init);
    return [response.status, await response.text()];
  };
  expect(await ask('/healthz')).toEqual([200, 'ok\n']);
  expect(await ask('/readyz?verbose')).toEqual([200, 'ready\n']);
  expect(await ask('/')).toEqual([200, expect.stringMatching(/^Moorage .*\/v2\/.*\n$/)]);
  expect(await ask('/healthz', { method: 'HEAD' })).toEqual([200, '']);
  expect(await ask('/healthz', { method: 'POST', body: 'x' })).toEqual([404, expect.any(String)]);
  expect(await ask('/favicon.ico')).toEqual([404, expect.any(String)]);
});

test('the log has a line for each request: pushes at info, pulls at debug', async () => {
  const server = await startServer(['--log-level', 'debug']);
  await putIndex(server.url, '1');
  await fetch(`${server.url}/v2/hello/manifests/1`);
  await server.said(/"method":"GET"/);
  const entries = server
    .stderr()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const path = '/v2/hello/manifests/1';
  const common = { requestId: expect.any(String), path, ms: expect.any(Number) };
  expect(entries).toContainEqual(expect.objectContaining({ ...common, level: 'info', method: 'PUT', status: 201 }));
  expect(entries).toContainEqual(expect.objectContaining({ ...common, level: 'debug', method: 'GET', status: 200 }));
});

test('with log.format json stdout stays empty and the log says ready and first push', async () => {
  const data = temporaryDirectory();
  const run = runMoorage(['serve', '--open', '--listen', '127.0.0.1:0', '--data', data, '--log-format', 'json']);
  const [, url = ''] = await run.said(/"address":"(http:[^"]+)".*"msg":"ready"/);
  await putIndex(url, '1');
  await run.said(/"reference":"hello:1","msg":"first push"/);
  expect(run.stdout()).toBe('');
});

test('SIGTERM lets an upload in flight end, closes idle connections at once, and keeps the session', async () => {
  const server = await startServer();
  const idle = connect(Number(new URL(server.url).port), '127.0.0.1');
  idle.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(idle, 'data');
  const session = await openSession(server.url);
  const patch = await beginPatch(session, 'first ');

  server.process.kill('SIGTERM');
  await once(idle.resume(), 'end');
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
  patch.end('second');
  const [response] = (await once(patch, 'response')) as [IncomingMessage];
  expect([response.statusCode, response.headers['range']]).toEqual([202, '0-11']);
  response.resume();
  expect(await server.ended).toBe(0);

  const next = await startServer([], server.data);
  const state = await fetch(new URL(new URL(session).pathname, next.url));
  expect([state.status, state.headers.get('range')]).toEqual([204, '0-11']);
});

test('an upload that does not end is cut when limits.drainSeconds are over', async () => {
  const server = await startServer(['--limits-drain-seconds', '0']);
  const patch = await beginPatch(await openSession(server.url), 'never more');
  const cut = once(patch, 'error');
  server.process.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  await cut;
});

test('a second signal ends the server at once', async () => {
  const server = await startServer(['--limits-drain-seconds', '1000']);
  const patch = await beginPatch(await openSession(server.url), 'never more');
  const cut = once(patch, 'error');
  const impatient = setInterval(() => server.process.kill('SIGTERM'), 100);
  expect(await server.ended).toBe(143);
  clearInterval(impatient);
  await cut;
});

test('a data directory has one server, and a server that was killed leaves no lock behind', async () => {
  const server = await startServer();
  const other = runMoorage(['serve', '--open', '--listen', '127.0.0.1:0', '--data', server.data]);
  expect(await other.ended).toBe(1);
  expect(other.stderr()).toBe(
    `Another running server uses ${server.data}: stop it, or choose another directory with --data DIRECTORY.\n`,
  );

  server.process.kill('SIGKILL');
  expect(await server.ended).toBe(null);
  const next = await startServer([], server.data);
  expect((await fetch(`${next.url}/readyz`)).status).toBe(200);
});

test('a used port ends with one sentence', async () => {
  const { url } = await startServer();
  const port = new URL(url).port;
  const run = runMoorage(['serve', '--open', '--listen', port, '--data', temporaryDirectory()]);
  expect(await run.ended).toBe(1);
  expect(run.stderr()).toMatch(
    new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is in use by another program: .* --listen 127\\.0\\.0\\.1:\\d+\\.\n$`),
  );
});

test('a directory that cannot be one ends with one sentence', async () => {
  const file = join(temporaryDirectory(), 'file');
  writeFileSync(file, '');
  const named = { [file]: file, [join(file, 'data')]: file, '/sys/moorage/data': '/sys/moorage' };
  for (const [data, path] of Object.entries(named)) {
    const run = runMoorage(['serve', '--open', '--listen', '127.0.0.1:0', '--data', data]);
    expect(await run.ended, data).toBe(1);
    expect(run.stderr(), data).toMatch(/^[^\n]+ --data DIRECTORY\.\n$/);
    expect(run.stderr(), data).toContain(path);
  }
});

test('a database that is none ends with one sentence', async () => {
  const data = temporaryDirectory();
  writeFileSync(join(data, 'registry.db'), 'This is no database, but text that is long enough to be looked at as one.');
  const run = runMoorage(['serve', '--open', '--listen', '127.0.0.1:0', '--data', data]);
  expect(await run.ended).toBe(1);
  expect(run.stderr()).toMatch(/^Cannot open [^\n]+registry\.db: file is not a database\n$/);
});

test.each([
  [['--lisen', '5000'], {}, /^error: unknown option '--lisen' \(Did you mean --listen\?\)\n$/],
  [['--listen', 'here'], {}, /^--listen is "here": it must be HOST:PORT[^\n]+\n$/],
  [[], { MOORAGE_OPEM: 'true' }, /^There is no setting MOORAGE_OPEM: the nearest is MOORAGE_OPEN\.\n$/],
  [['everything'], {}, /^error: too many arguments for 'serve'[^\n]+\n$/],
])('serve %j with %j ends with one sentence', async (words, environment, sentence) => {
  const run = runMoorage(['serve', ...words], { environment });
  expect(await run.ended).toBe(1);
  expect(run.stderr()).toMatch(sentence);
});
