import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RegistryResponse } from '../src/http/message.ts';
import { type Client, errorOf, gate, handlerOf, head, KIB, MIB, serve, text, until } from './node-harness.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'moorage-answers-'));
});
afterAll(() => rm(directory, { recursive: true }));

const LENGTH = 6 * MIB + 12345;

/** A file whose every byte tells which file and which place it belongs to. */
async function makeFile(seed: number, lengthBytes = LENGTH): Promise<{ path: string; bytes: Buffer }> {
  const bytes = Buffer.alloc(lengthBytes);
  for (let i = 0; i + 4 <= lengthBytes; i += 4) bytes.writeUInt32LE((seed << 24) | (i >> 2), i);
  const path = join(directory, `${seed}-${lengthBytes}`);
  await writeFile(path, bytes);
  return { path, bytes };
}

function fileAnswer(path: string, offsetBytes: number, lengthBytes: number): RegistryResponse {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': String(lengthBytes) },
    body: { kind: 'file', file: { path, offsetBytes, lengthBytes } },
  };
}

describe('answers', () => {
  test('an array is several header lines; HEAD and 204 have no body; the connection stays in step', async () => {
    const { connect } = await serve(
      handlerOf(async ({ target }) => {
        const file = fileAnswer(join(directory, 'missing'), 0, MIB).body;
        if (target === '/v2/204') return { status: 204, headers: {}, body: file };
        if (target === '/v2/file') return { status: 200, headers: { 'Content-Length': String(MIB) }, body: file };
        return text(401, 'hello', { 'WWW-Authenticate': ['Bearer realm="a"', 'Basic realm="b"'] });
      }),
    );
    const client = await connect();
    client.send(head('HEAD', '/v2/') + head('HEAD', '/v2/file') + head('GET', '/v2/204') + head('GET', '/v2/'));
    const answer = await client.answer({ bodiless: true });
    expect(answer.head).toContain('WWW-Authenticate: Bearer realm="a"\r\nWWW-Authenticate: Basic realm="b"\r\n');
    expect(answer.head).toContain('Content-Length: 5');
    expect((await client.answer({ bodiless: true })).head).toContain(`Content-Length: ${MIB}`);
    expect((await client.answer()).status).toBe(204);
    expect((await client.answer()).body.toString()).toBe('hello');
  });

  test('a file that cannot be opened is a 500 that shows nothing of the inside', async () => {
    const path = join(directory, 'secret-missing');
    const { connect, errors } = await serve(handlerOf(async () => fileAnswer(path, 0, MIB)));
    const client = await connect();
    client.send(head('GET', '/v2/'));
    const answer = await client.answer();
    expect([answer.status, errorOf(answer.body).code]).toEqual([500, 'UNKNOWN']);
    expect(answer.body.toString()).not.toContain('secret');
    expect(errors).toMatchObject([{ code: 'ENOENT' }]);
  });

  test('an answer that cannot be written is a 500 that keeps none of its headers', async () => {
    const { connect, errors } = await serve(
      handlerOf(async () => text(200, 'hello', { ETag: 'x', Location: 'line\nbreak' })),
    );
    const client = await connect();
    client.send(head('GET', '/v2/'));
    const answer = await client.answer();
    expect([answer.status, errorOf(answer.body).code]).toEqual([500, 'UNKNOWN']);
    expect(answer.head).not.toContain('ETag');
    expect(errors).toMatchObject([{ code: 'ERR_INVALID_CHAR' }]);
  });

  test('a source that fails after the headers cuts the connection', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1000);
      throw new Error('disk on fire');
    }
    const { path } = await makeFile(1, 3 * MIB);
    await truncate(path, 2 * MIB);
    const { connect, errors } = await serve(
      handlerOf(async ({ target }) =>
        target === '/v2/file'
          ? fileAnswer(path, 0, 3 * MIB)
          : { status: 200, headers: { 'Content-Length': '2000' }, body: { kind: 'stream', stream: failing() } },
      ),
    );
    for (const target of ['/v2/stream', '/v2/file']) {
      const client = await connect();
      client.send(head('GET', target));
      await expect(client.answer()).rejects.toThrow('closed before');
    }
    expect(errors.map(String)).toEqual(['Error: disk on fire', expect.stringContaining('file ended')]);
  });

  test('a stream that is longer or shorter than its length cuts the connection', async () => {
    async function* twoChunks(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('hello');
      yield Buffer.from('world');
    }
    const { connect, errors } = await serve(
      handlerOf(async ({ target }) => ({
        status: 200,
        headers: { 'Content-Length': target.slice(4) },
        body: { kind: 'stream', stream: twoChunks() },
      })),
    );
    const short = await connect();
    short.send(head('GET', '/v2/11'));
    await expect(short.answer()).rejects.toThrow('closed before');
    const long = await connect();
    long.send(head('GET', '/v2/9') + head('GET', '/v2/10'));
    await long.closed;
    expect(errors).toMatchObject([
      { code: 'ERR_HTTP_CONTENT_LENGTH_MISMATCH' },
      { code: 'ERR_HTTP_CONTENT_LENGTH_MISMATCH' },
    ]);
  });

  test('a stream waits for its reader and is ended when the reader goes away', async () => {
    const ended = gate();
    let aheadBytes = 0;
    let chunks = 0;
    const server = await serve(
      handlerOf(async () => ({
        status: 200,
        headers: { 'Content-Length': String(1024 * MIB) },
        body: { kind: 'stream', stream: endless() },
      })),
    );
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        while (true) {
          aheadBytes = Math.max(aheadBytes, server.sockets[0]?.writableLength ?? 0);
          chunks += 1;
          yield Buffer.alloc(64 * KIB);
        }
      } finally {
        ended.open();
      }
    }
    const client = await server.connect();
    client.socket.pause();
    client.send(head('GET', '/v2/'));
    await until(() => (server.sockets[0]?.writableLength ?? 0) > 0 && chunks > 10);
    client.socket.destroy();
    await ended.opened;
    expect(aheadBytes).toBeLessThan(64 * KIB);
    expect(server.errors).toEqual([]);
  });

  test('a stream that waits behind another answer is ended when the client goes away', async () => {
    const started = gate();
    const ended = gate();
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        started.open();
        while (true) yield Buffer.alloc(64 * KIB);
      } finally {
        ended.open();
      }
    }
    const { connect, errors } = await serve(
      handlerOf(async ({ target }) => {
        if (target === '/v2/1') return new Promise(() => undefined);
        return {
          status: 200,
          headers: { 'Content-Length': String(1024 * MIB) },
          body: { kind: 'stream', stream: source() },
        };
      }),
    );
    const client = await connect();
    client.send(head('GET', '/v2/1') + head('GET', '/v2/2'));
    await started.opened;
    client.socket.destroy();
    await ended.opened;
    expect(errors).toEqual([]);
  });

  test('a middleware that puts a write of its own in place still gets right bytes', async () => {
    const { path, bytes } = await makeFile(2);
    const { connect } = await serve(
      handlerOf(async () => fileAnswer(path, 0, LENGTH)),
      {
        before: (registry) => (request, response) => {
          const write = response.write.bind(response);
          // As compression middlewares do: no callback, and the bytes are kept for later.
          Object.assign(response, { write: (chunk: Uint8Array) => write(chunk) });
          registry(request, response);
        },
      },
    );
    const client = await connect();
    client.send(head('GET', '/v2/'));
    expect((await client.answer()).body.equals(bytes)).toBe(true);
  });
});

