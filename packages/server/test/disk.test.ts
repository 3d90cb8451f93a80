import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runMoorage, startServer, startServerWithLogin, temporaryDirectory, typeMoorage } from './run-moorage.ts';

vi.setConfig({ testTimeout: 120_000 });

const MiB = 1024 * 1024;
const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Runs a program of the host; what it says on stderr is in the error. */
const host = (program: string, ...words: string[]): string => execFileSync(program, words, { encoding: 'utf8' });

/** Why there can be no disk of a test's own; undefined where there can. */
function whyNoMount(): string | undefined {
  if (process.platform !== 'linux') return 'tmpfs is of Linux';
  if (process.getuid?.() !== 0) return 'mounting wants root';
  try {
    host('unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'); // seen by nobody else
    return undefined;
  } catch {
    return 'mounting is not allowed here';
  }
}
const noMount = whyNoMount();
/** Ends the name of a test that wants a disk of its own. */
const because = noMount === undefined ? '' : ` (skipped: ${noMount})`;

/** A disk of its own of `sizeBytes`, which is gone after the test. */
function mountDisk(sizeBytes: number): string {
  const place = temporaryDirectory();
  host('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', place);
  onTestFinished(() => void host('umount', '--lazy', place));
  return place;
}

/** Takes all but `leftBytes` of the disk; returns what gives it back. */
function fill(disk: string, leftBytes: number): () => void {
  const { bavail, bsize } = statfsSync(disk);
  const filler = join(disk, 'filler');
  writeFileSync(filler, Buffer.alloc(bavail * bsize - leftBytes));
  return () => rmSync(filler);
}

interface Server {
  readonly url: string;
  readonly authorization?: string;
}

function call({ url, authorization }: Server, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (authorization !== undefined) headers.set('Authorization', authorization);
  return fetch(url + path, { ...init, headers });
}

function pushBlob(server: Server, bytes: Uint8Array<ArrayBuffer>): Promise<Response> {
  return call(server, `/v2/hello/blobs/uploads/?digest=${digestOf(bytes)}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: bytes,
  });
}

const indexType = 'application/vnd.oci.image.index.v1+json';
const pushIndex = (server: Server, tag: string) =>
  call(server, `/v2/hello/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'Content-Type': indexType },
    body: JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [], annotations: { tag } }),
  });

const content = (sizeBytes: number) => new Uint8Array(randomBytes(sizeBytes));
const pulled = async (server: Server, blob: Uint8Array) => {
  const answer = await call(server, `/v2/hello/blobs/${digestOf(blob)}`);
  return [answer.status, digestOf(new Uint8Array(await answer.arrayBuffer()))];
};

async function refusalOf(response: Response): Promise<readonly unknown[]> {
  const { errors } = (await response.json()) as { errors: { code: string; message: string }[] };
  return [response.status, errors[0]?.code, errors[0]?.message];
}

test.skipIf(noMount)(
  `below the reserve pushes of blobs are 413 with figures, while pulls, logins and deletes go on${because}`,
  async () => {
    const disk = mountDisk(48 * MiB);
    const started = await startServerWithLogin(['--uploads-reserve-bytes', '16MiB'], join(disk, 'data'));
    const [, password = ''] = await started.said(/shown once:\s+(\S+)/);
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
    const server = { url: started.url, authorization };
    const blob = content(MiB);
    expect((await pushBlob(server, blob)).status).toBe(201);
    expect((await pushIndex(server, '1')).status).toBe(201);

    const giveBack = fill(disk, 8 * MiB);
    for (const sizeBytes of [2 * MiB, 100]) {
      expect(await refusalOf(await pushBlob(server, content(sizeBytes)))).toEqual([
        413,
        'DENIED',
        expect.stringMatching(/has [78] MiB left, and 16 MiB are kept free: nothing can be pushed/),
      ]);
    }
    expect((await call(server, '/v2/hello/blobs/uploads/', { method: 'POST' })).status).toBe(413);
    expect(await pulled(server, blob)).toEqual([200, digestOf(blob)]);
    expect((await call(server, '/v2/token?service=moorage')).status).toBe(200);
    expect((await call(server, '/v2/hello/manifests/1', { method: 'DELETE' })).status).toBe(202);

    giveBack();
    expect((await pushBlob(server, content(2 * MiB))).status).toBe(201);
  },
);

