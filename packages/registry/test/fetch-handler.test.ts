import { mkdtemp, readdir, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toFetchHandler } from '../src/adapters/fetch.ts';
import { DisconnectedError, type RegistryResponse } from '../src/http/message.ts';
import { errorOf, handlerOf, KIB, MIB, text } from './node-harness.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'moorage-fetch-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function makeFile(name: string, lengthBytes: number): Promise<{ path: string; bytes: Buffer }> {
  const bytes = Buffer.alloc(lengthBytes);
  for (let i = 0; i + 4 <= lengthBytes; i += 4) bytes.writeUInt32LE(i, i);
  const path = join(directory, name);
  await writeFile(path, bytes);
  return { path, bytes };
}

function fileAnswer(path: string, offsetBytes: number, lengthBytes: number): RegistryResponse {
  return {
    status: 200,
    headers: { 'Content-Length': String(lengthBytes) },
    body: { kind: 'file', file: { path, offsetBytes, lengthBytes } },
  };
}

/** Files of the test's directory that this process holds open. */
async function openFiles(): Promise<readonly string[]> {
  const descriptors = await readdir('/proc/self/fd');
  const paths = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => 'closed')));
  return paths.filter((path) => path.startsWith(directory));
}

/** A stream that gives `count` chunks of 64 KiB and counts how many were asked for. */
function countedStream(count: number, fail?: Error): { stream: ReadableStream<Uint8Array>; asked: () => number } {
  let asked = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        asked += 1;
        if (asked <= count) controller.enqueue(new Uint8Array(64 * KIB));
        else if (fail === undefined) controller.close();
        else controller.error(fail);
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, asked: () => asked };
}

describe('requests', () => {
  test('method, target, headers, signal and body reach the registry', async () => {
    const controller = new AbortController();
    const handle = toFetchHandler(
      handlerOf(async ({ method, target, headers, signal, body }) => {
        let sizeBytes = 0;
        for await (const chunk of body) sizeBytes += chunk.byteLength;
        controller.abort();
        return text(200, `${method} ${target} ${headers['x-a']} ${signal.aborted} ${sizeBytes}`);
      }),
    );
    const { stream } = countedStream(20);
    const answer = await handle(
      new Request('http://a.test:81/v2/x%2Fy?n=1#z', {
        method: 'PUT',
        body: stream,
        duplex: 'half',
        headers: { 'X-A': 'b' },
        signal: controller.signal,
      }),
    );
    expect(await answer.text()).toBe(`PUT /v2/x%2Fy?n=1 b true ${20 * 64 * KIB}`);
  });

  test('a body is not read before it is asked for, no further than it is asked for, and not cancelled', async () => {
    const { stream, asked } = countedStream(100);
    const askedBefore: number[] = [];
    const handle = toFetchHandler(
      handlerOf(async ({ body }) => {
        askedBefore.push(asked());
        for await (const _ of body) {
          if (asked() === 3) break;
        }
        return text(413, 'enough');
      }),
    );
    const request = new Request('http://a/v2/', { method: 'PUT', body: stream, duplex: 'half' });
    expect((await handle(request)).status).toBe(413);
    expect([...askedBefore, asked()]).toEqual([0, 3]);
    expect((await request.body?.getReader().read())?.done).toBe(false);
  });

  test('a client that goes away is a DisconnectedError', async () => {
    let seen: unknown;
    const handle = toFetchHandler(
      handlerOf(async ({ body }) => {
        try {
          for await (const _ of body);
        } catch (error) {
          seen = error;
        }
        return text(201, '');
      }),
    );
    const { stream } = countedStream(2, new TypeError('terminated'));
    await handle(new Request('http://a/v2/', { method: 'PUT', body: stream, duplex: 'half' }));
    expect(seen).toBeInstanceOf(DisconnectedError);
    expect(seen).toMatchObject({ cause: { message: 'terminated' } });
  });

  test('a request that was read before, and a path that is not ours, get error documents', async () => {
    const handle = toFetchHandler(handlerOf(async () => text(200, 'never')));
    const used = new Request('http://a/v2/', { method: 'PUT', body: 'x' });
    await used.text();
    const answer = await handle(used);
    expect([answer.status, errorOf(await answer.text()).message]).toEqual([
      500,
      expect.stringContaining('mount the registry'),
    ]);
    const other = await handle(new Request('http://a/v3'));
    expect([other.status, errorOf(await other.text()).code]).toEqual([404, 'UNSUPPORTED']);
  });
});

