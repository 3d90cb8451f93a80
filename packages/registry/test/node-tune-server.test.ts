import { describe, expect, test } from 'vitest';
import { DisconnectedError } from '../src/http/message.ts';
import { errorOf, gate, handlerOf, head, MIB, serve, text, until } from './node-harness.ts';

describe('tuneServer', () => {
  test('sets the limits that clients need', async () => {
    const { server } = await serve(handlerOf(async () => text(200, '')));
    expect(server).toMatchObject({
      requestTimeout: 0,
      timeout: 60_000,
      headersTimeout: 20_000,
      keepAliveTimeout: 120_000,
      maxHeaderSize: 65_536,
    });
  });

  test('ends a request whose client is silent in the middle of its body', async () => {
    const outcome = Promise.withResolvers<unknown>();
    const { connect } = await serve(
      handlerOf(async ({ body }) => {
        try {
          for await (const _ of body);
        } catch (error) {
          outcome.resolve(error);
        }
        return text(201, '');
      }),
      { idleTimeoutMs: 30 },
    );
    const client = await connect();
    client.send(`${head('PUT', '/v2/', { 'Content-Length': 100 })}half`);
    await client.closed;
    expect(await outcome.promise).toBeInstanceOf(DisconnectedError);
  });

  test('ends an answer whose client does not read', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      while (true) yield Buffer.alloc(MIB);
    }
    const { connect, sockets } = await serve(
      handlerOf(async () => ({
        status: 200,
        headers: { 'Content-Length': String(1024 * MIB) },
        body: { kind: 'stream', stream: endless() },
      })),
      { idleTimeoutMs: 30 },
    );
    const client = await connect();
    client.socket.pause();
    client.send(head('GET', '/v2/'));
    await until(() => sockets[0]?.destroyed === true);
  });

  test('does not end a request that the server itself takes long for', async () => {
    const twice = gate();
    let timeouts = 0;
    const { connect, server } = await serve(
      handlerOf(async ({ body }) => {
        for await (const _ of body);
        await twice.opened;
        return text(201, 'done');
      }),
      { idleTimeoutMs: 30 },
    );
    server.on('timeout', () => {
      timeouts += 1;
      if (timeouts === 2) twice.open();
    });
    const client = await connect();
    client.send(`${head('PUT', '/v2/', { 'Content-Length': 5 })}hello`);
    expect((await client.answer()).body.toString()).toBe('done');
  });

  test('a body that trickles gets 408 and an error document, and what arrived of it is kept', async () => {
    const arrived: string[] = [];
    const outcome = Promise.withResolvers<unknown>();
    const { connect } = await serve(
      handlerOf(async ({ body }) => {
        try {
          for await (const chunk of body) arrived.push(Buffer.from(chunk).toString());
        } catch (error) {
          outcome.resolve(error);
        }
        return text(400, '');
      }),
      { rateWindowMs: 40 },
    );
    const client = await connect();
    client.send(`${head('PATCH', '/v2/', { 'Content-Length': 100 })}half`);
    const answer = await client.answer();
    const { code, message } = errorOf(answer.body);
    expect([answer.status, code]).toEqual([408, 'UNSUPPORTED']);
    expect(message).toContain('slower than 1024 bytes a second over 0.04 s');
    expect(answer.head).toMatch(/^Connection: close$/im);
    client.send(', and some');
    client.socket.end();
    await client.closed;
    expect(await outcome.promise).toBeInstanceOf(DisconnectedError);
    expect(arrived.join('')).toBe('half, and some');
  });

  test('a body that trickles to another path is ended without an answer', async () => {
    const { connect } = await serve(
      handlerOf(async () => text(200, '')),
      { rateWindowMs: 40, before: () => (request) => request.resume() },
    );
    const client = await connect();
    client.send(`${head('POST', '/upload', { 'Content-Length': 100 })}half`);
    expect(await client.closed).toBe(0);
  });

  test('ends an answer that its client takes more slowly than the rate', async () => {
    const { connect, sockets } = await serve(
      handlerOf(async () => text(200, 'x'.repeat(32 * MIB))),
      { rateWindowMs: 40 },
    );
    const client = await connect();
    client.socket.pause();
    client.send(head('GET', '/v2/'));
    await until(() => sockets[0]?.destroyed === true);
    client.socket.resume();
    expect(await client.closed).toBeLessThan(32 * MIB);
  });

  test('a client is never too slow while it waits for the server', async () => {
    const looks = gate();
    let turns = 0;
    const { connect } = await serve(
      handlerOf(async ({ body }) => {
        for await (const _ of body);
        await looks.opened;
        return text(201, 'done');
      }),
      { rateWindowMs: 20 },
    );
    // Set at the same time as the server's, with its period: both have had as many turns.
    const timer = setInterval(() => {
      turns += 1;
      if (turns === 12) looks.open();
    }, 5);
    const client = await connect();
    client.send(`${head('PUT', '/v2/', { 'Content-Length': 5 })}hello`);
    expect((await client.answer()).body.toString()).toBe('done');
    clearInterval(timer);
  });

  test('headers that do not arrive in time get 408 and an error document', async () => {
    const { connect } = await serve(
      handlerOf(async () => text(200, '')),
      { headersTimeoutMs: 30, checkingIntervalMs: 10 },
    );
    const client = await connect();
    client.send('GET /v2/ HTTP/1.1\r\nHost: a\r\n');
    const answer = await client.answer();
    expect([answer.status, errorOf(answer.body).code]).toEqual([408, 'UNSUPPORTED']);
    client.socket.end();
    await client.closed;
  });

  test('an idle connection is kept for the time between requests, not for that within one', async () => {
    const { connect, sockets } = await serve(
      handlerOf(async () => text(200, 'ok')),
      { idleTimeoutMs: 30, keepAliveTimeoutMs: 90_000 },
    );
    const client = await connect();
    client.send(head('GET', '/v2/'));
    const answer = await client.answer();
    expect(answer.head).toContain('Keep-Alive: timeout=90');
    expect(sockets[0]?.timeout).toBeGreaterThanOrEqual(90_000);
  });
});
