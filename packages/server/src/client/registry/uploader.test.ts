import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestRegistry } from '@moorage/registry/testing';
import { expect, onTestFinished, test } from 'vitest';
import { startMeddlingProxy } from '../../../test/meddling-proxy.ts';
import { connect } from '../connect.ts';
import type { ContentBlob } from '../content.ts';
import { endpointOf } from '../endpoint.ts';
import { createRegistryClient } from './registry-client.ts';
import { createUploadMemory } from './upload-memory.ts';
import { createUploader } from './uploader.ts';

const MiB = 2 ** 20;

/** A blob that is read in pieces, as a file is; each piece can be made to fail. */
function makeBlob(bytes: Uint8Array, pieceBytes = 60_000): ContentBlob & { readonly opened: number[] } {
  const opened: number[] = [];
  return {
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    size: bytes.length,
    mediaType: 'application/octet-stream',
    opened,
    async *open(offset = 0) {
      opened.push(offset);
      for (let at = offset; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
    },
  };
}

/** A registry behind a meddling proxy, and what pushes to it. */
async function start(options: { readonly chunkBytes?: number } = {}) {
  const { registry, url, host, close } = await startTestRegistry();
  onTestFinished(close);
  const proxy = await startMeddlingProxy(url);
  const directory = mkdtempSync(join(tmpdir(), 'moorage-upload-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'cache/uploads.json');
  const told: string[] = [];
  const waits: number[] = [];
  /** What one run of a command has. */
  const run = (repository = 'acme/web') => {
    const client = createRegistryClient({
      endpoint: endpointOf(proxy.host, {}),
      findCredentials: async () => undefined,
      sleep: async (ms) => void waits.push(ms),
    });
    onTestFinished(client.close);
    const memory = createUploadMemory(file);
    return createUploader({ client, repository, memory, tell: (sentence) => told.push(sentence), ...options });
  };
  const bodies = () => proxy.seen.filter(({ bytes }) => bytes > 0);
  const pull = async (digest: string, repository = 'acme/web') => {
    const answer = await fetch(`${url}/v2/${repository}/blobs/${digest}`);
    return answer.status === 200 ? new Uint8Array(await answer.arrayBuffer()) : answer.status;
  };
  return { registry, host, proxy, file, told, waits, run, bodies, pull };
}

test('a small blob goes with the request that closes its session, and a second time nothing is sent', async () => {
  const { proxy, run, bodies, pull } = await start();
  const blob = makeBlob(randomBytes(3000));
  expect(await run().push(blob)).toBe('uploaded');
  expect(proxy.seen.map(({ method }) => method)).toEqual(['HEAD', 'POST', 'PUT']);
  expect(bodies()).toHaveLength(1);
  expect(await run().push(blob)).toBe('exists');
  expect(bodies()).toHaveLength(1);
  expect(await pull(blob.digest)).toHaveLength(3000);
});

test('an empty blob is a blob', async () => {
  const { run, pull } = await start();
  const blob = makeBlob(new Uint8Array());
  expect(await run().push(blob)).toBe('uploaded');
  expect(await pull(blob.digest)).toHaveLength(0);
});

test('a large blob goes in one request that waits until it is wanted, and tells how far it is', async () => {
  const { proxy, run, pull, file } = await start();
  const bytes = randomBytes(3 * MiB);
  const positions: number[] = [];
  await run().push(makeBlob(bytes), { onPosition: (position) => positions.push(position) });
  const [, , patch] = proxy.seen;
  expect(proxy.seen.map(({ method }) => method)).toEqual(['HEAD', 'POST', 'PATCH', 'PUT']);
  expect(patch?.headers).toMatchObject({ expect: '100-continue', 'content-length': String(bytes.length) });
  expect(patch?.headers['content-range']).toBe(undefined);
  expect(positions.at(-1)).toBe(bytes.length);
  expect(Buffer.compare(Buffer.from((await pull(makeBlob(bytes).digest)) as Uint8Array), bytes)).toBe(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ uploads: {} });
});

test('with --chunk no request has more, whatever the pieces are that the content is read in', async () => {
  const { run, bodies, pull } = await start({ chunkBytes: 100_000 });
  const blob = makeBlob(randomBytes(250_001));
  await run().push(blob);
  expect(bodies().map(({ method, bytes, headers }) => [method, bytes, headers['content-range']])).toEqual([
    ['PATCH', 100_000, '0-99999'],
    ['PATCH', 100_000, '100000-199999'],
    ['PATCH', 50_001, '200000-250000'],
  ]);
  expect(blob.opened).toEqual([0]);
  expect(await pull(blob.digest)).toHaveLength(250_001);
});

test('a blob of another repository of the registry is mounted, and uploaded where that is refused', async () => {
  const { run, bodies, pull } = await start();
  const blob = makeBlob(randomBytes(2 * MiB));
  await run('acme/base').push(blob);
  expect(await run().push(blob, { mountFrom: 'acme/base' })).toBe('mounted');
  expect(bodies()).toHaveLength(1);
  expect(await pull(blob.digest)).toHaveLength(2 * MiB);
  const other = makeBlob(randomBytes(2000));
  expect(await run().push(other, { mountFrom: 'acme/base' })).toBe('uploaded');
});

test('when the connection breaks, the upload goes on from where the registry is', async () => {
  const { proxy, run, bodies, pull, waits } = await start();
  const bytes = randomBytes(6 * MiB);
  let cuts = 0;
  proxy.meddle = ({ method }) => (method === 'PATCH' && cuts++ < 2 ? { cutAfterBytes: 2 * MiB } : undefined);
  const blob = makeBlob(bytes);
  await run().push(blob);
  const [first, second, third] = bodies();
  const startOf = (request = first) => Number(/^(\d+)-/.exec(request?.headers['content-range'] ?? '')?.[1]);
  expect(startOf(second)).toBeGreaterThan(MiB);
  expect(startOf(third)).toBeGreaterThan(startOf(second));
  expect(third?.bytes).toBe(bytes.length - startOf(third));
  expect(blob.opened).toEqual([0, startOf(second), startOf(third)]);
  expect(waits).toEqual([250, 250]);
  expect(Buffer.compare(Buffer.from((await pull(blob.digest)) as Uint8Array), bytes)).toBe(0);
});

test('a run after one that was cut off goes on with its session', async () => {
  const { proxy, run, bodies, pull, file } = await start();
  const bytes = randomBytes(4 * MiB);
  const blob = makeBlob(bytes);
  await expect(run().push({ ...blob, open: failing(blob, 2 * MiB) })).rejects.toThrow('the disk is gone');
  const { uploads } = JSON.parse(readFileSync(file, 'utf8'));
  expect(Object.keys(uploads)).toEqual([`http://${proxy.host}/acme/web@${blob.digest}`]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await run().push(blob)).toBe('uploaded');
  expect(bodies().at(-1)?.headers['content-range']).toMatch(/^\d{7}-/);
  expect(bodies().at(-1)?.bytes).toBeLessThan(bytes.length - MiB);
  expect(proxy.seen.filter(({ method }) => method === 'POST')).toHaveLength(1);
  expect(await pull(blob.digest)).toHaveLength(bytes.length);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ uploads: {} });
});

