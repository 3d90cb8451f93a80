import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { serve } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { type Handler, Hono } from 'hono';
import { describe, expect, onTestFinished, test } from 'vitest';
import { toFetchHandler } from '../src/adapters/fetch.ts';
import { serverOptions, tuneServer } from '../src/adapters/node.ts';
import type { RegistryHandler } from '../src/http/handler.ts';
import { filesystem } from '../src/storage/filesystem/filesystem.ts';
import { type Client, gate, handlerOf, head, KIB, MIB, openClient, portOf, text, until } from './node-harness.ts';
import { imageManifest, imageType, openTestRegistry, sha256, type TestRegistry } from './support/registry.ts';

interface HonoServer {
  readonly url: string;
  connect(): Promise<Client>;
}

/** A Hono application with a registry, as the guide has it. */
async function start(registry: RegistryHandler, fetch = toFetchHandler(registry)): Promise<HonoServer> {
  const app = new Hono();
  app.all('/v2/*', (c) => fetch(c.req.raw, { address: getConnInfo(c).remote.address }));
  app.get('/page', (c) => c.text('page'));
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', createServer, serverOptions });
  if (!(server instanceof Server)) throw new Error('Hono made no HTTP/1 server.');
  tuneServer(server, registry);
  if (!server.listening) await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const port = portOf(server);
  return { url: `http://127.0.0.1:${port}`, connect: () => openClient(port) };
}

async function openOnDisk(): Promise<TestRegistry> {
  const directory = await mkdtemp(join(tmpdir(), 'moorage-hono-'));
  const opened = openTestRegistry({ blobs: filesystem({ directory }) });
  onTestFinished(async () => {
    await opened.close();
    await rm(directory, { recursive: true });
  });
  return opened;
}

/** Pieces of 256 KiB whose bytes differ, made as they are asked for. */
async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i += 1) yield Buffer.alloc(256 * KIB, i % 251);
}

/** What Bun and Deno take as a default export, by their documentation. */
interface BunExport {
  fetch(
    request: Request,
    server: { readonly address: { readonly address: string; readonly port: number } },
  ): Promise<Response>;
}
interface DenoExport {
  readonly fetch: (
    request: Request,
    info: { readonly remoteAddr: { readonly hostname: string }; readonly completed: Promise<void> },
  ) => Response | Promise<Response>;
}

test('the handler is one for Hono, and an object with it a default export for Bun and Deno', () => {
  const fetch = toFetchHandler(handlerOf(async () => text(200, '')));
  ((c) => fetch(c.req.raw)) satisfies Handler;
  ({ fetch }) satisfies BunExport & DenoExport;
});

test('the address that the host gives is that of the request; what Bun and Deno give is none', async () => {
  const fetch = toFetchHandler(handlerOf(async ({ address }) => text(200, String(address))));
  const ask = async (client?: object) => (await fetch(new Request('http://a/v2/'), client)).text();
  expect(await ask({ address: '10.1.2.3' })).toBe('10.1.2.3');
  expect(await ask()).toBe('undefined');
  expect(await ask({ address: { address: '10.1.2.3', port: 1 } })).toBe('undefined');
  expect(await ask({ remoteAddr: { hostname: '10.1.2.3' } })).toBe('undefined');
});

