import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { errorAnswer } from '../src/adapters/error-document.ts';
import { drainBody } from '../src/adapters/request-body.ts';
import { errorOf, gate, handlerOf, head, KIB, MIB, serve, text, until } from './node-harness.ts';

const refusing = handlerOf(async () => errorAnswer(403, 'no'));

describe('a refused body', () => {
  test('of 100 MiB: the client reads the answer, and the server takes about 1 MiB of it', async () => {
    const { connect, sockets } = await serve(refusing);
    const client = await connect();
    client.send(head('PUT', '/v2/', { 'Content-Length': 100 * MIB }));
    const chunk = Buffer.alloc(64 * KIB);
    let sentBytes = 0;
    const feed = (): void => {
      while (sentBytes < 100 * MIB && !client.socket.destroyed) {
        sentBytes += chunk.length;
        if (!client.socket.write(chunk)) {
          client.socket.once('drain', feed);
          return;
        }
      }
    };
    feed();
    const answer = await client.answer();
    expect([answer.status, errorOf(answer.body).message]).toEqual([403, 'no']);
    expect(answer.head).toMatch(/connection: close/i);
    await client.closed;
    expect(sentBytes).toBeLessThan(100 * MIB);
    expect(sockets[0]?.bytesRead).toBeLessThan(2 * MIB);
  });

  test('that is small is taken, and the connection stays in step', async () => {
    const { connect } = await serve(refusing);
    const client = await connect();
    client.send(head('PUT', '/v2/1', { 'Content-Length': 200 * KIB }));
    const answer = await client.answer();
    expect(answer.status).toBe(403);
    expect(answer.head).not.toMatch(/connection: close/i);
    client.send(Buffer.alloc(200 * KIB));
    client.send(head('GET', '/v2/2'));
    expect((await client.answer()).status).toBe(403);
  });

  test('that came whole with its head is forgotten, and the connection stays in step', async () => {
    const { connect } = await serve(refusing);
    const client = await connect();
    client.send(`${head('PUT', '/v2/1', { 'Content-Length': 5 })}hello${head('GET', '/v2/2')}`);
    expect((await client.answer()).status).toBe(403);
    expect((await client.answer()).status).toBe(403);
  });

  test('that was read in part, however the consumer left it, leaves the connection in step', async () => {
    const { connect } = await serve(
      handlerOf(async ({ body, target }) => {
        if (target === '/v2/return') for await (const _ of body) break;
        else await body[Symbol.asyncIterator]().next();
        return text(400, 'enough');
      }),
    );
    const client = await connect();
    for (const target of ['/v2/return', '/v2/left']) {
      client.send(head('PUT', target, { 'Content-Length': MIB }));
      client.send(Buffer.alloc(MIB));
      expect((await client.answer()).body.toString()).toBe('enough');
    }
    client.send(head('GET', '/v2/return'));
    expect((await client.answer()).status).toBe(400);
  });

  test('whose rest came while nobody wanted it does not keep the next request from being read', async () => {
    const stopped = gate();
    let incoming: IncomingMessage | undefined;
    const { connect } = await serve(
      handlerOf(async ({ body, method }) => {
        if (method === 'PUT') {
          for await (const _ of body) break;
          stopped.open();
          await until(() => incoming?.complete === true);
        }
        return text(400, method);
      }),
      {
        before: (registry) => (request, response) => {
          incoming = request;
          registry(request, response);
        },
      },
    );
    const client = await connect();
    client.send(`${head('PUT', '/v2/', { 'Content-Length': 64 * KIB + 5 })}hello`);
    await stopped.opened;
    // As much as makes Node stop reading from the socket.
    client.send(Buffer.alloc(64 * KIB));
    expect((await client.answer()).body.toString()).toBe('PUT');
    client.send(head('GET', '/v2/'));
    expect((await client.answer()).body.toString()).toBe('GET');
  });

  test('without a length ends the connection, once the client has ended its body', async () => {
    const { connect } = await serve(refusing);
    const client = await connect();
    client.send(`${head('PATCH', '/v2/', { 'Transfer-Encoding': 'chunked' })}3\r\nabc\r\n`);
    const answer = await client.answer();
    expect(answer.status).toBe(403);
    expect(answer.head).toMatch(/connection: close/i);
    client.send('0\r\n\r\n');
    await client.closed;
  });

  test('of which nothing comes is not waited for beyond its time', async () => {
    const { connect } = await serve(refusing, {
      before: (_registry) => async (request, response) => {
        response.end(String(await drainBody(request, { bytes: MIB, timeoutMs: 10 })));
      },
    });
    const client = await connect();
    client.send(head('PUT', '/app', { 'Content-Length': 5 }));
    expect((await client.answer()).body.toString()).toBe('false');
  });
});
