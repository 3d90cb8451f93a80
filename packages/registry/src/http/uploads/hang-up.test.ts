import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestRegistry, sha256, stream, type TestRegistry } from '../../../test/support/registry.ts';
import { content, openSession, stalling } from '../../../test/support/uploads.ts';
import { DisconnectedError } from '../message.ts';

// One for each test: content that is there already would hide bytes that were stored wrongly.
let opened: TestRegistry;
beforeEach(() => {
  opened = openTestRegistry();
});
afterEach(() => expect(opened.faults).toEqual([]));

async function rangeOf(location: string): Promise<string | undefined> {
  return (await opened.call('GET', location)).headers['range'];
}

/** Sends what is still missing, as a client does that asked for the session's state, and pulls the blob. */
async function resume(location: string, bytes: Uint8Array, keptBytes: number): Promise<void> {
  expect(await rangeOf(location)).toBe(`0-${Math.max(keptBytes - 1, 0)}`);
  const body = bytes.subarray(keptBytes);
  const headers = { 'content-range': `${keptBytes}-${bytes.length - 1}` };
  const closed = await opened.call('PUT', `${location}?digest=${sha256(bytes)}`, { headers, body });
  expect(closed.status).toBe(201);
  const pulled = await opened.call('GET', `/v2/acme/web/blobs/${sha256(bytes)}`);
  expect(Buffer.compare(pulled.bytes, bytes)).toBe(0);
}

// Announced or not, in a body that fits the metadata store and in one that does not; cut at its start, inside, and one byte before its end.
const cuts = [100, 16 * 1024, 16 * 1024 + 1, 300_000].flatMap((sizeBytes) =>
  [0, 1, Math.floor(sizeBytes / 2), sizeBytes - 1].map((keptBytes) => [sizeBytes, keptBytes] as const),
);

describe.each(['PATCH', 'PUT'])('a client that hangs up in a %s', (method) => {
  describe.each(['announced', 'streamed'])('%s', (kind) => {
    const lengthOf = (sizeBytes: number): Readonly<Record<string, string>> =>
      kind === 'announced' ? { 'content-length': String(sizeBytes) } : {};

    test.each(cuts)(
      'end-5 and end-6 of %i bytes keep the %i that arrived, and the rest is 201',
      async (sizeBytes, kept) => {
        const bytes = content(sizeBytes);
        const location = await openSession(opened);
        const body = stream(bytes.subarray(0, kept), new DisconnectedError());
        const target = method === 'PUT' ? `${location}?digest=${sha256(bytes)}` : location;
        const broken = await opened.call(method, target, { headers: lengthOf(sizeBytes), body });
        expect(broken.codes()).toEqual(['SIZE_INVALID']);
        await resume(location, bytes, kept);
      },
    );

    test('end-5 and end-6 keep what arrived after what was there, and the rest is 201', async () => {
      const bytes = content(60_000);
      const location = await openSession(opened);
      await opened.call('PATCH', location, { body: bytes.subarray(0, 100) });
      const target = method === 'PUT' ? `${location}?digest=${sha256(bytes)}` : location;
      for (const [from, to] of [
        [100, 300],
        [300, 30_000],
      ] as const) {
        const body = stream(bytes.subarray(from, to), new DisconnectedError());
        await opened.call(method, target, { headers: lengthOf(bytes.length - from), body });
        expect(await rangeOf(location)).toBe(`0-${to - 1}`);
      }
      await resume(location, bytes, 30_000);
    });
  });

  test.each([20_000, 300_000])(
    'end-5 and end-6 keep what arrived when the request aborts while %i bytes are under way',
    async (sizeBytes) => {
      const bytes = content(sizeBytes);
      const location = await openSession(opened);
      const hangUp = new AbortController();
      const { body, owing, resume: late } = stalling(bytes.subarray(0, 10_000));
      const target = method === 'PUT' ? `${location}?digest=${sha256(bytes)}` : location;
      const headers = { 'content-length': String(sizeBytes) };
      const broken = opened.call(method, target, { headers, body, signal: hangUp.signal });
      await owing;
      hangUp.abort();
      expect((await broken).codes()).toEqual(['SIZE_INVALID']);
      late(bytes.subarray(10_000));
      await resume(location, bytes, 10_000);
    },
  );
});

test('a client that hangs up in a single POST leaves no session behind, and pushes again with 201', async () => {
  for (const bytes of [content(100), content(40_000)]) {
    const target = `/v2/acme/web/blobs/uploads/?digest=${sha256(bytes)}`;
    const headers = { 'content-length': String(bytes.length) };
    const body = stream(bytes.subarray(0, 50), new DisconnectedError());
    expect((await opened.call('POST', target, { headers, body })).codes()).toEqual(['SIZE_INVALID']);
    expect((await opened.call('GET', `/v2/acme/web/blobs/${sha256(bytes)}`)).status).toBe(404);
    expect((await opened.call('POST', target, { body: bytes })).status).toBe(201);
  }
});
