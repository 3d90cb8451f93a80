import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestRegistry, sha256, type TestRegistry } from '../../test/support/registry.ts';
import { content, listKeys, openSession, stalling } from '../../test/support/uploads.ts';
import { type BlobStore, parseStorageKey } from '../storage/blob-store.ts';
import { memory } from '../storage/memory.ts';
import type { MetadataStore } from '../storage/metadata-store.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';

const secondMs = 1000;
const dayMs = 24 * 60 * 60 * secondMs;

let nowMs: number;
let blobs: BlobStore;
let metadata: MetadataStore;
beforeEach(() => {
  nowMs = Date.UTC(2026, 0, 1);
  blobs = memory({ now: () => nowMs });
  metadata = sqlite({ file: ':memory:' });
});

let opened: TestRegistry | undefined;
function open(options: Parameters<typeof openTestRegistry>[0] = {}): TestRegistry {
  opened = openTestRegistry({ metadata, blobs, sources: { now: () => nowMs }, ...options });
  return opened;
}
afterEach(() => expect(opened?.faults).toEqual([]));

/** Bytes that neither a session nor a blob names: a process died between two steps. */
async function leaveBehind(count: number): Promise<void> {
  const { signal } = new AbortController();
  async function* bytes() {
    yield new Uint8Array(1);
  }
  for (let n = 0; n < count; n += 1) {
    const key = parseStorageKey(n.toString(16).padStart(32, '0'));
    await blobs.append(key, bytes(), { offsetBytes: 0, signal });
    if (n % 2 === 1) await blobs.publish(key);
  }
}

describe('sessions', () => {
  test('expire a day after their last use: then they are 404 and their bytes are gone', async () => {
    const { registry, call } = open();
    const location = await openSession({ call });
    await call('PATCH', location, { body: content(40_000) });
    nowMs += dayMs;
    expect(await registry.sweep()).toMatchObject({ expiredUploads: 0, expiredTokens: 0, leftovers: 0 });
    expect((await call('GET', location)).status).toBe(204);
    nowMs += 1;
    expect(await registry.sweep()).toMatchObject({ expiredUploads: 1, expiredTokens: 0, leftovers: 0 });
    expect((await call('GET', location)).codes()).toEqual(['BLOB_UPLOAD_UNKNOWN']);
    expect(await listKeys(blobs)).toEqual([]);
  });

  test('are 404 after their time also where nobody sweeps', async () => {
    const { call } = open();
    const location = await openSession({ call });
    nowMs += dayMs + 1;
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      expect((await call(method, location)).codes()).toEqual(['BLOB_UPLOAD_UNKNOWN']);
    }
  });

  test('do not expire under a writer whose bytes flow, however long that takes', async () => {
    const { registry, call } = open({ uploads: { ttlSeconds: 600 } });
    const location = await openSession({ call });
    async function* slow() {
      for (let minute = 0; minute < 20; minute += 1) {
        yield content(10);
        expect((await call('GET', location)).status).toBe(204);
        expect(await registry.sweep()).toMatchObject({ expiredUploads: 0 });
        nowMs += 60 * secondMs;
      }
    }
    expect((await call('PATCH', location, { body: slow() })).status).toBe(202);
  });

  test('expire after uploads.ttlSeconds where that is set, and each PATCH begins the time again', async () => {
    const { registry, call } = open({ uploads: { ttlSeconds: 600 } });
    const used = await openSession({ call });
    const unused = await openSession({ call });
    nowMs += 400 * secondMs;
    await call('PATCH', used, { body: 'hello' });
    nowMs += 400 * secondMs;
    expect(await registry.sweep()).toMatchObject({ expiredUploads: 1 });
    expect((await call('GET', unused)).status).toBe(404);
    expect((await call('PUT', `${used}?digest=${sha256('hello')}`)).status).toBe(201);
  });

  test('keep their bytes beyond a day where they may live for longer', async () => {
    const { registry, call } = open({ uploads: { ttlSeconds: 7 * 86_400 } });
    const location = await openSession({ call });
    await call('PATCH', location, { body: content(40_000) });
    nowMs += 3 * dayMs;
    expect(await registry.sweep()).toMatchObject({ expiredUploads: 0, expiredTokens: 0, leftovers: 0 });
    expect((await call('PUT', `${location}?digest=${sha256(content(40_000))}`)).status).toBe(201);
  });

  test('do not expire while somebody writes to them, however long that takes', async () => {
    const { registry, call } = open({ uploads: { ttlSeconds: 60 } });
    const location = await openSession({ call });
    const swept: unknown[] = [];
    async function* slowly() {
      for (const piece of ['he', 'l', 'lo']) {
        nowMs += 10 * 60 * secondMs;
        yield new TextEncoder().encode(piece);
        swept.push(await registry.sweep());
      }
    }
    expect((await call('PATCH', location, { body: slowly() })).status).toBe(202);
    expect(swept).toEqual(Array(3).fill({ expiredUploads: 0, expiredTokens: 0, leftovers: 0, expiredTags: 0 }));
    expect((await call('PUT', `${location}?digest=${sha256('hello')}`)).status).toBe(201);
  });

  test('expire under a writer that stalled for all that time: it is 404 when it wakes, and nothing of it stays', async () => {
    const { registry, call } = open();
    const location = await openSession({ call });
    const body = stalling(content(100));
    const patching = call('PATCH', location, { body: body.body });
    await body.owing;
    nowMs += dayMs + 1;
    expect(await registry.sweep()).toMatchObject({ expiredUploads: 1 });
    body.resume(content(100));
    expect((await patching).codes()).toEqual(['BLOB_UPLOAD_UNKNOWN']);
    expect(await listKeys(blobs)).toEqual([]);
  });

  test('all expire in one pass, however many they are', async () => {
    const { registry, call } = open();
    for (let n = 0; n < 600; n += 1) await openSession({ call });
    nowMs += dayMs + 1;
    expect(await registry.sweep()).toMatchObject({ expiredUploads: 600, expiredTokens: 0, leftovers: 0 });
    expect(await registry.sweep()).toMatchObject({ expiredUploads: 0, expiredTokens: 0, leftovers: 0 });
  });
});

