import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestRegistry, sha256, stream, type TestRegistry } from '../../../test/support/registry.ts';
import { content, openSession, stalling } from '../../../test/support/uploads.ts';
import { DisconnectedError } from '../message.ts';

let opened: TestRegistry;
beforeEach(() => {
  opened = openTestRegistry();
});
afterEach(() => expect(opened.faults).toEqual([]));

/** Longer than a writer holds a session without a sign of life. */
const leaseMs = 15_001;

async function closes(location: string, bytes: Uint8Array): Promise<void> {
  expect((await opened.call('PUT', `${location}?digest=${sha256(bytes)}`)).status).toBe(201);
  const pulled = await opened.call('GET', `/v2/acme/web/blobs/${sha256(bytes)}`);
  expect(Buffer.compare(pulled.bytes, bytes)).toBe(0);
}

describe('of two writers of one session', () => {
  test.each([2, 5])('that begin at once, of %i, end-5 answers one 202 and the others 409', async (count) => {
    const location = await openSession(opened);
    const patches = Array.from({ length: count }, () =>
      opened.call('PATCH', location, { body: stream(content(20_000)) }),
    );
    const answers = await Promise.all(patches);
    expect(answers.map(({ status }) => status).sort()).toEqual([202, ...Array(count - 1).fill(409)]);
    for (const refused of answers.filter(({ status }) => status === 409)) {
      expect(refused.codes()).toEqual(['BLOB_UPLOAD_INVALID']);
      expect(refused.headers['retry-after']).toBe('15');
    }
    await closes(location, content(20_000));
  });

  test.each([100, 20_000])('that close it at once with %i bytes, end-6 answers one 201', async (sizeBytes) => {
    const bytes = content(sizeBytes);
    const location = await openSession(opened);
    const put = () => opened.call('PUT', `${location}?digest=${sha256(bytes)}`, { body: bytes });
    const statuses = (await Promise.all([put(), put()])).map(({ status }) => status);
    expect(statuses).toContain(201);
    expect(statuses.filter((status) => status === 404 || status === 409)).toHaveLength(1);
  });

  test.each([
    ['PATCH', {}],
    ['PUT', {}],
    ['PUT', { 'content-length': '10' }],
    ['PUT', { 'content-length': '0' }],
  ])('the second %s %o is 409, and its body is not asked for', async (method, headers) => {
    const location = await openSession(opened);
    const first = stalling(content(100));
    const patching = opened.call('PATCH', location, { body: first.body });
    await first.owing;
    const body = stream(new Error('the body was asked for'));
    const refused = await opened.call(method, `${location}?digest=${sha256('')}`, { headers, body });
    expect(refused).toMatchObject({ status: 409, headers: { 'retry-after': '15' } });
    first.resume(content(200).subarray(100));
    expect(await patching).toMatchObject({ status: 202, headers: { range: '0-199' } });
    await closes(location, content(200));
  });

  test('a small PUT is 409 even where nothing of the first has arrived yet', async () => {
    const location = await openSession(opened);
    const first = stalling(new Uint8Array());
    const patching = opened.call('PATCH', location, { body: first.body });
    await first.owing;
    const target = `${location}?digest=${sha256('second')}`;
    expect((await opened.call('PUT', target, { body: 'second' })).status).toBe(409);
    first.resume(content(100));
    expect((await patching).status).toBe(202);
    await closes(location, content(100));
  });

  test('the first goes on however long it takes, as long as bytes flow', async () => {
    const location = await openSession(opened);
    const bytes = content(50_000);
    async function* slowly() {
      for (let at = 0; at < bytes.length; at += 10_000) {
        opened.advance(10_000);
        const refused = await opened.call('PATCH', location, { body: 'second' });
        expect(refused.status).toBe(409);
        yield bytes.subarray(at, at + 10_000);
      }
    }
    expect((await opened.call('PATCH', location, { body: slowly() })).status).toBe(202);
    await closes(location, bytes);
  });
});

describe('a writer that stalls past its lease', () => {
  test('end-5 loses the session: the next is 409 once, then 202, and late bytes never land', async () => {
    const location = await openSession(opened);
    const bytes = content(30_000);
    const first = stalling(bytes.subarray(0, 10_000));
    const patching = opened.call('PATCH', location, { body: first.body });
    await first.owing;
    opened.advance(leaseMs);
    expect((await opened.call('PATCH', location, { body: 'too early' })).status).toBe(409);
    expect((await patching).status).toBe(409);

    const next = { headers: { 'content-range': '10000-29999' }, body: bytes.subarray(10_000) };
    expect(await opened.call('PATCH', location, next)).toMatchObject({ status: 202 });
    first.resume(content(5000));
    await closes(location, bytes);
  });

  test('end-5 goes on with 202 where nobody took the session meanwhile', async () => {
    const location = await openSession(opened);
    const bytes = content(30_000);
    const first = stalling(bytes.subarray(0, 10_000));
    const patching = opened.call('PATCH', location, { body: first.body });
    await first.owing;
    opened.advance(leaseMs);
    first.resume(bytes.subarray(10_000));
    expect(await patching).toMatchObject({ status: 202, headers: { range: '0-29999' } });
    await closes(location, bytes);
  });

  test('end-6 loses the session too, and the one that goes on makes the blob', async () => {
    const location = await openSession(opened);
    const bytes = content(30_000);
    const target = `${location}?digest=${sha256(bytes)}`;
    const first = stalling(bytes.subarray(0, 10_000));
    const putting = opened.call('PUT', target, { headers: { 'content-length': '30000' }, body: first.body });
    await first.owing;
    opened.advance(leaseMs);
    expect((await opened.call('PUT', target, { body: 'too early' })).status).toBe(409);
    expect((await putting).status).toBe(409);
    const rest = { headers: { 'content-range': '10000-29999' }, body: bytes.subarray(10_000) };
    expect((await opened.call('PUT', target, rest)).status).toBe(201);
    first.resume(content(5000));
    const pulled = await opened.call('GET', `/v2/acme/web/blobs/${sha256(bytes)}`);
    expect(Buffer.compare(pulled.bytes, bytes)).toBe(0);
  });
});

test('end-6 of a small blob loses to a PATCH that came while its body arrived: 409, and the bytes of the PATCH stay', async () => {
  const location = await openSession(opened);
  const small = stalling(content(100));
  const headers = { 'content-length': '200' };
  const putting = opened.call('PUT', `${location}?digest=${sha256(content(200))}`, { headers, body: small.body });
  await small.owing;
  expect((await opened.call('PATCH', location, { body: 'patched' })).status).toBe(202);
  small.resume(content(200).subarray(100));
  expect((await putting).status).toBe(409);
  await closes(location, new TextEncoder().encode('patched'));
});

test('end-6 of a small blob that hangs up after a PATCH came keeps nothing of its own: it would lie behind those bytes', async () => {
  const location = await openSession(opened);
  const small = stalling(content(100));
  const headers = { 'content-length': '200' };
  const putting = opened.call('PUT', `${location}?digest=${sha256(content(200))}`, { headers, body: small.body });
  await small.owing;
  await opened.call('PATCH', location, { body: 'patched' });
  small.fail(new DisconnectedError());
  await putting;
  await closes(location, new TextEncoder().encode('patched'));
});