describe('answers', () => {
  test('HEAD keeps its length, 204 has no body, an array is several lines', async () => {
    const handle = toFetchHandler(
      handlerOf(async ({ method }) =>
        method === 'HEAD'
          ? text(200, 'x'.repeat(77))
          : { ...text(204, ''), headers: { 'WWW-Authenticate': ['a', 'b'] } },
      ),
    );
    const answer = await handle(new Request('http://a/v2/', { method: 'HEAD' }));
    expect([answer.headers.get('content-length'), answer.body]).toEqual(['77', null]);
    const none = await handle(new Request('http://a/v2/'));
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([204, 'a, b']);
  });

  test('every range of a file, small and large', async () => {
    const { path, bytes } = await makeFile('ranges', 2 * MIB + 777);
    for (const [offsetBytes, lengthBytes] of [
      [0, 0],
      [3, 64 * KIB],
      [3, 64 * KIB + 1],
      [1, 2 * MIB],
      [0, 2 * MIB + 777],
    ] as const) {
      const handle = toFetchHandler(handlerOf(async () => fileAnswer(path, offsetBytes, lengthBytes)));
      const answer = await handle(new Request('http://a/v2/'));
      const body = Buffer.from(await answer.arrayBuffer());
      expect(body.equals(bytes.subarray(offsetBytes, offsetBytes + lengthBytes))).toBe(true);
    }
  });

  test('a file that cannot be opened is a 500 that shows nothing of the inside', async () => {
    const errors: unknown[] = [];
    const registry = handlerOf(async () => fileAnswer(join(directory, 'secret'), 0, MIB));
    const handle = toFetchHandler(registry, { onError: (error) => errors.push(error) });
    const answer = await handle(new Request('http://a/v2/'));
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
    expect(errors).toMatchObject([{ code: 'ENOENT' }]);
  });

  test('a file that is too short makes the body fail', async () => {
    const { path } = await makeFile('short', MIB);
    await truncate(path, MIB - 1);
    const handle = toFetchHandler(handlerOf(async () => fileAnswer(path, 0, MIB)));
    const answer = await handle(new Request('http://a/v2/'));
    await expect(answer.arrayBuffer()).rejects.toThrow('file ended');
  });

  test('a stream is asked only when its reader asks, and ends when the reader cancels', async () => {
    let asked = 0;
    let ended = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        while (true) {
          asked += 1;
          yield new Uint8Array(10);
        }
      } finally {
        ended = true;
      }
    }
    const handle = toFetchHandler(
      handlerOf(async () => ({ status: 200, headers: {}, body: { kind: 'stream', stream: source() } })),
    );
    const reader = (await handle(new Request('http://a/v2/'))).body?.getReader();
    expect(asked).toBe(0);
    await reader?.read();
    await reader?.read();
    expect(asked).toBe(2);
    await reader?.cancel();
    expect(ended).toBe(true);
  });

  test.runIf(process.platform === 'linux')(
    'a file is closed at its end, on failure, on cancel, and when nobody reads it (open files are listed on Linux alone)',
    async () => {
      const { path } = await makeFile('closing', 2 * MIB);
      const handle = toFetchHandler(
        handlerOf(async ({ target }) => fileAnswer(path, Number(target.slice(4)), 2 * MIB)),
      );
      const whole = await handle(new Request('http://a/v2/0'));
      expect(await openFiles()).toEqual([]);
      await whole.arrayBuffer();
      expect(await openFiles()).toEqual([]);

      const failing = await handle(new Request('http://a/v2/1'));
      await expect(failing.arrayBuffer()).rejects.toThrow('file ended');
      expect(await openFiles()).toEqual([]);

      const reader = (await handle(new Request('http://a/v2/0'))).body?.getReader();
      await reader?.read();
      expect(await openFiles()).toEqual([path]);
      const pending = reader?.read();
      await reader?.cancel();
      await pending;
      expect(await openFiles()).toEqual([]);
    },
  );
});