describe('leftovers', () => {
  test('go when they are older than a day, and not before', async () => {
    const { registry } = open();
    await leaveBehind(3);
    nowMs += dayMs;
    expect(await registry.sweep()).toMatchObject({ expiredUploads: 0, expiredTokens: 0, leftovers: 0 });
    nowMs += 1;
    expect(await registry.sweep()).toMatchObject({ expiredUploads: 0, expiredTokens: 0, leftovers: 3 });
    expect(await listKeys(blobs)).toEqual([]);
  });

  test('go all in one pass, and blobs stay', async () => {
    const { registry, call, pushBlob } = open();
    await leaveBehind(600);
    const bytes = content(40_000);
    const digest = await pushBlob('acme/web', bytes);
    nowMs += 100 * dayMs;
    expect(await registry.sweep()).toMatchObject({ expiredUploads: 0, expiredTokens: 0, leftovers: 600 });
    expect(sha256((await call('GET', `/v2/acme/web/blobs/${digest}`)).bytes)).toBe(digest);
  });
});

describe('of two processes', () => {
  /** A store whose list stands still before its item number `after`, until it is let go. */
  function standingStill(after: number) {
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    async function* list(signal: AbortSignal) {
      let count = 0;
      for await (const item of blobs.list(signal)) {
        if (count === after) {
          reached.resolve();
          await go.promise;
        }
        count += 1;
        yield item;
      }
    }
    return { store: { ...blobs, list }, reached: reached.promise, go: go.resolve };
  }

  test('one sweeps, and the other returns at once with zeros', async () => {
    await leaveBehind(3);
    nowMs += 2 * dayMs;
    const { store, reached, go } = standingStill(1);
    const first = open({ blobs: store }).registry.sweep();
    await reached;
    expect(await open().registry.sweep()).toMatchObject({ expiredUploads: 0, expiredTokens: 0, leftovers: 0 });
    go();
    expect(await first).toMatchObject({ expiredUploads: 0, expiredTokens: 0, leftovers: 3 });
    expect(await open().registry.sweep()).toMatchObject({ expiredUploads: 0, expiredTokens: 0, leftovers: 0 });
  });

  test('one that stood still for a minute removes nothing more once the other has taken over', async () => {
    await leaveBehind(300);
    nowMs += 2 * dayMs;
    const { store, reached, go } = standingStill(255);
    const first = open({ blobs: store }).registry.sweep();
    await reached;
    nowMs += 60_001;
    const other = { name: 'sweep', holder: 'the other process', nowMs, untilMs: nowMs + 60_000 };
    expect(await metadata.acquireLease(other)).toBe(true);
    go();
    expect(await first).toMatchObject({ expiredUploads: 0, expiredTokens: 0, leftovers: 0 });
    expect(await listKeys(blobs)).toHaveLength(300);
    expect(await metadata.acquireLease({ ...other, holder: 'a third one' })).toBe(false);
  });

  test('one that died is followed by the other after a minute', async () => {
    await leaveBehind(1);
    nowMs += 2 * dayMs;
    await metadata.acquireLease({ name: 'sweep', holder: 'died', nowMs, untilMs: nowMs + 60_000 });
    const { registry } = open();
    expect(await registry.sweep()).toMatchObject({ leftovers: 0 });
    nowMs += 60_001;
    expect(await registry.sweep()).toMatchObject({ leftovers: 1 });
  });
});

test('a sweep that is aborted throws, gives its lease back and can be done again', async () => {
  await leaveBehind(3);
  nowMs += 2 * dayMs;
  const { registry } = open();
  await expect(registry.sweep(AbortSignal.abort(new Error('shutting down')))).rejects.toThrow('shutting down');
  expect(await open().registry.sweep()).toMatchObject({ leftovers: 3 });
});

test('tokens of logins that ended are removed', async () => {
  const { registry } = open();
  await registry.accessTokens.create({
    kind: 'offline',
    identity: 'alice',
    pattern: undefined,
    actions: [],
    ttlSeconds: 60,
  });
  expect(await registry.sweep()).toMatchObject({ expiredTokens: 0 });
  nowMs += 61 * secondMs;
  expect(await registry.sweep()).toMatchObject({ expiredTokens: 1 });
  expect(await registry.accessTokens.list('offline')).toEqual([]);
});