describe('Hono on Node', () => {
  test('an image is pushed and pulled, with HEAD, ranges, tags and refusals', async () => {
    const opened = await openOnDisk();
    const { url } = await start(opened.registry, opened.registry.fetch);
    const ask = (method: string, target: string, init: RequestInit = {}) => fetch(url + target, { method, ...init });
    const layer = Buffer.concat(await Array.fromAsync(pieces(5)));
    const digests: string[] = [];
    for (const blob of [Buffer.from('{}'), layer]) {
      const session = await ask('POST', '/v2/acme/web/blobs/uploads/');
      expect(session.status).toBe(202);
      const at = session.headers.get('location');
      const chunk = await ask('PATCH', String(at), {
        body: blob,
        headers: { 'Content-Type': 'application/octet-stream' },
      });
      expect(chunk.headers.get('range')).toBe(`0-${blob.length - 1}`);
      const closed = await ask('PUT', `${chunk.headers.get('location')}?digest=${sha256(blob)}`);
      expect(closed.status).toBe(201);
      digests.push(sha256(blob));
    }
    const manifest = imageManifest({
      config: [String(digests[0]), 2],
      layers: [[String(digests[1]), layer.length]],
    });
    const pushed = await ask('PUT', '/v2/acme/web/manifests/latest', {
      body: manifest,
      headers: { 'Content-Type': imageType },
    });
    expect([pushed.status, pushed.headers.get('docker-content-digest')]).toEqual([201, sha256(manifest)]);

    const known = await ask('HEAD', `/v2/acme/web/blobs/${digests[1]}`);
    expect([known.status, known.headers.get('content-length')]).toEqual([200, String(layer.length)]);
    const part = await ask('GET', `/v2/acme/web/blobs/${digests[1]}`, { headers: { Range: 'bytes=300000-300009' } });
    expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([206, layer.subarray(300_000, 300_010)]);
    const pulled = await ask('GET', '/v2/acme/web/manifests/latest');
    expect([await pulled.text(), pulled.headers.get('content-type')]).toEqual([manifest, imageType]);
    expect(await (await ask('GET', '/v2/acme/web/tags/list')).json()).toMatchObject({ tags: ['latest'] });
    expect((await ask('DELETE', '/v2/acme/web/manifests/latest')).status).toBe(202);
    expect((await ask('GET', '/v2/acme/web/manifests/latest')).status).toBe(404);
    expect((await ask('GET', '/v2/')).status).toBe(200);
    expect(await (await ask('GET', '/page')).text()).toBe('page');
    expect(opened.faults).toEqual([]);
  });

  test('60 MiB go up and down, and memory does not hold them', async () => {
    const opened = await openOnDisk();
    const { url } = await start(opened.registry, opened.registry.fetch);
    const hash = createHash('sha256');
    for await (const piece of pieces(240)) hash.update(piece);
    const digest = `sha256:${hash.digest('hex')}`;
    const session = await fetch(`${url}/v2/a/blobs/uploads/`, { method: 'POST' });
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    let mostBytes = 0;
    const before = process.memoryUsage().arrayBuffers;
    const look = (): void => {
      collectGarbage();
      // What the first collection found is given back beside the program, at the latest by the second.
      collectGarbage();
      mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - before);
    };
    async function* watched(): AsyncGenerator<Uint8Array> {
      let count = 0;
      for await (const piece of pieces(240)) {
        count += 1;
        if (count % 40 === 0) look();
        yield piece;
      }
    }
    const closed = await fetch(`${url}${session.headers.get('location')}?digest=${digest}`, {
      method: 'PUT',
      body: ReadableStream.from(watched()),
      duplex: 'half',
    });
    expect(closed.status).toBe(201);
    const pulled = await fetch(`${url}/v2/a/blobs/${digest}`);
    const pulledHash = createHash('sha256');
    let sinceLookBytes = 0;
    for await (const chunk of pulled.body ?? []) {
      pulledHash.update(chunk);
      sinceLookBytes += chunk.byteLength;
      if (sinceLookBytes > 10 * MIB) {
        sinceLookBytes = 0;
        look();
      }
    }
    expect(`sha256:${pulledHash.digest('hex')}`).toBe(digest);
    expect(mostBytes).toBeLessThan(30 * MIB);
  });

  test('a client that hangs up in the middle of a body: what came is kept, and it goes on from there', async () => {
    const opened = await openOnDisk();
    let arrivedBytes = 0;
    async function* counted(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of body) {
        arrivedBytes += chunk.byteLength;
        yield chunk;
      }
    }
    const { url, connect } = await start({
      owns: opened.registry.owns,
      handle: (request) => opened.registry.handle({ ...request, body: counted(request.body) }),
    });
    const session = String((await fetch(`${url}/v2/a/blobs/uploads/`, { method: 'POST' })).headers.get('location'));
    const client = await connect();
    client.send(head('PATCH', session, { 'Content-Length': MIB }));
    client.send(Buffer.alloc(300 * KIB));
    const sizeOf = async () => (await opened.call('GET', session)).headers['range'];
    await until(() => arrivedBytes === 300 * KIB);
    client.socket.destroy();
    await until(() => opened.reports.some(({ method, status }) => method === 'PATCH' && status === 400));
    expect(await sizeOf()).toBe(`0-${300 * KIB - 1}`);
    const rest = await fetch(`${url}${session}?digest=${sha256(new Uint8Array(MIB))}`, {
      method: 'PUT',
      body: Buffer.alloc(MIB - 300 * KIB),
      headers: { 'Content-Range': `${300 * KIB}-${MIB - 1}` },
    });
    expect(rest.status).toBe(201);
  });

  test('a client that hangs up in the middle of an answer ends the stream of it', async () => {
    const ended = gate();
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        while (true) yield Buffer.alloc(64 * KIB);
      } finally {
        ended.open();
      }
    }
    const { connect } = await start(
      handlerOf(async () => ({
        status: 200,
        headers: { 'Content-Length': String(1024 * MIB) },
        body: { kind: 'stream', stream: endless() },
      })),
    );
    const client = await connect();
    client.send(head('GET', '/v2/'));
    await once(client.socket, 'data');
    client.socket.destroy();
    await ended.opened;
  });

  test('the address is that of the connection; Expect: 100-continue is answered when the body is wanted', async () => {
    const { connect } = await start(
      handlerOf(async ({ address, method, body }) => {
        if (method === 'POST') return text(401, 'no');
        let sizeBytes = 0;
        for await (const chunk of body) sizeBytes += chunk.byteLength;
        return text(200, `${address} ${sizeBytes}`);
      }),
    );
    const client = await connect();
    client.send(head('PUT', '/v2/', { 'Content-Length': 5, Expect: '100-continue' }));
    expect((await client.answer()).head).toBe('HTTP/1.1 100 Continue');
    client.send('hello');
    expect((await client.answer()).body.toString()).toBe('127.0.0.1 5');
    client.send(head('POST', '/v2/', { 'Content-Length': 5, Expect: '100-continue' }));
    expect((await client.answer()).status).toBe(401);
  });
});
