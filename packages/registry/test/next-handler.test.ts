import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { keepRegistry, type NextOptions, toNextHandler } from '../src/adapters/next.ts';
import { isTuned, tuneServer } from '../src/adapters/tune-server.ts';
import type { RegistryHandler } from '../src/http/handler.ts';
import { type Client, errorOf, handlerOf, head, MIB, openClient, portOf, text } from './node-harness.ts';

/** What Next.js checks the default export of an API route against. */
type NextApiHandler = (
  request: IncomingMessage & { query: Partial<Record<string, string | string[]>>; body: unknown },
  response: ServerResponse & { json(body: unknown): void },
) => unknown;

/** Tells all that reached it. */
const telling = handlerOf(async ({ method, target, body }) => {
  let sizeBytes = 0;
  for await (const chunk of body) sizeBytes += chunk.byteLength;
  return text(200, `${method} ${target} ${sizeBytes}`);
});

/** Serves an API route as Next does: `before` stands for what it does to a request first. */
async function start(
  registry: RegistryHandler | (() => RegistryHandler),
  {
    before = async () => undefined,
    ...options
  }: NextOptions & { before?: (request: IncomingMessage) => Promise<unknown> } = {},
): Promise<{ readonly client: () => Promise<Client>; readonly isTuned: () => boolean }> {
  const handler = toNextHandler(registry, options);
  handler satisfies NextApiHandler;
  const sockets: IncomingMessage['socket'][] = [];
  const listener: RequestListener = async (request, response) => {
    await before(request);
    await handler(request, response).catch((error: Error) => response.writeHead(500).end(error.message));
  };
  const server = createServer(listener).on('connection', (socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { client: () => openClient(portOf(server)), isTuned: () => sockets.some(isTuned) };
}

async function ask({ client }: Awaited<ReturnType<typeof start>>, ...parts: readonly (string | Uint8Array)[]) {
  const connection = await client();
  for (const part of parts) connection.send(part);
  return connection.answer();
}

describe('toNextHandler', () => {
  test('answers by its registry, and tunes the server at the first request', async () => {
    const route = await start(telling);
    const answer = await ask(route, head('PATCH', '/v2/a/blobs/uploads/x?n=1', { 'Content-Length': 5 }), 'hello');
    expect(answer.body.toString()).toBe('PATCH /v2/a/blobs/uploads/x?n=1 5');
    expect(route.isTuned()).toBe(true);
  });

  test('leaves the server as it is when it is told to', async () => {
    const route = await start(telling, { tune: false });
    await ask(route, head('GET', '/v2/'));
    expect(route.isTuned()).toBe(false);
  });

  test('resolves when the answer is over', async () => {
    const handler = toNextHandler(telling);
    const ended: boolean[] = [];
    const server = createServer(async (request, response) => {
      await handler(request, response);
      ended.push(response.writableFinished);
      server.close();
    });
    tuneServer(server).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = await openClient(portOf(server));
    client.send(head('GET', '/v2/', { Connection: 'close' }));
    await once(server, 'close');
    expect(ended).toEqual([true]);
  });

  test('a function makes one registry at the first request, and hot reloads and pages have the same', async () => {
    let made = 0;
    const make = () => {
      made += 1;
      const number = made;
      return handlerOf(async () => text(200, `registry ${number}`));
    };
    const key = 'hot reloads of the test';
    const [first, reloaded, other] = [
      await start(make, { key }),
      await start(make, { key }),
      await start(make, { key: 'other' }),
    ];
    expect(made).toBe(0);
    for (const [route, body] of [
      [first, 'registry 1'],
      [reloaded, 'registry 1'],
      [other, 'registry 2'],
    ] as const) {
      expect((await ask(route, head('GET', '/v2/'))).body.toString()).toBe(body);
    }
    expect(keepRegistry(make, key)).toBe(keepRegistry(make, key));
    expect(made).toBe(2);
  });

  test('a function that fails is called again at the next request', async () => {
    let calls = 0;
    const route = await start(
      () => {
        calls += 1;
        if (calls === 1) throw new Error('no settings');
        return telling;
      },
      { key: 'failing of the test' },
    );
    expect((await ask(route, head('GET', '/v2/'))).body.toString()).toBe('');
    expect((await ask(route, head('GET', '/v2/'))).status).toBe(200);
  });
});

/** Does to a request what Next does for a proxy file: all of its body is read, and as much as the limit allows given out again. */
function cutAt(limitBytes: number): (request: IncomingMessage) => Promise<void> {
  return async (request) => {
    const kept = Buffer.concat(await Array.fromAsync(request)).subarray(0, limitBytes);
    const copy = new Readable({ read: () => undefined });
    copy.push(kept);
    copy.push(null);
    for (const name in copy) {
      const value = Reflect.get(copy, name);
      Reflect.set(request, name, typeof value === 'function' ? value.bind(request) : value);
    }
  };
}

describe('a body that Next.js keeps for a proxy file', () => {
  const bytes = new Uint8Array(3 * MIB);
  const chunked = (body: Uint8Array) => [`${body.byteLength.toString(16)}\r\n`, body, '\r\n0\r\n\r\n'] as const;

  test('is answered with 413, the numbers and the remedy when it is shorter than announced', async () => {
    let asked = false;
    const registry = handlerOf(async () => {
      asked = true;
      return text(201, '');
    });
    const route = await start(registry, { before: cutAt(2 * MIB) });
    const client = await route.client();
    client.send(head('PUT', '/v2/a/blobs/uploads/x', { 'Content-Length': bytes.byteLength }));
    client.send(bytes);
    const answer = await client.answer();
    expect([answer.status, errorOf(answer.body).code]).toEqual([413, 'UNSUPPORTED']);
    const { message } = errorOf(answer.body);
    expect(message).toContain(`Only ${2 * MIB} bytes of this body came through Next.js, and there were ${3 * MIB}`);
    expect(message).toContain('experimental.proxyClientMaxBodySize');
    expect(message).toContain('matcher');
    expect(asked).toBe(false);
    client.send(head('GET', '/v2/'));
    expect((await client.answer()).status).toBe(201);
  });

  test('is refused when it is long and announced nothing, since nobody can tell whether it is whole', async () => {
    const route = await start(telling, { before: cutAt(2 * MIB) });
    const answer = await ask(route, head('PATCH', '/v2/a', { 'Transfer-Encoding': 'chunked' }), ...chunked(bytes));
    expect(answer.status).toBe(413);
    expect(errorOf(answer.body).message).toContain('their client did not say how many there are');
  });

  test('is taken when it is as long as announced, or short', async () => {
    const route = await start(telling, { before: cutAt(4 * MIB) });
    const whole = await ask(route, head('PUT', '/v2/a', { 'Content-Length': bytes.byteLength }), bytes);
    expect(whole.body.toString()).toBe(`PUT /v2/a ${bytes.byteLength}`);
    const short = bytes.subarray(0, 1000);
    const answer = await ask(route, head('PUT', '/v2/a', { 'Transfer-Encoding': 'chunked' }), ...chunked(short));
    expect(answer.body.toString()).toBe('PUT /v2/a 1000');
  });
});

describe('a body that Next.js does not keep', () => {
  test('is taken, however long it is and with or without a length', async () => {
    const bytes = new Uint8Array(3 * MIB);
    const route = await start(telling);
    const whole = await ask(route, head('PUT', '/v2/a', { 'Content-Length': bytes.byteLength }), bytes);
    expect(whole.body.toString()).toBe(`PUT /v2/a ${bytes.byteLength}`);
    const client = await route.client();
    client.send(head('PATCH', '/v2/a', { 'Transfer-Encoding': 'chunked' }));
    client.send(`${bytes.byteLength.toString(16)}\r\n`);
    client.send(bytes);
    client.send('\r\n0\r\n\r\n');
    expect((await client.answer()).body.toString()).toBe(`PATCH /v2/a ${bytes.byteLength}`);
  });

  test('but parses is warned of, once', async () => {
    const warnings: (string | undefined)[] = [];
    const onWarning = (warning: Error & { code?: string }) => warnings.push(warning.code);
    process.on('warning', onWarning);
    onTestFinished(() => {
      process.off('warning', onWarning);
    });
    const route = await start(telling, {
      before: async (request) => Object.assign(request, { body: Buffer.concat(await Array.fromAsync(request)) }),
    });
    for (let i = 0; i < 2; i += 1) {
      const answer = await ask(route, head('PUT', '/v2/a', { 'Content-Length': 5 }), 'hello');
      expect(answer.body.toString()).toBe('PUT /v2/a 5');
    }
    expect(warnings.filter((code) => code === 'MOORAGE_NEXT_BODY_PARSER')).toHaveLength(1);
  });
});
