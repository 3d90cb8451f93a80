import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { memory } from '../../src/storage/memory.ts';
import type { MetadataStore } from '../../src/storage/metadata-store.ts';
import { sqlite } from '../../src/storage/sqlite/sqlite.ts';
import { errorOf, head, serve, type TestServer } from '../node-harness.ts';
import { openTestRegistry, sha256, type TestRegistry } from '../support/registry.ts';

let metadata: MetadataStore;
let opened: TestRegistry;
let server: TestServer;
beforeEach(async () => {
  metadata = sqlite({ file: ':memory:' });
  opened = openTestRegistry({ metadata, blobs: memory() });
  server = await serve(opened.registry);
});
afterEach(async () => {
  expect(opened.faults).toEqual([]);
  await opened.close();
});

/** Sends `bytes` and reads until the first answer is there, says goodbye, and reads what else comes: the statuses of all answers. A client that has `more` to send
 *  says goodbye at once. */
async function exchange(bytes: string, { more = false } = {}): Promise<readonly number[]> {
  const client = await server.connect();
  const socket = server.sockets.at(-1) as Socket;
  const closed = socket.closed ? undefined : once(socket, 'close');
  client.send(Buffer.from(bytes, 'latin1'));
  if (more) client.socket.end();
  const statuses: number[] = [];
  try {
    for (;;) {
      const answer = await client.answer();
      statuses.push(answer.status);
      if (answer.status >= 400) expect(errorOf(answer.body).code).toMatch(/^[A-Z_]+$/);
      client.socket.end();
    }
  } catch {
    // The connection was closed: there are no more answers.
  }
  await closed;
  return statuses;
}

/** Targets of all requests that the registry saw, once it is done with them. */
async function seenTargets(): Promise<readonly string[]> {
  await opened.registry.close();
  return opened.reports.map(({ target }) => target);
}

const push = (bytes: string) => `/v2/acme/web/blobs/uploads/?digest=${sha256(bytes)}`;

async function expectUnpushed(bytes: string): Promise<void> {
  expect((await opened.call('GET', `/v2/acme/web/blobs/${sha256(bytes)}`)).status).toBe(404);
  const never = Number.MAX_SAFE_INTEGER;
  expect(await metadata.expireUploads({ usedBeforeMs: never, nowMs: never, limit: 10 })).toEqual([]);
}

test('a request that names two hosts is 400, and one that repeats another header is not', async () => {
  expect(await exchange('GET /v2/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n')).toEqual([400]);
  expect(await exchange('GET /v2/ HTTP/1.1\r\nHost: a\r\nAccept: a/b\r\nAccept: c/d\r\n\r\n')).toEqual([200]);
  expect(await seenTargets()).toEqual(['/v2/']);
});

describe('a body that is longer than was said', () => {
  test('is a blob of what was said, and the rest is no part of it', async () => {
    const [status, ...others] = await exchange(`${head('POST', push('hello'), { 'Content-Length': 5 })}hello`);
    expect([status, others]).toEqual([201, []]);
    // The rest is refused by the end of the connection, where a document would stand in the middle of an answer.
    await exchange(`${head('POST', push('hello'), { 'Content-Length': 5 })}helloEXTRA\r\n\r\n`);
    expect((await opened.call('GET', `/v2/acme/web/blobs/${sha256('hello')}`)).text).toBe('hello');
    await expectUnpushed('helloEXTRA');
  });

  test('is refused where its digest is that of the whole', async () => {
    const statuses = await exchange(`${head('POST', push('helloEXTRA'), { 'Content-Length': 5 })}helloEXTRA`);
    expect(statuses.filter((status) => status < 400)).toEqual([]);
    await expectUnpushed('helloEXTRA');
  });
});

const long = 'a'.repeat(20_000);

