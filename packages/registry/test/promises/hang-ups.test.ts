import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { memory } from '../../src/storage/memory.ts';
import type { MetadataStore } from '../../src/storage/metadata-store.ts';
import { sqlite } from '../../src/storage/sqlite/sqlite.ts';
import { head, serve, type TestServer, until } from '../node-harness.ts';
import { imageOf } from '../support/documents.ts';
import { imageType, openTestRegistry, sha256, type TestRegistry } from '../support/registry.ts';
import { content, openSession } from '../support/uploads.ts';

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
  expect(server.errors).toEqual([]);
  await opened.close();
});

/** How a client leaves: by closing its side and waiting, or by closing both. */
type Leave = (socket: Socket, sent: Uint8Array) => void;
const leaves: Readonly<Record<string, Leave>> = {
  'says goodbye': (socket, sent) => socket.end(sent),
  'is gone': (socket, sent) => socket.write(sent, () => socket.destroy()),
};

/** Sends the first `cutBytes` of a request whose head has `headBytes`, and leaves. Resolves when the server is done with it. */
async function hangUp(leave: Leave, request: Uint8Array, cut: { headBytes: number; cutBytes: number }): Promise<void> {
  const reported = opened.reports.length;
  const client = await server.connect();
  await until(() => server.sockets.length > 0);
  const socket = server.sockets.at(-1);
  const closed = socket?.closed === true ? Promise.resolve() : once(socket as Socket, 'close');
  leave(client.socket, request.subarray(0, cut.cutBytes));
  client.socket.resume();
  await client.closed;
  await closed;
  if (cut.cutBytes >= cut.headBytes) await until(() => opened.reports.length > reported);
}

/** Sessions that are open. */
const countSessions = async () => {
  const never = Number.MAX_SAFE_INTEGER;
  return (await metadata.expireUploads({ usedBeforeMs: never, nowMs: never, limit: 1000 })).length;
};

/** Sends what is behind the first `keptBytes`, and makes the blob. */
function close(location: string, bytes: Uint8Array, keptBytes: number) {
  const headers = { 'content-range': `${keptBytes}-${bytes.length - 1}` };
  return opened.call('PUT', `${location}?digest=${sha256(bytes)}`, { headers, body: bytes.subarray(keptBytes) });
}

const requestOf = (headText: string, body: Uint8Array) => ({
  request: Buffer.concat([Buffer.from(headText), body]),
  headBytes: headText.length,
});

describe.each(Object.entries(leaves))('a client that %s', (_, leave) => {
  test.each([60, 20_000])(
    'at any byte of a POST of %i bytes leaves neither a blob nor a session',
    async (sizeBytes) => {
      const bytes = content(sizeBytes);
      const target = `/v2/acme/web/blobs/uploads/?digest=${sha256(bytes)}`;
      const { request, headBytes } = requestOf(head('POST', target, { 'Content-Length': sizeBytes }), bytes);
      const stepBytes = Math.ceil(sizeBytes / 60);
      for (let cutBytes = 0; cutBytes < request.byteLength; cutBytes += cutBytes < headBytes ? 1 : stepBytes) {
        await hangUp(leave, request, { headBytes, cutBytes });
        expect((await opened.call('GET', `/v2/acme/web/blobs/${sha256(bytes)}`)).status, `cut at ${cutBytes}`).toBe(
          404,
        );
      }
      expect(await countSessions()).toBe(0);
      expect((await opened.call('POST', target, { body: bytes })).status).toBe(201);
    },
  );

  test.each(['PATCH', 'PUT'])(
    'at any byte of a %s keeps a beginning of it, and the rest makes the blob',
    async (method) => {
      const all = content(80 * 1024);
      for (let cutBytes = 0, n = 0; ; cutBytes += 1, n += 1) {
        // Another content each time: one that is there already would hide bytes that were stored wrongly.
        const bytes = all.slice(n * 64, n * 64 + 64);
        const location = await openSession(opened);
        const target = `${location}?digest=${sha256(bytes)}`;
        const headText = head(method, method === 'PUT' ? target : location, { 'Content-Length': bytes.length });
        const { request, headBytes } = requestOf(headText, bytes);
        if (cutBytes >= request.byteLength) break;
        await hangUp(leave, request, { headBytes, cutBytes });
        const [, last] = /^0-(\d+)$/.exec((await opened.call('GET', location)).headers['range'] ?? '') ?? [];
        // One byte and none are both 0-0.
        let keptBytes = last === '0' ? 0 : Number(last) + 1;
        let closed = await close(location, bytes, keptBytes);
        if (closed.status === 416) {
          keptBytes = 1;
          closed = await close(location, bytes, keptBytes);
        }
        expect(keptBytes, `cut at ${cutBytes}`).toBeLessThanOrEqual(Math.max(0, cutBytes - headBytes));
        expect([cutBytes, closed.status]).toEqual([cutBytes, 201]);
        const pulled = await opened.call('GET', `/v2/acme/web/blobs/${sha256(bytes)}`);
        expect(Buffer.compare(pulled.bytes, bytes)).toBe(0);
      }
      // The one that was opened last.
      expect(await countSessions()).toBe(1);
    },
  );

  test('at any byte of a manifest moves no tag', async () => {
    await opened.pushBlob('acme/web', '{}');
    await opened.pushBlob('acme/web', 'a');
    const target = '/v2/acme/web/manifests/latest';
    const before = imageOf(['a']);
    await opened.call('PUT', target, { headers: { 'content-type': imageType }, body: before });
    const after = Buffer.from(imageOf(['a'], { annotations: { moved: 'yes' } }));
    const headText = head('PUT', target, { 'Content-Length': after.length, 'Content-Type': imageType });
    const { request, headBytes } = requestOf(headText, after);
    for (let cutBytes = 0; cutBytes < request.byteLength; cutBytes += 1) {
      await hangUp(leave, request, { headBytes, cutBytes });
      expect((await opened.call('GET', target)).text, `cut at ${cutBytes}`).toBe(before);
    }
  });

  test('at any byte of a body in chunks makes no blob of it', async () => {
    const bytes = content(48);
    const target = `/v2/acme/web/blobs/uploads/?digest=${sha256(bytes)}`;
    const chunks = [bytes.subarray(0, 16), bytes.subarray(16)].flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    ]);
    const body = Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
    const { request, headBytes } = requestOf(head('POST', target, { 'Transfer-Encoding': 'chunked' }), body);
    for (let cutBytes = headBytes; cutBytes < request.byteLength; cutBytes += 1) {
      await hangUp(leave, request, { headBytes, cutBytes });
      expect((await opened.call('GET', `/v2/acme/web/blobs/${sha256(bytes)}`)).status, `cut at ${cutBytes}`).toBe(404);
    }
    expect(await countSessions()).toBe(0);
  });
});
