import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configType, imageOf } from '../../test/support/documents.ts';
import { imageType, openTestRegistry, sha256, type TestRegistry } from '../../test/support/registry.ts';
import type { Change, Hooks, RegistryEvent } from '../index.ts';

let opened: TestRegistry;
let changes: Change[];
let events: RegistryEvent[];

function open(hooks: Hooks = {}): void {
  const heard: RegistryEvent[] = [];
  events = heard;
  opened = openTestRegistry({
    before: (change) => {
      changes.push(change);
      return undefined;
    },
    after: (event) => {
      heard.push(event);
    },
    ...hooks,
  });
}

beforeEach(() => {
  changes = [];
  open();
});
afterEach(() => opened.close());

const at = '/v2/acme/web/manifests/';
const manifest = imageOf([], { annotations: { of: 'hooks' }, artifactType: 'application/x-test' });
const put = (tag: string, body = manifest) =>
  opened.call('PUT', `${at}${tag}`, { headers: { 'content-type': imageType }, body });
const facts = {
  digest: sha256(manifest),
  mediaType: imageType,
  sizeBytes: manifest.length,
  artifactType: 'application/x-test',
  subject: undefined,
  annotations: { of: 'hooks' },
};
const web = { repository: 'acme/web' };
/** Events told so far, without what differs each time. */
const told = async () => {
  await new Promise(setImmediate);
  return events.map(({ id, atMs, ...event }) => event);
};

describe('before', () => {
  const asked = () => changes.map(({ identity, ...change }) => change);

  test('is asked about each change with what it is about', async () => {
    await opened.pushBlob('acme/web', '{}');
    await put('a');
    await opened.call('POST', `/v2/acme/web/blobs/uploads/?digest=${sha256('x')}`, { body: 'x' });
    await opened.call('POST', `/v2/acme/api/blobs/uploads/?mount=${sha256('x')}&from=acme/web`);
    await opened.call('DELETE', `${at}a`);
    await opened.call('DELETE', `${at}${facts.digest}`);
    await opened.call('DELETE', `/v2/acme/web/blobs/${sha256('x')}`);
    await opened.registry.as({ id: 'alice' }).removeRepository('acme/api');
    expect(asked()).toEqual([
      { ...web, type: 'upload' },
      { ...web, type: 'blob-push', digest: sha256('{}'), sizeBytes: 2, mountedFrom: undefined },
      { ...web, type: 'manifest-push', ...facts, tags: ['a'] },
      { ...web, type: 'blob-push', digest: sha256('x'), sizeBytes: 1, mountedFrom: undefined },
      { repository: 'acme/api', type: 'blob-push', digest: sha256('x'), sizeBytes: 1, mountedFrom: 'acme/web' },
      { ...web, type: 'tag-delete', tag: 'a' },
      { ...web, type: 'manifest-delete', digest: facts.digest },
      { ...web, type: 'blob-delete', digest: sha256('x') },
      { repository: 'acme/api', type: 'repository-remove' },
    ]);
    expect(changes.at(-1)?.identity).toEqual({ id: 'alice' });
  });

  test('refuses with words that the client gets as 403 DENIED, and nothing is kept', async () => {
    await opened.pushBlob('acme/web', '{}');
    await put('kept');
    open({ before: (change) => (change.type === 'manifest-push' ? { refuse: 'Your plan is full.' } : undefined) });
    await opened.pushBlob('acme/web', '{}');
    const answer = await put('a');
    expect([answer.status, answer.json().errors]).toEqual([403, [{ code: 'DENIED', message: 'Your plan is full.' }]]);
    expect((await opened.call('GET', `${at}a`)).status).toBe(404);
  });

  test.each([
    ['upload', () => opened.call('POST', '/v2/acme/web/blobs/uploads/')],
    ['blob-push', () => opened.call('POST', `/v2/acme/web/blobs/uploads/?digest=${sha256('x')}`, { body: 'x' })],
    ['blob-push', () => opened.call('POST', `/v2/acme/web/blobs/uploads/?mount=${sha256('{}')}&from=acme/from`)],
    ['manifest-push', () => put('b')],
    ['tag-delete', () => opened.call('DELETE', `${at}a`)],
    ['manifest-delete', () => opened.call('DELETE', `${at}${facts.digest}`)],
    ['blob-delete', () => opened.call('DELETE', `/v2/acme/web/blobs/${sha256('loose')}`)],
  ])('that refuses %s keeps everything as it was', async (type, request) => {
    let isStrict = false;
    open({ before: async (change) => (isStrict && change.type === type ? { refuse: 'No.' } : undefined) });
    for (const name of ['acme/web', 'acme/from']) await opened.pushBlob(name, '{}');
    await opened.pushBlob('acme/web', 'loose');
    await put('a');
    const state = async () => ({
      tags: (await opened.registry.listTags('acme/web')).items,
      manifest: (await opened.call('GET', `${at}${facts.digest}`)).status,
      blobs: await Promise.all(
        ['x', 'loose', '{}'].map(
          async (text) => (await opened.call('GET', `/v2/acme/web/blobs/${sha256(text)}`)).status,
        ),
      ),
    });
    const before = await state();
    isStrict = true;
    expect((await request()).codes()).toEqual(['DENIED']);
    expect(await state()).toEqual(before);
  });

  test('that refuses a blob at the end of its session leaves the session as it was', async () => {
    let isStrict = true;
    open({ before: ({ type }) => (isStrict && type === 'blob-push' ? { refuse: 'No.' } : undefined) });
    const { headers } = await opened.call('POST', '/v2/acme/web/blobs/uploads/');
    const location = String(headers['location']);
    const big = 'x'.repeat(20_000);
    await opened.call('PATCH', location, { body: big });
    const close = () => opened.call('PUT', `${location}?digest=${sha256(big)}`);
    expect((await close()).status).toBe(403);
    isStrict = false;
    expect((await close()).status).toBe(201);
  });

  test('that fails is a fault of the registry, 500, and the change does not happen', async () => {
    const faults: Error[] = [];
    opened = openTestRegistry({
      before: () => Promise.reject(new Error('the database of plans is down')),
      onError: (error) => faults.push(error),
    });
    expect((await opened.call('POST', '/v2/acme/web/blobs/uploads/')).status).toBe(500);
    expect(faults.map(({ message }) => message)).toEqual(['the database of plans is down']);
  });

  test('is not asked where the caller may not do it, nor about what the application does itself', async () => {
    open({ before: () => ({ refuse: 'No.' }) });
    await opened.registry.pushBlob('acme/web', new TextEncoder().encode('{}'));
    await opened.registry.pushManifest('acme/web', 'a', { bytes: new TextEncoder().encode(manifest) });
    await opened.registry.delete('acme/web', 'a');
    await expect(opened.registry.as(undefined).delete('acme/web', facts.digest)).rejects.toThrow('No.');
    opened = openTestRegistry({ access: { authorize: () => false }, before: () => ({ refuse: 'No.' }) });
    const answer = await opened.call('POST', '/v2/acme/web/blobs/uploads/');
    expect(answer.json().errors[0].message).toContain('may not push');
  });
});

