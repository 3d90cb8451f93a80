import { once } from 'node:events';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { DisconnectedError, type RegistryRequest, type RegistryResponse } from '@moorage/registry';
import { expect, onTestFinished, test } from 'vitest';
import { answerHanded } from './answer-handed.ts';
import { createHandOn } from './hand-on.ts';
import type { AnswerMessage, CallMessage } from './messages.ts';

/** Hands requests on through a real port to `handle`. */
function link(handle: (request: RegistryRequest) => Promise<RegistryResponse>) {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  const through =
    (port: MessagePort) =>
    (message: CallMessage | AnswerMessage, transfer: ArrayBuffer[] = []) =>
      port.postMessage(message, transfer);
  const handOn = createHandOn(through(port1));
  port1.on('message', handOn.receive);
  port2.on('message', answerHanded(handle, through(port2)));
  return handOn;
}

const empty: RegistryResponse = { status: 200, headers: { 'Content-Length': '0' }, body: { kind: 'empty' } };

/** A request whose body gives `chunks`, and tells how many were asked for. */
function pushOf(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, signal = new AbortController().signal) {
  const asked = { count: 0, isLeft: false };
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of chunks) {
        asked.count += 1;
        yield chunk;
      }
    } finally {
      asked.isLeft = true;
    }
  }
  const about = { method: 'PATCH', target: '/v2/a/blobs/uploads/1', origin: 'http://hub', address: '192.0.2.1' };
  return { asked, request: { ...about, headers: { 'content-length': '9' }, body: body(), signal } };
}

/** `count` chunks of 64 KiB, the n-th full of n. */
const chunksOf = (count: number) => Array.from({ length: count }, (_, n) => new Uint8Array(65_536).fill(n));

test('a request arrives as it is, and so does its answer', async () => {
  const seen: unknown[] = [];
  const { handle } = link(async ({ method, target, headers, origin, address }) => {
    seen.push({ method, target, headers, origin, address });
    const bytes = Buffer.from('not for anybody: shown').subarray(17);
    return { status: 201, headers: { Location: '/x', Link: ['a', 'b'] }, body: { kind: 'bytes', bytes } };
  });
  const { request } = pushOf([]);
  const { body, ...answer } = await handle(request);
  const { body: _, signal: __, ...told } = request;
  expect(seen).toEqual([told]);
  expect(answer).toEqual({ status: 201, headers: { Location: '/x', Link: ['a', 'b'] } });
  if (body.kind !== 'bytes') throw new TypeError(`The body is ${body.kind}.`);
  expect(Buffer.from(body.bytes.buffer).toString()).toBe('shown');
});

test('a body arrives whole and in order, a few chunks ahead of who reads it', async () => {
  const { asked, request } = pushOf(chunksOf(40));
  const ahead: number[] = [];
  const { handle } = link(async ({ body }) => {
    let read = 0;
    for await (const chunk of body) {
      expect(chunk.every((byte) => byte === read)).toBe(true);
      read += 1;
      await new Promise((resolve) => setTimeout(resolve, 1));
      ahead.push(asked.count - read);
    }
    return { ...empty, status: read === 40 ? 202 : 400 };
  });
  expect((await handle(request)).status).toBe(202);
  expect(Math.max(...ahead)).toBeLessThanOrEqual(4);
  expect(Math.max(...ahead)).toBeGreaterThan(0);
});

test('a body is not read before it is asked for, nor after the answer', async () => {
  const unread = pushOf(chunksOf(3));
  expect((await link(async () => empty).handle(unread.request)).status).toBe(200);
  expect(unread.asked.count).toBe(0);

  const left = pushOf(chunksOf(100));
  const { handle } = link(async ({ body }) => {
    for await (const _ of body) break;
    return { ...empty, status: 413 };
  });
  expect((await handle(left.request)).status).toBe(413);
  expect(left.asked.count).toBeLessThan(10);
  expect(left.asked.isLeft).toBe(true);
});

test('an answer does not wait for a client that sends nothing more', async () => {
  async function* stalls(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(3);
    await new Promise(() => undefined);
  }
  const { handle } = link(async ({ body }) => {
    await body[Symbol.asyncIterator]().next();
    return { ...empty, status: 409 };
  });
  expect((await handle(pushOf(stalls()).request)).status).toBe(409);
});

test('a client that goes away is known by the signal and, after what came, by the body', async () => {
  const controller = new AbortController();
  const gone = new DisconnectedError('The client went away.');
  async function* breaks(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array([1]);
    yield new Uint8Array([2]);
    controller.abort(gone);
    throw gone;
  }
  const seen: unknown[] = [];
  const { handle } = link(async ({ body, signal }) => {
    const aborted = once(signal, 'abort');
    try {
      for await (const chunk of body) seen.push(...chunk);
    } catch (error) {
      seen.push(error);
    }
    await aborted;
    seen.push(signal.reason);
    return empty;
  });
  await handle(pushOf(breaks(), controller.signal).request);
  expect(seen).toEqual([1, 2, expect.any(DisconnectedError), expect.any(DisconnectedError)]);
});

test('requests under way at once do not mix', async () => {
  const { handle } = link(async ({ body, target }) => {
    let sum = 0;
    for await (const chunk of body) sum += chunk.length;
    return { ...empty, headers: { Target: target, Sum: String(sum) } };
  });
  const answers = Array.from({ length: 20 }, (_, n) =>
    handle({ ...pushOf(chunksOf(n)).request, target: `/v2/${n}` }).then(({ headers }) => headers),
  );
  expect(await Promise.all(answers)).toEqual(answers.map((_, n) => ({ Target: `/v2/${n}`, Sum: String(n * 65_536) })));
});

test('a file is named, and a handler that fails, or gives a stream, is a 500', async () => {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('ab');
  }
  const file = { kind: 'file', file: { path: '/blobs/1', offsetBytes: 1, lengthBytes: 2 } } as const;
  const answers: Record<string, () => Promise<RegistryResponse>> = {
    file: async () => ({ ...empty, body: file }),
    stream: async () => ({ ...empty, body: { kind: 'stream', stream: stream() } }),
    failure: () => Promise.reject(new Error('planted')),
  };
  const { handle } = link(({ target }) => answers[target]?.() ?? Promise.resolve(empty));
  const ask = (target: string) => handle({ ...pushOf([]).request, target });
  expect(await Promise.all(Object.keys(answers).map(ask))).toEqual([
    { ...empty, body: file },
    { ...empty, status: 500 },
    { ...empty, status: 500 },
  ]);
});

test('a client that went away before is known, too', async () => {
  const signal = AbortSignal.abort(new DisconnectedError('The client went away.'));
  const { handle } = link(async (request) => {
    if (!request.signal.aborted) await once(request.signal, 'abort');
    return { ...empty, headers: { Reason: request.signal.reason.message } };
  });
  expect((await handle(pushOf([], signal).request)).headers).toEqual({ Reason: 'The client went away.' });
});