test.skipIf(noMount)(
  `a disk that is full to the last byte loses nothing, and all goes on when space comes back${because}`,
  async () => {
    const disk = mountDisk(32 * MiB);
    const data = join(disk, 'data');
    const server = await startServer(['--uploads-reserve-bytes', '0'], data);
    const blob = content(MiB);
    expect((await pushBlob(server, blob)).status).toBe(201);
    expect((await pushIndex(server, '1')).status).toBe(201);

    const giveBack = fill(disk, 512 * 1024);
    expect((await pushBlob(server, content(2 * MiB))).status).toBe(507);
    const acknowledged = ['1'];
    let refused = 0;
    for (let n = 2; refused < 3; n += 1) {
      // Small ones go into the database, until there is no room there either.
      const { status } = await pushBlob(server, content(16_000));
      expect([201, 507]).toContain(status);
      if (status === 507) refused += 1;
      const put = await pushIndex(server, String(n));
      if (put.status === 201) acknowledged.push(String(n));
      else expect(put.status).toBe(507);
    }
    expect(await pulled(server, blob)).toEqual([200, digestOf(blob)]);
    expect((await call(server, '/v2/hello/manifests/1')).status).toBe(200);

    giveBack();
    const later = content(2 * MiB);
    expect((await pushBlob(server, later)).status).toBe(201);
    expect((await pushIndex(server, 'later')).status).toBe(201);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    expect(await pulled(server, later)).toEqual([200, digestOf(later)]);
    server.process.kill('SIGKILL');
    await server.ended;
    expect((await typeMoorage(data, 'check')).code).toBe(0);
    const { tags } = (await (await call(await startServer([], data), '/v2/hello/tags/list')).json()) as {
      tags: string[];
    };
    expect(new Set(tags)).toEqual(new Set([...acknowledged, 'later']));
  },
);

test.skipIf(noMount)(
  `while the file system of the blobs is read-only pushes are 503 and the log says why; pulls go on, and then pushes${because}`,
  async () => {
    const disk = mountDisk(32 * MiB);
    const data = join(disk, 'data');
    const server = await startServer(['--uploads-reserve-bytes', '0'], data);
    const blob = content(MiB);
    expect((await pushBlob(server, blob)).status).toBe(201);

    const blobs = join(data, 'blobs');
    host('mount', '--bind', blobs, blobs);
    host('mount', '-o', 'remount,bind,ro', blobs);
    expect(await refusalOf(await pushBlob(server, content(MiB)))).toEqual([503, 'UNKNOWN', expect.any(String)]);
    await server.said(/file system of the blobs is read-only/);
    expect(await pulled(server, blob)).toEqual([200, digestOf(blob)]);
    host('umount', blobs);
    expect((await pushBlob(server, content(MiB))).status).toBe(201);
  },
);

test.skipIf(noMount)(
  `on a read-only disk nothing starts, in one sentence, and check looks all the same${because}`,
  async () => {
    const disk = mountDisk(32 * MiB);
    const data = join(disk, 'data');
    const server = await startServer(['--uploads-reserve-bytes', '0'], data);
    expect((await pushBlob(server, content(MiB))).status).toBe(201);
    server.process.kill('SIGTERM');
    await server.ended;
    host('mount', '-o', 'remount,ro', disk);
    const run = runMoorage(['serve', '--open', '--listen', '127.0.0.1:0', '--data', data]);
    expect(await run.ended).toBe(1);
    expect(run.stderr()).toMatch(/^\S+ cannot be written: .*--data DIRECTORY\.\n$/);
    expect(await typeMoorage(data, 'check')).toMatchObject({ code: 0, stderr: '' });
  },
);

test.skipIf(process.platform !== 'linux')(
  'with too many open files requests fail in words, and the server lives on',
  async () => {
    const server = await startServer();
    const blob = content(MiB);
    expect((await pushBlob(server, blob)).status).toBe(201);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const ask = async (method: string, path: string, body = '') => {
      const sent = request(server.url + path, { method, agent }).end(body);
      const [response] = await once(sent, 'response');
      const text = Buffer.concat(await response.toArray()).toString('latin1');
      return { status: response.statusCode as number, text };
    };
    expect((await ask('GET', '/healthz')).status).toBe(200);
    const open = new Set(host('ls', `/proc/${server.process.pid}/fd`).trim().split('\n').map(Number));
    const lowestFree = Array.from({ length: open.size + 1 }, (_, n) => n).find((n) => !open.has(n));
    host('prlimit', '--pid', String(server.process.pid), `--nofile=${lowestFree}:1024`);

    const push = await ask(
      'POST',
      `/v2/hello/blobs/uploads/?digest=${digestOf(new Uint8Array(20_000))}`,
      '\0'.repeat(20_000),
    );
    expect([push.status, push.text]).toEqual([503, expect.stringContaining('The registry cannot do this now')]);
    await server.said(/Too many files are open/);
    const pull = await ask('GET', `/v2/hello/blobs/${digestOf(blob)}`);
    expect([pull.status, pull.text]).toEqual([500, expect.stringContaining('"errors"')]);
    const refused = await openSockets(new URL(server.url).port, 20);
    for (const socket of refused) socket.destroy();
    expect((await ask('GET', '/healthz')).status).toBe(200);

    host('prlimit', '--pid', String(server.process.pid), '--nofile=1024:1024');
    expect(await pulled(server, blob)).toEqual([200, digestOf(blob)]);
    expect((await pushBlob(server, content(MiB))).status).toBe(201);
  },
);

async function openSockets(port: string, count: number): Promise<readonly Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(Number(port), '127.0.0.1').on('error', () => undefined));
  await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
  return sockets;
}