describe('chunks that lie', () => {
  test.each([
    ['a size that is no number', 'xyz\r\nhello\r\n0\r\n\r\n'],
    ['a size with a sign', '-5\r\nhello\r\n0\r\n\r\n'],
    ['a size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['a size with a space before it', ' 5\r\nhello\r\n0\r\n\r\n'],
    ['no size', '\r\nhello\r\n0\r\n\r\n'],
    ['a size of 2^64', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
    ['a size of 2^64 - 1', 'FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n', true],
    ['a size that is larger than what comes', '64\r\nhello\r\n0\r\n\r\n', true],
    ['a size that is smaller than what comes', '4\r\nhello\r\n0\r\n\r\n'],
    ['no end', '5\r\nhello\r\n', true],
    ['an end that is cut', '5\r\nhello\r\n0\r\n', true],
    ['a bare LF behind a size', '5\nhello\r\n0\r\n\r\n'],
    ['a bare LF behind the data', '5\r\nhello\n0\r\n\r\n'],
    ['a CR within an extension', '5;a=\rb\r\nhello\r\n0\r\n\r\n'],
    ['an extension without end', `5;${'a'.repeat(100_000)}\r\nhello\r\n0\r\n\r\n`],
    ['trailers without end', `5\r\nhello\r\n0\r\n${'A: b\r\n'.repeat(20_000)}\r\n`],
  ])('with %s make no blob', async (_, chunks, more = false) => {
    const request = head('POST', push('hello'), { 'Transfer-Encoding': 'chunked' }) + chunks;
    expect((await exchange(request, { more })).filter((status) => status < 400)).toEqual([]);
    await expectUnpushed('hello');
  });

  test('that tell the truth make one, with extensions and trailers that mean nothing', async () => {
    const chunks = '2;name=value\r\nhe\r\n3\r\nllo\r\n0\r\nX-Checksum: 1\r\nAuthorization: Basic YTpi\r\n\r\n';
    const request = head('POST', push('hello'), { 'Transfer-Encoding': 'chunked' }) + chunks;
    expect(await exchange(request)).toEqual([201]);
  });

  test('within a large blob end it where they begin to lie', async () => {
    const size = long.length.toString(16);
    const chunks = `${size}\r\n${long}\r\nliar\r\nhello`;
    await exchange(head('POST', push(`${long}hello`), { 'Transfer-Encoding': 'chunked' }) + chunks);
    await expectUnpushed(`${long}hello`);
  });
});

/** The request that a smuggler wants the server to see, and that a proxy in front would take for a body. */
const smuggled = head('DELETE', '/v2/acme/web/manifests/smuggled');
const size = smuggled.length.toString(16);

describe('a request that two servers could frame in two ways', () => {
  const lines = (headers: string, body: string) =>
    `POST ${push('x')} HTTP/1.1\r\nHost: registry.test\r\n${headers}\r\n\r\n${body}`;
  const asChunk = `${size}\r\n${smuggled}\r\n0\r\n\r\n`;
  const asRest = `0\r\n\r\n${smuggled}`;

  test.each([
    ['a length and chunks', lines(`Content-Length: 4\r\nTransfer-Encoding: chunked`, asChunk)],
    ['chunks and a length', lines(`Transfer-Encoding: chunked\r\nContent-Length: ${asRest.length}`, asRest)],
    ['two lengths', lines(`Content-Length: 0\r\nContent-Length: ${smuggled.length}`, smuggled)],
    ['a list of lengths', lines(`Content-Length: 0, ${smuggled.length}`, smuggled)],
    ['a length with a sign', lines(`Content-Length: +${smuggled.length}`, smuggled)],
    ['a negative length', lines('Content-Length: -1', smuggled)],
    ['a length in hex', lines(`Content-Length: 0x${size}`, smuggled)],
    ['a length with a space in it', lines('Content-Length: 0 0', smuggled)],
    ['a length of 2^64', lines('Content-Length: 18446744073709551616', smuggled)],
    ['a length and a space before its colon', lines(`Content-Length : ${smuggled.length}`, smuggled)],
    ['chunks and a space before the colon', lines('Transfer-Encoding : chunked', asRest)],
    ['chunks and a tab before the colon', lines('Transfer-Encoding\t: chunked', asRest)],
    ['chunks that are not the last coding', lines('Transfer-Encoding: chunked, identity', asRest)],
    ['chunks by another name', lines('Transfer-Encoding: xchunked', asRest)],
    ['chunks in quotes', lines('Transfer-Encoding: "chunked"', asRest)],
    ['chunks twice', lines('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', asRest)],
    ['chunks behind a control character', lines('Transfer-Encoding: \x0bchunked', asRest)],
    ['chunks on a folded line', lines('Transfer-Encoding:\r\n chunked', asRest)],
    ['a folded line', lines(`X: a\r\n Content-Length: ${smuggled.length}`, smuggled)],
    ['lines that end with LF alone', lines(`Content-Length: 0\nX: y`, smuggled)],
    [
      'a head that ends with LF alone',
      `POST ${push('x')} HTTP/1.1\nHost: registry.test\nContent-Length: 0\n\n${smuggled}`,
    ],
    ['a CR within a header', lines('X: a\rContent-Length: 0', smuggled)],
    ['a NUL within a header', lines('X: a\0b\r\nContent-Length: 0', smuggled)],
    ['a header without a name', lines(': value\r\nContent-Length: 0', smuggled)],
    ['a header without a colon', lines('garbage\r\nContent-Length: 0', smuggled)],
    [
      'a space before the first header',
      `POST ${push('x')} HTTP/1.1\r\n Host: a\r\nContent-Length: 0\r\n\r\n${smuggled}`,
    ],
    ['chunks in HTTP/1.0', lines('Transfer-Encoding: chunked', asRest).replace('HTTP/1.1', 'HTTP/1.0')],
  ])('by %s is refused, and what it hides is never seen', async (_, request) => {
    const statuses = await exchange(request);
    expect(statuses.filter((status) => status !== 400)).toEqual([]);
    await expectUnpushed('x');
    expect((await seenTargets()).filter((target) => target.includes('smuggled'))).toEqual([]);
  });

  test('by a bad request line is refused with an error document, and the connection ends', async () => {
    for (const line of ['GET /v2/ HTTP/1.1 HTTP/1.1', 'GET /v2/\0 HTTP/1.1', 'GET /v2/ HTTP/9.9']) {
      expect([line, await exchange(`${line}\r\nHost: registry.test\r\n\r\n${smuggled}`)]).toEqual([line, [400]]);
    }
    expect(await seenTargets()).toEqual([]);
  });

  test('with no host is refused', async () => {
    const client = await server.connect();
    client.send('GET /v2/ HTTP/1.1\r\n\r\n');
    await client.closed;
    expect(await seenTargets()).toEqual([]);
  });

  test('is seen where nothing hides it: the test can fail', async () => {
    await exchange(lines('Content-Length: 0', smuggled));
    expect(await seenTargets()).toContain('/v2/acme/web/manifests/smuggled');
  });
});
