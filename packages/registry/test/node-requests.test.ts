import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { toNodeHandler } from '../src/adapters/node.ts';
import { DisconnectedError } from '../src/http/message.ts';
import { errorOf, gate, handlerOf, head, KIB, MIB, portOf, serve, text, until } from './node-harness.ts';

async function sizeOf(body: AsyncIterable<Uint8Array>): Promise<number> {
  let sizeBytes = 0;
  for await (const chunk of body) sizeBytes += chunk.byteLength;
  return sizeBytes;
}

const counting = handlerOf(async ({ method, target, body }) => text(200, `${method} ${target} ${await sizeOf(body)}`));

describe('requests', () => {
  test('pipelined requests are answered in their order, whatever finishes first', async () => {
    const first = gate();
    const { connect } = await serve(
      handlerOf(async ({ target }) => {
        if (target === '/v2/1') await first.opened;
        else first.open();
        return text(200, target);
      }),
    );
    const client = await connect();
    client.send(head('GET', '/v2/1') + head('GET', '/v2/2') + head('GET', '/v2/3'));
    expect((await client.answer()).body.toString()).toBe('/v2/1');
    expect((await client.answer()).body.toString()).toBe('/v2/2');
    expect((await client.answer()).body.toString()).toBe('/v2/3');
  });

  test('bodies by length, by chunks and empty keep a connection in step', async () => {
    const { connect } = await serve(counting);
    const client = await connect();
    client.send(`${head('PUT', '/v2/a?x=%2F', { 'Content-Length': 5 })}hello`);
    expect((await client.answer()).body.toString()).toBe('PUT /v2/a?x=%2F 5');
    client.send(`${head('PATCH', '/v2/b', { 'Transfer-Encoding': 'chunked' })}3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n`);
    expect((await client.answer()).body.toString()).toBe('PATCH /v2/b 7');
    client.send(head('POST', '/v2/c', { 'Content-Length': 0 }) + head('GET', 'http://hub.test/v2/d?n=1'));
    expect((await client.answer()).body.toString()).toBe('POST /v2/c 0');
    expect((await client.answer()).body.toString()).toBe('GET /v2/d?n=1 0');
  });

  test('headers that came twice are joined', async () => {
    const { connect } = await serve(
      handlerOf(async ({ headers }) => text(200, JSON.stringify([headers['accept'], headers['set-cookie']]))),
    );
    const client = await connect();
    client.send('GET /v2/ HTTP/1.1\r\nHost: a\r\nAccept: a/b\r\naccept: c/d\r\nSet-Cookie: x\r\nSet-Cookie: y\r\n\r\n');
    expect(JSON.parse((await client.answer()).body.toString())).toEqual(['a/b, c/d', 'x, y']);
  });

  test('tiny chunks of a body are handed on together', async () => {
    const { connect } = await serve(
      handlerOf(async ({ body }) => {
        let pieces = 0;
        for await (const piece of body) pieces += Math.sign(piece.byteLength);
        return text(200, String(pieces));
      }),
    );
    const client = await connect();
    client.send(`${head('PUT', '/v2/', { 'Transfer-Encoding': 'chunked' })}${'1\r\nx\r\n'.repeat(20_000)}0\r\n\r\n`);
    const pieces = Number((await client.answer()).body.toString());
    expect(pieces).toBeGreaterThan(0);
    expect(pieces).toBeLessThan(1000);
  });

  test('a slow consumer of a body holds its client back', async () => {
    const sizeBytes = 16 * MIB;
    let mostAheadBytes = 0;
    const { connect, sockets } = await serve(
      handlerOf(async ({ body }) => {
        let usedBytes = 0;
        for await (const chunk of body) {
          usedBytes += chunk.byteLength;
          await new Promise((resolve) => setImmediate(resolve));
          mostAheadBytes = Math.max(mostAheadBytes, (sockets[0]?.bytesRead ?? 0) - usedBytes);
        }
        return text(201, String(usedBytes));
      }),
    );
    const client = await connect();
    client.send(head('PUT', '/v2/', { 'Content-Length': sizeBytes }));
    client.send(Buffer.alloc(sizeBytes));
    expect((await client.answer()).body.toString()).toBe(String(sizeBytes));
    expect(mostAheadBytes).toBeGreaterThan(0);
    expect(mostAheadBytes).toBeLessThan(512 * KIB);
  });

  test('a client that goes away in the middle of a body: what arrived is given out, then a DisconnectedError, and the signal aborts', async () => {
    const outcome = Promise.withResolvers<{ sizeBytes: number; error: unknown; aborted: boolean }>();
    const arrived = gate();
    const { connect, errors } = await serve(
      handlerOf(async ({ body, signal }) => {
        let sizeBytes = 0;
        const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
        try {
          for await (const chunk of body) {
            sizeBytes += chunk.byteLength;
            if (sizeBytes === 300 * KIB) arrived.open();
          }
        } catch (error) {
          await aborted;
          outcome.resolve({ sizeBytes, error, aborted: signal.aborted });
        }
        return text(201, '');
      }),
    );
    const client = await connect();
    client.send(head('PUT', '/v2/', { 'Content-Length': MIB }));
    client.send(Buffer.alloc(300 * KIB));
    await arrived.opened;
    client.socket.destroy();
    const { sizeBytes, error, aborted } = await outcome.promise;
    expect(error).toBeInstanceOf(DisconnectedError);
    expect(sizeBytes).toBe(300 * KIB);
    expect(aborted).toBe(true);
    expect(errors).toEqual([]);
  });

  test('a client that says goodbye (FIN) in the middle of a body is a disconnected one too', async () => {
    const outcome = Promise.withResolvers<unknown>();
    const { connect } = await serve(
      handlerOf(async ({ body }) => {
        await sizeOf(body).catch(outcome.resolve);
        return text(201, '');
      }),
    );
    const client = await connect();
    client.socket.end(`${head('PUT', '/v2/', { 'Content-Length': 100 })}short`);
    expect(await outcome.promise).toBeInstanceOf(DisconnectedError);
    expect(await client.closed).toBe(0);
  });

  test('a client that goes away aborts the signal of every request that it had pipelined', async () => {
    const signals: AbortSignal[] = [];
    const { connect } = await serve(
      handlerOf(async ({ signal }) => {
        signals.push(signal);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return text(200, 'nobody reads this');
      }),
    );
    const client = await connect();
    client.send(head('GET', '/v2/1') + head('GET', '/v2/2'));
    await until(() => signals.length === 2);
    client.socket.destroy();
    await until(() => signals.every((signal) => signal.aborted));
    expect(signals[1]?.reason).toBeInstanceOf(DisconnectedError);
  });

  test('two lengths, garbage and a TLS hello get 400 and an error document', async () => {
    const { connect } = await serve(counting);
    const requests = [
      'PUT /v2/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
      'PUT /v2/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
      'what is this\r\n\r\n',
      Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x00]),
    ];
    for (const request of requests) {
      const client = await connect();
      client.send(request);
      const answer = await client.answer();
      expect(answer.status).toBe(400);
      expect(errorOf(answer.body).code).toBe('UNSUPPORTED');
      client.socket.end();
      await client.closed;
    }
  });

  test('headers of 60 KiB are taken; beyond, a client that still sends reads 431 and an error document', async () => {
    const { connect, sockets } = await serve(counting);
    const long = await connect();
    long.send(head('GET', '/v2/', { Authorization: 'a'.repeat(60 * KIB) }));
    expect((await long.answer()).status).toBe(200);
    const larger = await connect();
    larger.send(head('GET', '/v2/', { Authorization: 'a'.repeat(600 * KIB) }));
    const answer = await larger.answer();
    expect(answer.status).toBe(431);
    expect(errorOf(answer.body).message).toContain('65536 bytes');
    larger.socket.end();
    await until(() => sockets[1]?.closed === true);
    expect(sockets[1]?.bytesRead).toBeGreaterThan(600 * KIB);
    const endless = await connect();
    endless.send(head('GET', '/v2/', { Authorization: 'a'.repeat(8 * MIB) }));
    await until(() => sockets[2]?.closed === true);
    expect(sockets[2]?.bytesRead).toBeLessThan(2 * MIB);
  });

  test('garbage behind a request whose answer is on its way is never answered in its middle', async () => {
    const { connect } = await serve(handlerOf(() => new Promise(() => undefined)));
    const client = await connect();
    client.send(`${head('GET', '/v2/')}garbage\r\n\r\n`);
    expect(await client.closed).toBe(0);
  });
});

