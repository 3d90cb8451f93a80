import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import compression from 'compression';
import express5, { type Express, type RequestHandler } from 'express';
import session from 'express-session';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type NodeHandlerOptions, toNodeHandler, tuneServer } from '../src/adapters/node.ts';
import type { RegistryHandler } from '../src/http/handler.ts';
import { type Client, gate, handlerOf, head, KIB, MIB, openClient, portOf, text, until } from './node-harness.ts';

const require = createRequire(import.meta.url);
/** Express 4 brings no types; what is used of it here is the same. */
const express4: typeof express5 = require('express4');
const versions = [
  ['Express 4', express4],
  ['Express 5', express5],
] as const;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'moorage-express-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** Tells what reached it. */
const telling = handlerOf(async ({ method, target, body }) => {
  try {
    const bytes = Buffer.concat(await Array.fromAsync(body));
    return text(200, `${method} ${target} ${bytes}`);
  } catch (error) {
    return text(500, String(error));
  }
});

async function listen(listener: RequestListener, registry: RegistryHandler): Promise<Client> {
  const server = tuneServer(createServer(listener), registry);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return openClient(portOf(server));
}

const withBody = (target: string, type: string, body: string): string =>
  `${head('PUT', target, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })}${body}`;

async function ask(client: Client, request: string): Promise<string> {
  client.send(request);
  return (await client.answer()).body.toString();
}

test('the handler is a handler of Express', () => {
  toNodeHandler(telling) satisfies RequestHandler;
});

