import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type StartedServer, startServer, temporaryDirectory } from '../../packages/server/test/run-moorage.ts';
import { findFreePort } from '../../tools/free-port.ts';

// Each test starts two servers, perhaps on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const run = promisify(execFile);
const operating = fileURLToPath(new URL('../../docs/operating.md', import.meta.url));
const nginx = '/usr/sbin/nginx';
const behindNginx = ['--trusted-proxies', '127.0.0.1', '--accel-redirect', '/internal/blobs/'];
const content = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7 + (at >> 8)) % 256));
const digest = digestOf(content);

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function push(url: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const { headers } = await fetch(`${url}/v2/acme/web/blobs/uploads/`, { method: 'POST' });
  const location = new URL(headers.get('location') ?? '', url);
  location.searchParams.set('digest', digestOf(bytes));
  expect((await fetch(location, { method: 'PUT', body: bytes })).status).toBe(201);
}

/** The block of docs/operating.md, with what is this machine's in the place of the example's. */
function documentedSite(server: StartedServer): string {
  const [, block = ''] =
    /^## nginx sends the blobs\n[\s\S]*?^```nginx\n([\s\S]*?)^```$/m.exec(readFileSync(operating, 'utf8')) ?? [];
  const changes = {
    'http://127.0.0.1:5000;': `${server.url};`,
    'alias /var/lib/moorage/blobs/;': `alias ${server.data}/blobs/;`,
  };
  return Object.entries(changes).reduce((site, [from, to]) => {
    expect(site.split(from)).toHaveLength(2);
    return site.replace(from, to);
  }, block);
}

/** Starts nginx with the documented site; resolves with its URL once it takes connections. */
async function startNginx(server: StartedServer): Promise<string> {
  if (!existsSync(nginx)) throw new Error(`This test needs ${nginx}: install nginx (apt-get install nginx-light).`);
  const directory = temporaryDirectory();
  const port = await findFreePort();
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${directory}/${name};`,
  );
  const configuration = join(directory, 'nginx.conf');
  writeFileSync(
    configuration,
    `daemon off; worker_processes 1; pid ${directory}/pid; error_log stderr notice; ${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http { access_log off; ${places.join(' ')} server { listen 127.0.0.1:${port}; ${documentedSite(server)} } }
`,
  );
  const child = spawn(nginx, ['-c', configuration], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGQUIT');
    await ended;
  });
  let said = '';
  for await (const text of child.stderr.setEncoding('utf8')) {
    said += text;
    // The listening socket is open before the first worker starts.
    if (said.includes('start worker process ')) break;
  }
  expect(said).toContain('start worker process ');
  return `http://127.0.0.1:${port}`;
}

async function startBoth() {
  const server = await startServer(behindNginx);
  await push(server.url, content);
  const url = await startNginx(server);
  const blob = `/v2/acme/web/blobs/${digest}`;
  const get = async (headers: Record<string, string> = {}, method = 'GET') => {
    const answer = await fetch(url + blob, { method, headers: { 'Accept-Encoding': 'identity', ...headers } });
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      bytes: Buffer.from(await answer.arrayBuffer()),
    };
  };
  return { server, url, blob, get };
}

const told = {
  'content-type': 'application/octet-stream',
  'docker-content-digest': digest,
  'docker-distribution-api-version': 'registry/2.0',
  'cache-control': 'no-transform',
  'x-content-type-options': 'nosniff',
  'x-request-id': expect.stringMatching(/^[0-9a-f]{32}$/),
  etag: `"${digest}"`,
};

