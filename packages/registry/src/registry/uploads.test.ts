import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openTestRegistry, sha256, sha512, stream, type TestRegistry } from '../../test/support/registry.ts';
import { content, openSession, stalling } from '../../test/support/uploads.ts';
import { DisconnectedError } from '../http/message.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import { StorageError } from '../storage/error.ts';
import { filesystem } from '../storage/filesystem/filesystem.ts';
import { memory } from '../storage/memory.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** Longer than a writer holds a session without a sign of life. */
const leaseMs = 15_001;

/** Two registries over the same rows and the same directory, as two processes have them: neither knows what the other has in memory. */
function openTwo(wrapStoreOfOne = (store: BlobStore) => store): {
  one: TestRegistry;
  two: TestRegistry;
  advance(ms: number): void;
} {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-uploads-'));
  directories.push(directory);
  const metadata = sqlite({ file: ':memory:' });
  let nowMs = Date.UTC(2026, 0, 1);
  const sources = { now: () => nowMs };
  const open = (blobs: BlobStore) => openTestRegistry({ metadata, blobs, sources });
  return {
    one: open(wrapStoreOfOne(filesystem({ directory }))),
    two: open(filesystem({ directory })),
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

async function closes(opened: TestRegistry, location: string, bytes: Uint8Array): Promise<void> {
  const closed = await opened.call('PUT', `${location}?digest=${sha256(bytes)}`);
  expect(closed.status).toBe(201);
  const pulled = await opened.call('GET', String(closed.headers['location']));
  expect(sha256(pulled.bytes)).toBe(sha256(bytes));
}

test('a session that stays in its process is closed with 201 and never read again, whatever happened to it', async () => {
  const store = memory();
  let reads = 0;
  const readUpload: BlobStore['readUpload'] = (...of) => {
    reads += 1;
    return store.readUpload(...of);
  };
  const opened = openTestRegistry({ blobs: { ...store, readUpload } });
  const bytes = content(70_000);
  const location = await openSession(opened);
  const target = `${location}?digest=${sha256(bytes)}`;
  await opened.call('PATCH', location, { body: bytes.subarray(0, 20_000) });
  await opened.call('PATCH', location, { body: stream(bytes.subarray(20_000, 30_000), new DisconnectedError()) });
  await opened.call('PATCH', location, { headers: { 'content-length': '9' }, body: stream('too long for nine') });
  await opened.call('PUT', target, { body: 'wrong bytes, which are taken back' });
  await opened.call('PUT', target, { body: stream(bytes.subarray(30_000, 60_000), new DisconnectedError()) });
  await opened.call('PATCH', location, { body: bytes.subarray(60_000) });
  expect((await opened.call('PUT', target)).status).toBe(201);
  expect(reads).toBe(0);
});

describe('a session that goes on in another process', () => {
  test.each([100, 40_000])('is closed there with 201 after %i bytes: its digest is read again', async (sizeBytes) => {
    const { one, two } = openTwo();
    const location = await openSession(one);
    await one.call('PATCH', location, { body: content(sizeBytes) });
    expect((await two.call('GET', location)).headers['range']).toBe(`0-${sizeBytes - 1}`);
    await closes(two, location, content(sizeBytes));
  });

  test('goes to and fro, and its digest is that of all bytes', async () => {
    const { one, two } = openTwo();
    const bytes = content(90_000);
    const location = await openSession(one);
    for (let at = 0; at < 9; at += 1) {
      const headers = { 'content-range': `${at * 10_000}-${at * 10_000 + 9999}` };
      const body = bytes.subarray(at * 10_000, at * 10_000 + 10_000);
      const answer = await (at % 3 === 1 ? two : one).call('PATCH', location, { headers, body });
      expect(answer.status).toBe(202);
    }
    await closes(two, location, bytes);
  });

  test('is closed there with 201 under another algorithm', async () => {
    const { one, two } = openTwo();
    const location = await openSession(one);
    await one.call('PATCH', location, { body: content(40_000) });
    expect((await two.call('PUT', `${location}?digest=${sha512(content(40_000))}`)).status).toBe(201);
  });

  test('stays held while it is read again there, however long that takes', async () => {
    const metadata = sqlite({ file: ':memory:' });
    const store = memory();
    const one = openTestRegistry({ metadata, blobs: store });
    const location = await openSession(one);
    for (let n = 0; n < 4; n += 1) await one.call('PATCH', location, { body: content(10_000) });

    const refusals: number[] = [];
    async function* readUpload(...of: Parameters<BlobStore['readUpload']>) {
      for await (const bytes of store.readUpload(...of)) {
        two.advance(10_000);
        refusals.push((await two.call('PATCH', location, { body: 'second' })).status);
        yield bytes;
      }
    }
    const two = openTestRegistry({ metadata, blobs: { ...store, readUpload } });
    const bytes = Buffer.concat(Array(4).fill(content(10_000)));
    expect((await two.call('PUT', `${location}?digest=${sha256(bytes)}`)).status).toBe(201);
    expect(refusals).toEqual([409, 409, 409, 409]);
  });

  test('is 409 there while it is written to here', async () => {
    const { one, two } = openTwo();
    const location = await openSession(one);
    const first = stalling(content(100));
    const patching = one.call('PATCH', location, { body: first.body });
    await first.owing;
    expect(await two.call('PATCH', location, { body: 'x' })).toMatchObject({
      status: 409,
      headers: { 'retry-after': '15' },
    });
    first.resume(content(1));
    expect((await patching).status).toBe(202);
  });
});

describe('a writer that stalled past its lease while another process took the session over', () => {
  async function takenOver() {
    const { one, two, advance } = openTwo();
    const location = await openSession(one);
    const first = stalling(new Uint8Array(10_000).fill(1));
    const patching = one.call('PATCH', location, { body: first.body });
    await first.owing;
    advance(leaseMs);
    const bytes = content(20_000);
    expect((await two.call('PATCH', location, { body: bytes })).status).toBe(202);
    return { two, location, first, patching, bytes };
  }

  test('loses with 409 when it wakes, and its bytes never land', async () => {
    const { two, location, first, patching, bytes } = await takenOver();
    first.resume(content(5000));
    expect((await patching).status).toBe(409);
    await closes(two, location, bytes);
  });

  test('loses with 409 when its body ends, and its bytes never land', async () => {
    const { two, location, first, patching, bytes } = await takenOver();
    first.resume();
    expect((await patching).status).toBe(409);
    await closes(two, location, bytes);
  });

  test('does not make a blob of what the other has appended', async () => {
    let meanwhile = async (): Promise<void> => undefined;
    const { one, two, advance } = openTwo((store) => ({
      ...store,
      async append(...of) {
        const sizeBytes = await store.append(...of);
        await meanwhile();
        return sizeBytes;
      },
    }));
    const bytes = content(60_000);
    const location = await openSession(one);
    meanwhile = async () => {
      advance(leaseMs);
      const rest = { headers: { 'content-range': '40000-59999' }, body: bytes.subarray(40_000) };
      expect((await two.call('PATCH', location, rest)).status).toBe(202);
    };
    const target = `${location}?digest=${sha256(bytes.subarray(0, 40_000))}`;
    expect((await one.call('PUT', target, { body: bytes.subarray(0, 40_000) })).status).toBe(409);
    await closes(two, location, bytes);
  });

  test('leaves nothing when its client hangs up', async () => {
    const { two, location, first, patching, bytes } = await takenOver();
    first.fail(new DisconnectedError());
    await patching;
    await closes(two, location, bytes);
  });

  test('leaves nothing when its client hangs up after the blob was made', async () => {
    const { two, location, first, patching, bytes } = await takenOver();
    expect((await two.call('PUT', `${location}?digest=${sha256(bytes)}`)).status).toBe(201);
    first.fail(new DisconnectedError());
    await patching;
    const pulled = await two.call('GET', `/v2/acme/web/blobs/${sha256(bytes)}`);
    expect(sha256(pulled.bytes)).toBe(sha256(bytes));
  });
});

describe('a store that refuses', () => {
  /** A store whose next `publish` or `append` is refused. */
  function refusing(method: 'publish' | 'append', error: Error): BlobStore {
    const store = memory();
    let isRefused = false;
    const once = <T>(act: () => Promise<T>): Promise<T> => {
      if (isRefused) return act();
      isRefused = true;
      return Promise.reject(error);
    };
    return method === 'publish'
      ? { ...store, publish: (key) => once(() => store.publish(key)) }
      : { ...store, append: (key, body, at) => once(() => store.append(key, body, at)) };
  }

  test.each([
    ['append', '0-0', content(40_000)],
    ['publish', '0-39999', new Uint8Array()],
  ] as const)('for want of space in %s makes end-6 507, and then the rest 201', async (method, range, rest) => {
    const fault = new StorageError('no-space', 'The disk is full.');
    const opened = openTestRegistry({ blobs: refusing(method, fault) });
    const location = await openSession(opened);
    const target = `${location}?digest=${sha256(content(40_000))}`;
    const refused = await opened.call('PUT', target, { body: content(40_000) });
    expect(refused.status).toBe(507);
    expect(refused.codes()).toEqual(['UNKNOWN']);
    expect(opened.faults).toEqual([fault]);
    expect((await opened.call('GET', location)).headers['range']).toBe(range);
    expect((await opened.call('PUT', target, { body: rest })).status).toBe(201);
  });

  test('by a fault of its own makes end-5 500 that tells nothing of it, and the session goes on', async () => {
    const fault = new Error('EIO: /srv/secret/path');
    const opened = openTestRegistry({ blobs: refusing('append', fault) });
    const location = await openSession(opened);
    const failed = await opened.call('PATCH', location, { body: 'hello' });
    expect(failed.status).toBe(500);
    expect(failed.text).not.toContain('secret');
    expect(opened.faults).toEqual([fault]);
    expect((await opened.call('PATCH', location, { body: 'hello' })).status).toBe(202);
    await closes(opened, location, new TextEncoder().encode('hello'));
  });
});

test.each([
  ['in the same process', (opened: TestRegistry) => opened],
  ['in another process', (_: TestRegistry, other: TestRegistry) => other],
])('a closing PUT whose commit fails loses nothing of the session, which is closed with 201 %s', async (_, choose) => {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-uploads-'));
  directories.push(directory);
  const metadata = sqlite({ file: ':memory:' });
  let failures = 1;
  const publishBlob: typeof metadata.publishBlob = (command) => {
    failures -= 1;
    if (failures >= 0) throw new StorageError('no-space', 'The disk is full.');
    return metadata.publishBlob(command);
  };
  const opened = openTestRegistry({ metadata: { ...metadata, publishBlob }, blobs: filesystem({ directory }) });
  const other = openTestRegistry({ metadata, blobs: filesystem({ directory }) });
  const bytes = content(70_000);
  const location = await openSession(opened);
  await opened.call('PATCH', location, { body: bytes.subarray(0, 40_000) });
  const refused = await opened.call('PUT', `${location}?digest=${sha256(bytes)}`, { body: bytes.subarray(40_000) });
  expect(refused.status).toBe(507);
  expect((await opened.call('GET', location)).headers).toMatchObject({ range: '0-69999' });
  await closes(choose(opened, other), location, bytes);
});

test('a blob is pushed with 201 though the bytes that it does not need cannot be removed', async () => {
  const blobs = memory();
  const remove = () => Promise.reject(new Error('not now'));
  const opened = openTestRegistry({ blobs: { ...blobs, remove } });
  await closes(
    opened,
    await openSession(opened).then(async (location) => {
      await opened.call('PATCH', location, { body: content(100) });
      return location;
    }),
    content(100),
  );
});