describe('Expect: 100-continue', () => {
  test('is answered when the body is read, and only then', async () => {
    const allowed = gate();
    const { connect } = await serve(
      handlerOf(async ({ body }) => {
        await allowed.opened;
        return text(201, String(await sizeOf(body)));
      }),
    );
    const client = await connect();
    client.send(head('PUT', '/v2/', { 'Content-Length': 5, Expect: '100-continue' }));
    allowed.open();
    expect((await client.answer()).head).toBe('HTTP/1.1 100 Continue');
    client.send('hello');
    const answer = await client.answer();
    expect([answer.status, answer.body.toString()]).toEqual([201, '5']);
    expect(answer.head).not.toMatch(/connection: close/i);
  });

  test('a refusal is sent without the body being asked for, or waited for', async () => {
    const { connect } = await serve(handlerOf(async () => text(401, 'no')));
    const client = await connect();
    client.send(head('PUT', '/v2/', { 'Content-Length': 5, Expect: '100-continue' }));
    const answer = await client.answer();
    expect(answer.status).toBe(401);
    expect(answer.head).toMatch(/connection: close/i);
    await client.closed;
  }, 2000);

  test('is answered at once on the paths of the application', async () => {
    const { connect } = await serve(counting, {
      before: (registry) => (request, response) => {
        if (request.url !== '/form') return registry(request, response);
        request.resume().on('end', () => response.end('thanks'));
      },
    });
    const client = await connect();
    client.send(head('POST', '/form', { 'Content-Length': 2, Expect: '100-continue' }));
    expect((await client.answer()).head).toBe('HTTP/1.1 100 Continue');
    client.send('ok');
    expect((await client.answer()).status).toBe(200);
  });
});