/** Content that cannot be read any more after so many bytes. */
function failing(blob: ContentBlob, bytes: number): ContentBlob['open'] {
  return async function* (offset = 0) {
    let position = offset;
    for await (const piece of blob.open(offset)) {
      if (position >= bytes) throw new Error('the disk is gone');
      position += piece.length;
      yield piece;
    }
  };
}

test('a session that is gone is begun anew, and one that holds other bytes, too', async () => {
  const { proxy, run, file, registry, pull } = await start();
  const blob = makeBlob(randomBytes(2 * MiB));
  const memory = createUploadMemory(file);
  const key = { origin: `http://${proxy.host}`, repository: 'acme/web', digest: blob.digest };
  await memory.remember(key, `http://${proxy.host}/v2/acme/web/blobs/uploads/00000000-0000-0000-0000-000000000000`);
  expect(await run().push(blob)).toBe('uploaded');

  const other = makeBlob(randomBytes(2 * MiB));
  const opened = await fetch(`http://${proxy.host}/v2/acme/web/blobs/uploads/`, { method: 'POST' });
  const location = new URL(opened.headers.get('location') ?? '', `http://${proxy.host}`).href;
  await fetch(location, { method: 'PATCH', body: 'something else' });
  await memory.remember({ ...key, digest: other.digest }, location);
  expect(await run().push(other)).toBe('uploaded');
  expect(await pull(other.digest)).toHaveLength(2 * MiB);
  await registry.ready();
});

test('a session of another address in the file is not gone on with', async () => {
  const { proxy, run, file } = await start();
  const blob = makeBlob(randomBytes(2 * MiB));
  const key = { origin: `http://${proxy.host}`, repository: 'acme/web', digest: blob.digest };
  await createUploadMemory(file).remember(key, 'http://127.0.0.1:1/v2/acme/web/blobs/uploads/x');
  expect(await run().push(blob)).toBe('uploaded');
});

