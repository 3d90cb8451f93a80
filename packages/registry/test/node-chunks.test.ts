import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { handlerOf, head, MIB, serve, text } from './node-harness.ts';

describe('the memory of a chunk', () => {
  /** Pushes 4 MiB; returns how many bytes are left in its chunks after each was used. */
  async function keptBytes(acts: {
    readonly atHead?: (request: IncomingMessage) => void;
    readonly atFirstChunk?: (request: IncomingMessage) => void;
  }): Promise<number> {
    const requests: IncomingMessage[] = [];
    const chunks: Uint8Array[] = [];
    const { connect } = await serve(
      handlerOf(async ({ body }) => {
        for await (const chunk of body) {
          chunks.push(chunk);
          if (chunks.length === 1) requests.forEach(acts.atFirstChunk ?? (() => undefined));
        }
        return text(201, '');
      }),
      {
        before: (listener) => (request, response) => {
          requests.push(request);
          acts.atHead?.(request);
          listener(request, response);
        },
      },
    );
    const client = await connect();
    client.send(head('PUT', '/v2/', { 'Content-Length': 4 * MIB }));
    client.send(new Uint8Array(4 * MIB));
    expect((await client.answer()).status).toBe(201);
    return chunks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  test('is given back when the next one is asked for', async () => {
    expect(await keptBytes({})).toBe(0);
  });

  test('stays while somebody else listens to the request', async () => {
    const listen = (request: IncomingMessage) => request.on('data', () => undefined);
    expect(await keptBytes({ atFirstChunk: listen })).toBe(4 * MIB);
  });

  test('stays where the body of the request was replaced', async () => {
    const replace = (request: IncomingMessage) => {
      request.on = request.on.bind(request);
    };
    expect(await keptBytes({ atHead: replace })).toBe(4 * MIB);
  });
});