describe('files', () => {
  test('every range, from nothing to the whole, pipelined', async () => {
    const { path, bytes } = await makeFile(3);
    const ranges = [
      [0, 0],
      [5, 1],
      [17, 64 * KIB],
      [17, 64 * KIB + 1],
      [MIB - 1, MIB],
      [1, 2 * MIB + 1],
      [0, LENGTH],
      [LENGTH - 3, 3],
    ] as const;
    const { connect } = await serve(
      handlerOf(async ({ target }) => {
        const [offsetBytes, lengthBytes] = ranges[Number(target.slice(4))] ?? [0, 0];
        return fileAnswer(path, offsetBytes, lengthBytes);
      }),
    );
    const client = await connect();
    client.send(ranges.map((_, i) => head('GET', `/v2/${i}`)).join(''));
    for (const [offsetBytes, lengthBytes] of ranges) {
      const { body } = await client.answer();
      expect(body.equals(bytes.subarray(offsetBytes, offsetBytes + lengthBytes))).toBe(true);
    }
  });

  test('transfers that are aborted at any point leave the bytes of every other transfer right', async () => {
    const files = await Promise.all(Array.from({ length: 6 }, (_, i) => makeFile(10 + i)));
    const { connect, errors } = await serve(
      handlerOf(async ({ target }) => fileAnswer(files[Number(target.slice(4)) % files.length]?.path ?? '', 0, LENGTH)),
    );
    const readWhole = async (index: number): Promise<void> => {
      const client = await connect();
      for (let round = 0; round < 3; round += 1) {
        client.send(head('GET', `/v2/${index}`));
        expect((await client.answer()).body.equals(files[index % files.length]?.bytes ?? Buffer.alloc(0))).toBe(true);
      }
      client.socket.destroy();
    };
    const abortAt = async (client: Client, atBytes: number): Promise<void> => {
      let received = 0;
      client.socket.on('data', (chunk) => {
        received += chunk.length;
        if (received >= atBytes) client.socket.destroy();
      });
      if (atBytes === 0) client.socket.destroy();
      await client.closed;
    };
    const abortMany = async (index: number): Promise<void> => {
      for (const atBytes of [0, 1, 64 * KIB, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 7, 5 * MIB, LENGTH - 1]) {
        const client = await connect();
        client.send(head('GET', `/v2/${index}`));
        await abortAt(client, atBytes);
      }
    };
    // Six whole and six aborted at a time: four of them beyond the pool.
    await Promise.all(files.flatMap((_, i) => [readWhole(i), abortMany(i + 1)]));
    expect(errors).toEqual([]);
  }, 60_000);

  test('memory does not grow with clients that do not read', async () => {
    const { path } = await makeFile(20);
    const { connect, sockets } = await serve(handlerOf(async () => fileAnswer(path, 0, LENGTH)));
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    const before = process.memoryUsage().arrayBuffers;
    const clients = await Promise.all(Array.from({ length: 48 }, () => connect()));
    for (const client of clients) {
      client.socket.pause();
      client.send(head('GET', '/v2/'));
    }
    await until(() => sockets.length === 48 && sockets.every((socket) => socket.writableLength > 0));
    // 8 transfers with two buffers of 1 MiB, 40 with 64 KiB, and room for the rest of a process.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan((16 + 2.5 + 8) * MIB);
    for (const client of clients) client.socket.destroy();
  });
});
