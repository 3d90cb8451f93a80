import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect as openSession } from 'node:http2';
import { text as asText } from 'node:stream/consumers';
import fastify, { type FastifyInstance, type FastifyPluginCallback } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type FastifyOptions, toFastifyPlugin } from '../src/adapters/fastify.ts';
import { type Client, handlerOf, head, MIB, openClient, portOf, serve, text } from './node-harness.ts';

/** Tells all that reached it. */
const telling = handlerOf(async ({ method, target, headers, body }) => {
  let sizeBytes = 0;
  for await (const chunk of body) sizeBytes += chunk.byteLength;
  return text(200, `${method} ${target} ${headers['content-type']} ${sizeBytes}`, { 'X-Own': 'yes' });
});

interface Started {
  readonly app: FastifyInstance;
  client(): Promise<Client>;
}

async function start(
  prepare: (app: FastifyInstance) => void = () => undefined,
  options: FastifyOptions = {},
): Promise<Started> {
  const app = fastify();
  prepare(app);
  await app.register(toFastifyPlugin(telling, options));
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  return { app, client: () => openClient(portOf(app.server)) };
}

describe('toFastifyPlugin', () => {
  test('is a plugin of Fastify', () => {
    toFastifyPlugin(telling) satisfies FastifyPluginCallback;
  });

  const long = 'n'.repeat(255);
  const requests = [
    head('GET', '/v2'),
    head('GET', '/v2/'),
    head('HEAD', '/v2/a/manifests/b'),
    head('GET', `/v2/${long}/tags/list?n=%zz`),
    head('GET', '/v2/%zz/%'),
    head('GET', 'http://hub.test/v2/%ff?a=%ff'),
    head('PROPFIND', '/v2/a'),
    head('OPTIONS', '/v2/a'),
    head('MKCOL', '/v2/%zz'),
    `${head('QUERY', '/v2/a', { 'Content-Length': 2 })}{}`,
    `${head('PUT', '/v2/a', { 'Content-Length': 5 })}hello`,
    `${head('PUT', '/v2/a', { 'Content-Length': 5, 'Content-Type': 'no type at all' })}hello`,
    `${head('PATCH', '/v2/a', { 'Content-Length': 5, 'Content-Type': 'application/octet-stream' })}hello`,
    `${head('PUT', '/v2/a', { 'Content-Length': 4, 'Content-Type': 'application/json' })}{"a:`,
    `${head('POST', '/v2/a', { 'Transfer-Encoding': 'chunked' })}3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n`,
    `${head('DELETE', '/v2/a', { 'Content-Length': 0 })}`,
    `${head('GET', '/v2/a', { 'Content-Length': 3 })}abc`,
  ];
  test.each(requests)('answers as the node handler does: %j', async (request) => {
    const own = await (await serve(telling)).connect();
    const other = await (await start()).client();
    const bodiless = request.startsWith('HEAD');
    const answers = [];
    for (const client of [own, other]) {
      client.send(request);
      const { status, body, head: received } = await client.answer({ bodiless });
      client.send(head('GET', '/v2/next'));
      const next = await client.answer();
      answers.push([status, body.toString(), received.replace(/^Date: .*$/m, ''), next.body.toString()]);
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]?.[0]).toBe(200);
  });

  test('leaves other routes, their parsers, errors and 404 alone, and their wildcard does not take its paths', async () => {
    const { client } = await start((app) => {
      app.get('/*', async () => 'page');
      app.post('/json', async ({ body }) => body);
      app.setNotFoundHandler((_, reply) => reply.code(404).send('no page'));
    });
    const { send, answer } = await client();
    send(`${head('POST', '/json', { 'Content-Type': 'application/json', 'Content-Length': 7 })}{"a":1}`);
    expect((await answer()).body.toString()).toBe('{"a":1}');
    send(`${head('POST', '/json', { 'Content-Type': 'application/x-own', 'Content-Length': 1 })}x`);
    expect((await answer()).status).toBe(415);
    send(head('PUT', '/v3/a'));
    expect((await answer()).body.toString()).toBe('no page');
    send(head('GET', '/%zz'));
    expect((await answer()).body.toString()).toContain('FST_ERR_BAD_URL');
    send(head('GET', '/v2/a'));
    expect((await answer()).body.toString()).toBe('GET /v2/a undefined 0');
  });

  test('hooks of the application come first, may answer themselves, and hear of the end', async () => {
    const heard: string[] = [];
    const { client } = await start((app) => {
      app.addHook('onRequest', async (request, reply) => {
        heard.push(`onRequest ${request.originalUrl}`);
        if (request.headers['x-blocked'] !== undefined) await reply.code(503).send('closed for today');
      });
      app.addHook('onResponse', async (_, reply) => {
        heard.push(`onResponse ${reply.raw.statusCode}`);
      });
    });
    const { send, answer } = await client();
    send(head('GET', '/v2/%zz'));
    expect((await answer()).status).toBe(200);
    send(head('GET', '/v2/', { 'X-Blocked': 1 }));
    expect((await answer()).body.toString()).toBe('closed for today');
    send(head('GET', '/v2/'));
    await answer();
    expect(heard.slice(0, 4)).toEqual(['onRequest /v2/%zz', 'onResponse 200', 'onRequest /v2/', 'onResponse 503']);
  });

  test("a body far beyond Fastify's own limit comes through, and Expect: 100-continue is answered when it is wanted", async () => {
    const { client } = await start();
    const { send, answer } = await client();
    send(head('PUT', '/v2/a', { 'Content-Length': 8 * MIB, Expect: '100-continue' }));
    expect((await answer()).head).toBe('HTTP/1.1 100 Continue');
    send(Buffer.alloc(8 * MIB));
    expect((await answer()).body.toString()).toBe(`PUT /v2/a undefined ${8 * MIB}`);
  });

  test('tunes the server, unless told not to', async () => {
    const { app } = await start(undefined, { tune: { idleTimeoutMs: 1234 } });
    expect(app.server).toMatchObject({ timeout: 1234, keepAliveTimeout: 120_000 });
    const { app: untouched } = await start(undefined, { tune: false });
    expect(untouched.server).toMatchObject({ timeout: 0, keepAliveTimeout: 72_000 });
  });

  test('tunes a server that it was not shown, as Fastify makes for further addresses of localhost', async () => {
    const { app } = await start();
    const further = createServer((request, response) => app.routing(request, response)).listen(0, '127.0.0.1');
    await once(further, 'listening');
    onTestFinished(() => void further.close().closeAllConnections());
    const { send, answer } = await openClient(portOf(further));
    send(head('GET', '/v2/'));
    await answer();
    send(head('GET', '/v2/'));
    expect((await answer()).head).toContain('Keep-Alive: timeout=120');
    send(head('PUT', '/v2/', { 'Content-Length': 5, Expect: '100-continue' }));
    expect((await answer()).head).toBe('HTTP/1.1 100 Continue');
    send('hello');
    expect((await answer()).body.toString()).toBe('PUT /v2/ undefined 5');
  });

  test('over HTTP/2 a request fails, and says so', async () => {
    const app = fastify({ http2: true });
    await app.register(toFastifyPlugin(telling));
    await app.listen({ port: 0, host: '127.0.0.1' });
    const session = openSession(
      `http://127.0.0.1:${app.addresses().map((at) => (typeof at === 'string' ? at : at.port))[0]}`,
    );
    onTestFinished(async () => {
      session.destroy();
      await app.close();
    });
    const answer = session.request({ ':path': '/v2/' });
    expect(await asText(answer)).toContain('The registry speaks HTTP/1');
  });

  test('a path or a prefix that does not fit refuses the registration', async () => {
    const hub = { ...telling, owns: (path: string) => path.startsWith('/hub/v2') };
    await expect(fastify().register(toFastifyPlugin(hub))).rejects.toThrow('does not lie at /v2');
    await expect(fastify().register(toFastifyPlugin(hub, { path: '/hub/v2' }), { prefix: '/other' })).rejects.toThrow(
      'not under /other',
    );
    const app = fastify();
    await app.register(toFastifyPlugin(hub, { path: '/hub/v2' }), { prefix: '/hub' });
    await app.listen({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => app.close());
    const { send, answer } = await openClient(portOf(app.server));
    send(head('GET', '/hub/v2/%zz', { Connection: 'close' }));
    expect((await answer()).body.toString()).toBe('GET /hub/v2/%zz undefined 0');
  });
});