describe('in an application', () => {
  test('other paths go on to the application, or get 404 and an error document', async () => {
    const handler = toNodeHandler(counting);
    const alone = await serve(counting);
    const client = await alone.connect();
    client.send(head('GET', '/v3/'));
    const answer = await client.answer();
    expect([answer.status, errorOf(answer.body).code]).toEqual([404, 'UNSUPPORTED']);
    client.send(head('OPTIONS', '*'));
    expect((await client.answer()).status).toBe(404);

    const { connect } = await serve(counting, {
      before: () => (request, response) => handler(request, response, () => response.end('application')),
    });
    const other = await connect();
    other.send(head('GET', '/v3/'));
    other.send(head('GET', '/v2?x'));
    await other.answer();
    expect((await other.answer()).body.toString()).toBe('GET /v2?x 0');
  });

  test('a mount path that Express cut off is still part of the target', async () => {
    const { connect } = await serve(counting, {
      before: (registry) => (request, response) => {
        Object.assign(request, { originalUrl: request.url, url: '/' });
        registry(request, response);
      },
    });
    const client = await connect();
    client.send(head('GET', '/v2/a'));
    expect((await client.answer()).body.toString()).toBe('GET /v2/a 0');
  });

  test('a body parser that ate the body: reading it throws and says what to do', async () => {
    const { connect } = await serve(
      handlerOf(async ({ body }) => text(500, await sizeOf(body).then(String, (error: Error) => error.message))),
      {
        before: (registry) => (request, response) => {
          request.resume().on('end', () => registry(request, response));
        },
      },
    );
    const client = await connect();
    client.send(`${head('PUT', '/v2/', { 'Content-Length': 5 })}hello`);
    expect((await client.answer()).body.toString()).toContain('mount the registry before any body parser');
    client.send(head('GET', '/v2/'));
    expect((await client.answer()).body.toString()).toBe('0');
  });

  test('a server that was not tuned is warned about, once', async () => {
    const handler = toNodeHandler(counting);
    const server = createServer((request, response) => handler(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const codes: unknown[] = [];
    const onWarning = (warning: Error): void => {
      codes.push('code' in warning ? warning.code : warning.message);
    };
    process.on('warning', onWarning);
    onTestFinished(() => {
      process.off('warning', onWarning);
      server.close();
    });
    const socket = connect(portOf(server), '127.0.0.1');
    socket.write(head('GET', '/v2/') + head('GET', '/v2/', { Connection: 'close' }));
    await once(socket.resume(), 'close');
    expect(codes).toEqual(['MOORAGE_SERVER_NOT_TUNED']);
  });
});