test('end-2 through nginx gives a whole blob and its parts as the registry itself does, and nginx sends them', async () => {
  const { server, get } = await startBoth();
  const last = content.length - 1;
  const parts = [
    ['bytes=5-14', 5, 14],
    ['bytes=-100', content.length - 100, last],
    ['bytes=299000-', 299_000, last],
    ['bytes=0-', 0, last],
    ['bytes=-999999', 0, last],
  ] as const;

  const whole = await get();
  expect(whole).toMatchObject({
    status: 200,
    headers: { ...told, 'accept-ranges': 'bytes', 'content-length': String(content.length) },
  });
  expect(whole.headers).not.toHaveProperty('x-accel-redirect');
  expect(whole.headers).not.toHaveProperty('last-modified');
  expect(whole.bytes.equals(content)).toBe(true);
  for (const ifRange of [{}, { 'If-Range': `"${digest}"` }]) {
    for (const [range, start, end] of parts) {
      const part = await get({ Range: range, ...ifRange });
      expect(part).toMatchObject({
        status: 206,
        headers: {
          ...told,
          'content-range': `bytes ${start}-${end}/${content.length}`,
          'content-length': String(end - start + 1),
        },
      });
      expect(part.bytes.equals(content.subarray(start, end + 1))).toBe(true);
    }
  }

  // Moorage has the row and not the file: what is answered with bytes was sent by itself.
  rmSync(join(server.data, 'blobs', 'blobs'), { recursive: true });
  expect((await get()).status).toBe(404);
  expect((await get({ 'If-Match': `"${digest}"` })).status).toBe(500);
});

test('end-2 through nginx answers HEAD, conditions and ranges that do not count as the registry itself does', async () => {
  const { server, url, blob, get } = await startBoth();
  expect(await get({}, 'HEAD')).toMatchObject({
    status: 200,
    headers: { ...told, 'content-length': String(content.length) },
  });
  expect(await get({ 'If-None-Match': `"${digest}"` })).toMatchObject({
    status: 304,
    headers: { etag: `"${digest}"` },
  });
  expect(await get({ Range: `bytes=${content.length}-` })).toMatchObject({
    status: 416,
    headers: { 'content-range': `bytes */${content.length}` },
  });
  const wholes: Record<string, string>[] = [
    { Range: 'bytes=0-9', 'If-Range': '"other"' },
    { Range: 'bytes=0-1,5-6' },
    { Range: 'bytes=a-b' },
    { 'If-Match': '"other"' },
    { 'If-Unmodified-Since': 'Wed, 21 Oct 2015 07:28:00 GMT' },
    { 'If-Modified-Since': new Date(Date.now() + 60_000).toUTCString() },
  ];
  for (const headers of wholes) {
    const answer = await get(headers);
    expect([headers, answer.status, answer.bytes.equals(content)]).toEqual([headers, 200, true]);
  }
  expect((await fetch(`${url}/v2/acme/web/blobs/sha256:${'0'.repeat(64)}`)).status).toBe(404);
  // The way of the registry's answers is closed to clients.
  expect((await fetch(`${url}/internal/blobs/blobs/`)).status).toBe(404);
  const direct = await fetch(server.url + blob);
  expect(direct.headers.get('x-accel-redirect')).toMatch(/^\/internal\/blobs\/blobs\/[0-9a-f]{2}\/[0-9a-f]{32}$/);
});

test('crane pushes and pulls through nginx', async () => {
  const { url } = await startBoth();
  const directory = temporaryDirectory();
  // Where `go install` and so conformance/install.ts put it.
  const env = { ...process.env, HOME: directory, PATH: `${process.env['PATH']}:${homedir()}/go/bin` };
  const image = `${new URL(url).host}/acme/image:1`;
  writeFileSync(join(directory, 'large'), content);
  await run('tar', ['-cf', 'layer.tar', 'large'], { cwd: directory });
  const crane = (...words: string[]) =>
    run('crane', words, { cwd: directory, env }).catch((cause) => {
      throw cause.code === 'ENOENT'
        ? new Error('This test needs crane: run "node tools/run.js conformance/install.ts".', { cause })
        : cause;
    });
  await crane('append', '--new_layer', 'layer.tar', '--new_tag', image);
  await crane('validate', '--remote', image);
  await crane('export', image, 'out.tar');
  await run('tar', ['-xf', 'out.tar', '--one-top-level=out'], { cwd: directory });
  expect(readFileSync(join(directory, 'out', 'large')).equals(content)).toBe(true);
});