describe.each(versions)('%s', (_, express) => {
  describe('mounts', () => {
    test('at the root, other paths go on; behind it, the error handler hears nothing of the registry', async () => {
      const failures: unknown[] = [];
      const broken = handlerOf(async () => ({
        status: 200,
        headers: {},
        body: { kind: 'file', file: { path: join(directory, 'missing'), offsetBytes: 0, lengthBytes: 1 } },
      }));
      const app = express();
      app.use('/', toNodeHandler(broken, { onError: (error) => failures.push(error) }));
      app.get('/page', (_request, response) => void response.send('page'));
      app.get('/fault', () => {
        throw new Error('fault of the application');
      });
      const handled: unknown[] = [];
      // biome-ignore lint/complexity/useMaxParams: by its four parameters Express knows a handler of errors
      const handleError: express5.ErrorRequestHandler = (error, _request, response, _next) => {
        handled.push(error.message);
        response.status(500).send('handled');
      };
      app.use(handleError);
      const client = await listen(app, broken);
      expect(await ask(client, head('GET', '/page'))).toBe('page');
      expect(await ask(client, head('GET', '/v2/'))).toContain('UNKNOWN');
      expect(await ask(client, head('GET', '/fault'))).toBe('handled');
      expect(handled).toEqual(['fault of the application']);
      expect(failures).toMatchObject([{ code: 'ENOENT' }]);
    });

    test('under a path, by app.use and by a Router, the whole path is asked for', async () => {
      const hub = { ...telling, owns: (path: string) => path.startsWith('/sub/v2') };
      const routed = { ...telling, owns: (path: string) => path.startsWith('/routed/deep/v2') };
      const app = express();
      app.use('/sub', toNodeHandler(hub));
      const router = express.Router();
      router.use('/deep', toNodeHandler(routed));
      app.use('/routed', router);
      app.use((_request, response) => void response.status(404).send('application'));
      const client = await listen(app, hub);
      expect(await ask(client, head('GET', '/sub/v2/a?n=1'))).toBe('GET /sub/v2/a?n=1 ');
      expect(await ask(client, head('GET', '/routed/deep/v2/%zz'))).toBe('GET /routed/deep/v2/%zz ');
      expect(await ask(client, head('GET', '/sub/v3'))).toBe('application');
      expect(await ask(client, head('GET', '/v2/'))).toBe('application');
    });
  });

  describe('body parsers in front', () => {
    test.each([
      ['simple', false],
      ['extended', true],
    ])('a form (%s) reaches the registry all the same', async (_name, extended) => {
      const app = express().use(express.json(), express.urlencoded({ extended }), toNodeHandler(telling));
      const client = await listen(app, telling);
      const form = 'grant_type=password&password=%C3%A4%2B%26+x&scope=a%3Ab%3Apull&scope=c%3Ad%3Apull';
      expect(await ask(client, withBody('/v2/token', 'application/x-www-form-urlencoded', form))).toBe(
        `PUT /v2/token ${form}`,
      );
      const typed = 'application/x-www-form-urlencoded; charset=utf-8';
      expect(await ask(client, withBody('/v2/token', typed, 'scope='))).toBe('PUT /v2/token scope=');
    });

    test('raw bytes are those that came', async () => {
      const app = express().use(express.raw({ type: () => true }), toNodeHandler(telling));
      const client = await listen(app, telling);
      expect(await ask(client, withBody('/v2/a', 'application/octet-stream', 'h\u00e4 \0 llo'))).toBe(
        'PUT /v2/a h\u00e4 \0 llo',
      );
      expect(await ask(client, head('GET', '/v2/a'))).toBe('GET /v2/a ');
    });

    test('JSON, nested forms and text are lost, and the error says what to do; types that no parser knows are not touched', async () => {
      const parsers = [express.json(), express.urlencoded({ extended: true }), express.text()];
      const app = express().use(...parsers, toNodeHandler(telling));
      const client = await listen(app, telling);
      for (const [type, body] of [
        ['application/json', '{"a": 1}'],
        ['application/x-www-form-urlencoded', 'a[b]=c'],
        ['text/plain', 'a=b'],
      ] as const) {
        expect(await ask(client, withBody('/v2/a', type, body))).toContain('mount the registry before');
      }
      const manifest = 'application/vnd.oci.image.manifest.v1+json';
      expect(await ask(client, withBody('/v2/a', manifest, '{"a": 1}'))).toBe('PUT /v2/a {"a": 1}');
      expect(await ask(client, withBody('/v2/a', 'application/octet-stream', 'xyz'))).toBe('PUT /v2/a xyz');
    });

    test('a client that waits for 100 Continue is told so by a parser that reads, too', async () => {
      const app = express().use(express.raw({ type: () => true }), toNodeHandler(telling));
      const client = await listen(app, telling);
      client.send(head('PUT', '/v2/a', { 'Content-Length': 5, 'Content-Type': 'a/b', Expect: '100-continue' }));
      expect((await client.answer()).head).toBe('HTTP/1.1 100 Continue');
      expect(await ask(client, 'hello')).toBe('PUT /v2/a hello');
    });
  });

  describe('compression and sessions in front', () => {
    const sizeBytes = 5 * MIB + 321;
    const bytes = Buffer.from(Uint8Array.from({ length: sizeBytes }, (_value, i) => (i * 31 + (i >> 8)) % 251));

    /** An application that would compress and keep a session for everything. */
    function dress(app: Express, registry: RegistryHandler, options: NodeHandlerOptions = {}): Express {
      app.use(compression({ filter: () => true, threshold: 0 }));
      app.use(session({ secret: 'of the test', resave: true, saveUninitialized: true }));
      return app.use(express.json(), express.urlencoded({ extended: false }), toNodeHandler(registry, options));
    }

    /** Content as the registry sends it. */
    function content(path: string): RegistryHandler {
      return handlerOf(async ({ target }) => {
        const [, from, to] = /(\d+)-(\d+)$/.exec(target) ?? [];
        const [offsetBytes, lengthBytes] = [Number(from ?? 0), Number(to ?? sizeBytes) - Number(from ?? 0)];
        const headers = { 'Content-Length': String(lengthBytes), 'Cache-Control': 'no-transform', ETag: '"x"' };
        if (target === '/v2/304') return { status: 304, headers: { ETag: '"x"' }, body: { kind: 'empty' } };
        if (target === '/v2/stream') return { status: 200, headers, body: { kind: 'stream', stream: pieces() } };
        if (target === '/v2/bytes') return { status: 200, headers, body: { kind: 'bytes', bytes } };
        return { status: 200, headers, body: { kind: 'file', file: { path, offsetBytes, lengthBytes } } };
      });
    }

    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < sizeBytes; at += 77_777) yield bytes.subarray(at, at + 77_777);
    }

    async function openContent(): Promise<{ readonly client: Client; readonly errors: readonly unknown[] }> {
      const path = join(directory, 'content');
      await writeFile(path, bytes);
      const errors: unknown[] = [];
      const registry = content(path);
      const app = dress(express(), registry, { onError: (error) => errors.push(error) });
      return { client: await listen(app, registry), errors };
    }

    test('content keeps its bytes, its length, its ranges and its HEAD', async () => {
      const { client, errors } = await openContent();
      const asked = (method: string, target: string) => head(method, target, { 'Accept-Encoding': 'gzip, br' });
      for (const target of ['/v2/file', '/v2/stream', '/v2/bytes']) {
        client.send(asked('GET', target));
        const whole = await client.answer();
        expect(whole.body.equals(bytes)).toBe(true);
        expect(whole.head).toContain(`Content-Length: ${sizeBytes}`);
        expect(whole.head).not.toMatch(/content-encoding/i);
        client.send(asked('HEAD', target));
        expect((await client.answer({ bodiless: true })).head).toContain(`Content-Length: ${sizeBytes}`);
      }
      for (const [from, to] of [
        [0, 0],
        [1, 2],
        [5, 5 + 64 * KIB],
        [MIB - 1, 4 * MIB],
      ] as const) {
        client.send(asked('GET', `/v2/${from}-${to}`));
        expect((await client.answer()).body.equals(bytes.subarray(from, to))).toBe(true);
      }
      client.send(asked('GET', '/v2/304'));
      expect((await client.answer({ bodiless: true })).status).toBe(304);
      client.send(asked('GET', '/v2/7-8'));
      expect((await client.answer()).body.equals(bytes.subarray(7, 8))).toBe(true);
      expect(errors).toEqual([]);
    });

    test('documents may be compressed, and say so', async () => {
      const list = JSON.stringify({ tags: Array.from({ length: 5000 }, (_value, i) => `tag-${i}`) });
      const registry = handlerOf(async () => text(200, list, { 'Content-Type': 'application/json' }));
      const server = createServer(dress(express(), registry)).listen(0, '127.0.0.1');
      await once(tuneServer(server, registry), 'listening');
      onTestFinished(() => void server.close().closeAllConnections());
      const answer = await fetch(`http://127.0.0.1:${portOf(server)}/v2/`);
      expect(answer.headers.get('content-encoding')).not.toBeNull();
      expect(await answer.text()).toBe(list);
    });

    test('a stream waits for a client that does not read, and ends when it goes away', async () => {
      const ended = gate();
      let chunks = 0;
      async function* endless(): AsyncGenerator<Uint8Array> {
        try {
          while (true) {
            chunks += 1;
            yield Buffer.alloc(64 * KIB);
          }
        } finally {
          ended.open();
        }
      }
      const headers = { 'Content-Length': String(1024 * MIB), 'Cache-Control': 'no-transform' };
      const registry = handlerOf(async () => ({ status: 200, headers, body: { kind: 'stream', stream: endless() } }));
      const client = await listen(dress(express(), registry), registry);
      client.socket.pause();
      client.send(head('GET', '/v2/'));
      let seen = -1;
      // Stands still for a thousand turns: the client's connection is full, and nothing more is asked for.
      for (let still = 0; still < 1000; still = chunks === seen ? still + 1 : 0) {
        seen = chunks;
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(chunks).toBeGreaterThan(0);
      expect(chunks * 64 * KIB).toBeLessThan(64 * MIB);
      client.socket.destroy();
      await ended.opened;
    });

    test('a client that hangs up in the middle of a body is heard of, and one that is refused reads why', async () => {
      let seen: unknown;
      const arrived = gate();
      const registry = handlerOf(async ({ method, body }) => {
        if (method === 'POST') return text(403, 'no');
        try {
          for await (const _chunk of body) arrived.open();
        } catch (error) {
          seen = error;
        }
        return text(201, '');
      });
      const client = await listen(dress(express(), registry), registry);
      client.send(head('POST', '/v2/', { 'Content-Length': 100, 'Content-Type': 'application/octet-stream' }));
      client.send(Buffer.alloc(100));
      expect((await client.answer()).body.toString()).toBe('no');
      client.send(head('PUT', '/v2/', { 'Content-Length': MIB, 'Content-Type': 'application/octet-stream' }));
      client.send(Buffer.alloc(KIB));
      await arrived.opened;
      client.socket.destroy();
      await until(() => seen !== undefined);
      expect(seen).toMatchObject({ name: 'DisconnectedError' });
    });
  });
});