describe('after', () => {
  test('is told of each event once it is durable, in order', async () => {
    await opened.pushBlob('acme/web', '{}');
    await put('a');
    await put('b');
    const other = imageOf([]);
    await put('a', other);
    await opened.call('POST', `/v2/acme/api/blobs/uploads/?mount=${sha256('{}')}&from=acme/web`);
    await opened.call('DELETE', `${at}a`);
    await opened.call('DELETE', `${at}${facts.digest}`);
    await opened.registry.removeRepository('acme/api');
    const by = undefined;
    const otherFacts = {
      ...facts,
      digest: sha256(other),
      sizeBytes: other.length,
      artifactType: configType,
      annotations: undefined,
    };
    expect(await told()).toEqual([
      { ...web, by, type: 'blob-pushed', digest: sha256('{}'), sizeBytes: 2, mountedFrom: undefined },
      { ...web, by, type: 'manifest-pushed', ...facts, tags: ['a'], isNew: true },
      { ...web, by, type: 'tag-moved', tag: 'a', from: undefined, to: facts.digest },
      { ...web, by, type: 'manifest-pushed', ...facts, tags: ['b'], isNew: false },
      { ...web, by, type: 'tag-moved', tag: 'b', from: undefined, to: facts.digest },
      { ...web, by, type: 'manifest-pushed', ...otherFacts, tags: ['a'], isNew: true },
      { ...web, by, type: 'tag-moved', tag: 'a', from: facts.digest, to: sha256(other) },
      { repository: 'acme/api', by, type: 'blob-pushed', digest: sha256('{}'), sizeBytes: 2, mountedFrom: 'acme/web' },
      { ...web, by, type: 'tag-deleted', tag: 'a', digest: sha256(other), isExpired: false },
      { ...web, by, type: 'tag-deleted', tag: 'b', digest: facts.digest, isExpired: false },
      { ...web, by, type: 'manifest-deleted', digest: facts.digest, isExpired: false },
      { repository: 'acme/api', by, type: 'repository-removed' },
    ]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(events.every(({ atMs }) => atMs === Date.UTC(2026, 0, 1))).toBe(true);
  });

  test('is not told of what was refused, nor of a tag that pointed there already', async () => {
    expect((await put('a')).status).toBe(404);
    await opened.pushBlob('acme/web', '{}');
    await put('a');
    const before = (await told()).length;
    await put('a');
    await opened.call('DELETE', `${at}missing`);
    expect((await told()).slice(before)).toEqual([
      { ...web, by: undefined, type: 'manifest-pushed', ...facts, tags: ['a'], isNew: false },
    ]);
  });

  test('delays no answer, and close waits for what it promised', async () => {
    const gate = Promise.withResolvers<void>();
    let isDone = false;
    open({
      after: async () => {
        await gate.promise;
        isDone = true;
      },
    });
    await opened.pushBlob('acme/web', '{}');
    expect(isDone).toBe(false);
    const closing = opened.registry.close();
    gate.resolve();
    await closing;
    expect(isDone).toBe(true);
  });

  test('that fails is told to onError, and the next event comes all the same', async () => {
    open({
      after: (event) => {
        events.push(event);
        if (events.length === 1) throw new Error('the deploy failed');
        return Promise.reject(new Error('the deploy failed later'));
      },
    });
    await opened.pushBlob('acme/web', 'a');
    await opened.pushBlob('acme/web', 'b');
    await opened.close();
    expect(opened.faults.map(({ message }) => message)).toEqual(['the deploy failed', 'the deploy failed later']);
  });

  test('names who did it', async () => {
    await opened.registry.as({ id: 'alice' }).pushBlob('acme/web', new Uint8Array([1]));
    expect(await told()).toMatchObject([{ type: 'blob-pushed', by: 'alice' }]);
  });
});