test('when only the answer to the last request is lost, nothing is sent again', async () => {
  const { proxy, run, bodies } = await start();
  const blob = makeBlob(randomBytes(2 * MiB));
  proxy.meddle = ({ method }) => (method === 'PUT' ? { loseAnswer: true } : undefined);
  expect(await run().push(blob)).toBe('uploaded');
  expect(bodies()).toHaveLength(1);
});

test('a 413 makes the chunks smaller by itself, says so, and so for all that follows', async () => {
  const { proxy, run, bodies, told, pull } = await start();
  const limit = MiB;
  const server = '<html><h1>413 Request Entity Too Large</h1></html>';
  proxy.meddle = ({ headers }) =>
    Number(headers['content-length']) > limit
      ? { status: 413, headers: { server: 'nginx', 'content-type': 'text/html' }, body: server }
      : undefined;
  const uploader = run();
  const blob = makeBlob(randomBytes(3 * MiB));
  expect(await uploader.push(blob)).toBe('uploaded');
  expect(told).toEqual([
    `${proxy.host}, or a proxy before it, does not take 3.0 MiB at once (413): going on in chunks, as with --chunk 900KiB.`,
  ]);
  expect(await pull(blob.digest)).toHaveLength(3 * MiB);
  const refused = proxy.seen.filter(({ headers }) => Number(headers['content-length']) > limit).length;
  expect(refused).toBe(1);
  await uploader.push(makeBlob(randomBytes(2 * MiB)));
  expect(proxy.seen.filter(({ headers }) => Number(headers['content-length']) > limit)).toHaveLength(1);
  expect(bodies().every(({ bytes }) => bytes <= limit)).toBe(true);
});

test('a 413 for what is small already says what to do', async () => {
  const { proxy, run } = await start({ chunkBytes: 500_000 });
  proxy.meddle = ({ method }) =>
    method === 'PATCH' ? { status: 413, headers: { server: 'nginx', 'content-type': 'text/html' } } : undefined;
  await expect(run().push(makeBlob(randomBytes(2 * MiB)))).rejects.toThrow(
    /Payload Too Large from nginx.*488\.3 KiB at once is too much.*--chunk.*client_max_body_size 0/,
  );
});

test('a registry that is busy is waited for, and not for ever', async () => {
  const { proxy, run, waits } = await start();
  let busy = 2;
  proxy.meddle = ({ method }) =>
    method === 'PATCH' && busy-- > 0 ? { status: 429, headers: { 'retry-after': '7' } } : undefined;
  await run().push(makeBlob(randomBytes(2 * MiB)));
  expect(waits).toEqual([7000, 7000]);
  proxy.meddle = ({ method }) => (method === 'PATCH' ? { status: 503 } : undefined);
  await expect(run().push(makeBlob(randomBytes(2 * MiB)))).rejects.toThrow(/could not take 2\.0 MiB .*503/);
  expect(waits.slice(2)).toEqual([250, 500, 1000, 2000, 4000, 8000]);
});

test('uploads never go to another host', async () => {
  const { proxy, run } = await start();
  proxy.meddle = ({ method }) =>
    method === 'POST' ? { status: 202, headers: { location: 'http://127.0.0.1:1/v2/a/blobs/uploads/x' } } : undefined;
  await expect(run().push(makeBlob(randomBytes(2000)))).rejects.toThrow(
    /sends uploads to http:\/\/127\.0\.0\.1:1: behind a proxy a registry must know its public address/,
  );
});

test('content that has other bytes than it says is refused by the registry, and nothing is remembered of it', async () => {
  const { run, file } = await start();
  const blob = { ...makeBlob(randomBytes(2 * MiB)), digest: `sha256:${'0'.repeat(64)}` };
  await expect(run().push(blob)).rejects.toThrow(/DIGEST_INVALID, request id/);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ uploads: {} });
});

test('a client of a registry that is not there says so', async () => {
  const client = connect({ host: '127.0.0.1:1', options: {} });
  const memory = createUploadMemory('/nowhere/uploads.json');
  const uploader = createUploader({ client, repository: 'a', memory, tell: () => undefined });
  await expect(uploader.push(makeBlob(randomBytes(10)))).rejects.toThrow(
    'Nothing listens at 127.0.0.1:1: is the registry running, and the port right?',
  );
});
