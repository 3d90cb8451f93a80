import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openUserRegistry, type UserRegistry } from '../../test/access/users.ts';
import { configType, imageOf } from '../../test/support/documents.ts';
import { imageType, sha256 } from '../../test/support/registry.ts';

let opened: UserRegistry;
beforeEach(() => {
  opened = openUserRegistry();
});
afterEach(async () => {
  await opened.close();
  expect(opened.faults).toEqual([]);
});

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const image = imageOf([]);
const push = (operations: Pick<UserRegistry['registry'], 'pushBlob' | 'pushManifest'>, name: string, tag = 'a') =>
  operations.pushBlob(name, encode('{}')).then(() => operations.pushManifest(name, tag, { bytes: encode(image) }));
const textOf = async (bytes: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(bytes)).toString();

test('what the application pushes is what it reads, and what clients read', async () => {
  const { registry } = opened;
  expect(await push(registry, 'acme/web')).toMatchObject({ digest: sha256(image), tags: ['a'] });
  expect(await registry.getRepository('acme/web')).toEqual({
    name: 'acme/web',
    visibility: 'private',
    createdBy: undefined,
    manifestCount: 1,
  });
  const manifest = await registry.getManifest('acme/web', 'a');
  expect({ ...manifest, bytes: Buffer.from(manifest.bytes).toString() }).toEqual({
    digest: sha256(image),
    mediaType: imageType,
    sizeBytes: image.length,
    artifactType: configType,
    subject: undefined,
    annotations: undefined,
    bytes: image,
  });
  const blob = await registry.readBlob('acme/web', sha256('{}'));
  expect([blob.sizeBytes, await textOf(blob.bytes)]).toEqual([2, '{}']);
  await registry.setVisibility('acme/web', 'public');
  expect((await opened.call('GET', '/v2/acme/web/manifests/a')).text).toBe(image);
});

test('a blob comes as bytes or as a stream, small or large, and reads back', async () => {
  const { registry } = opened;
  async function* streamed(text: string) {
    for (let at = 0; at < text.length; at += 7_000) yield encode(text.slice(at, at + 7_000));
  }
  for (const text of ['', 'small', 'x'.repeat(50_000)]) {
    for (const content of [encode(text), streamed(text)]) {
      expect(await registry.pushBlob('acme/web', content)).toEqual({ digest: sha256(text), sizeBytes: text.length });
    }
    expect(await textOf((await registry.readBlob('acme/web', sha256(text))).bytes)).toBe(text);
  }
});

test('a stream that breaks off leaves nothing behind', async () => {
  async function* broken() {
    yield encode('x');
    throw new Error('the source is gone');
  }
  await expect(opened.registry.pushBlob('acme/web', broken())).rejects.toThrow('the source is gone');
  opened.advance(2 * 86_400_000);
  expect(await opened.registry.sweep()).toMatchObject({ expiredUploads: 0, leftovers: 0 });
});

test('tag points a tag at what another tag or a digest names, to roll back for example', async () => {
  const { registry } = opened;
  const { digest } = await push(registry, 'acme/web', 'v1');
  const next = await registry.pushManifest('acme/web', 'live', {
    bytes: encode(imageOf([], { annotations: { v: '2' } })),
  });
  expect(await registry.tag('acme/web', 'live', 'v1')).toBe(digest);
  expect((await registry.getManifest('acme/web', 'live')).digest).toBe(digest);
  await registry.tag('acme/web', 'live', next.digest);
  expect((await registry.getManifest('acme/web', 'live')).digest).toBe(next.digest);
  await expect(registry.tag('acme/web', 'live', 'missing')).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
});

test('lists go page by page', async () => {
  const { registry } = opened;
  for (const name of ['a/a', 'b/b', 'c/c']) await push(registry, name);
  for (const tag of ['b', 'c']) await registry.tag('a/a', tag, 'a');
  const first = await registry.listRepositories({ limit: 2 });
  expect(first).toEqual({ items: ['a/a', 'b/b'], next: 'b/b' });
  expect(await registry.listRepositories({ limit: 2, after: first.next })).toEqual({ items: ['c/c'], next: undefined });
  const tags = await registry.listTags('a/a', { limit: 2 });
  expect(tags).toMatchObject({ items: [{ tag: 'a' }, { tag: 'b' }], next: 'b' });
  expect(await registry.listTags('a/a', { after: tags.next })).toEqual({
    items: [
      {
        tag: 'c',
        digest: sha256(image),
        mediaType: imageType,
        sizeBytes: image.length,
        movedMs: Date.UTC(2026, 0, 1),
        expiresMs: undefined,
      },
    ],
    next: undefined,
  });
  const subject = { mediaType: imageType, digest: sha256(image), size: image.length };
  await registry.pushManifest('a/a', 's', { bytes: encode(imageOf([], { subject, artifactType: 'a/signature' })) });
  const referrers = await registry.listReferrers('a/a', sha256(image), { artifactType: 'a/signature' });
  expect(referrers.items.map(({ artifactType }) => artifactType)).toEqual(['a/signature']);
  expect((await registry.listReferrers('a/a', sha256(image), { artifactType: 'b/b' })).items).toEqual([]);
});

test('a page that must not name the place where it ends gives a place for the next', async () => {
  const own = openUserRegistry({ access: { authorize: ({ repository }) => repository?.visibility === 'public' } });
  const { registry } = own;
  for (let n = 0; n < 1_001; n += 1) await push(registry, `hidden/n${1_000 + n}`);
  await push(registry, 'open/web');
  await registry.setVisibility('open/web', 'public');
  const alice = registry.as({ id: 'alice' });
  const { items, next } = await alice.listRepositories();
  expect([items, next?.startsWith('#')]).toEqual([[], true]);
  expect(await alice.listRepositories({ after: next })).toEqual({ items: ['open/web'], next: undefined });
  await own.close();
});

test('a list of one namespace has what is below it, and not what merely begins alike', async () => {
  const { registry } = opened;
  for (const name of ['web', 'web-x/a', 'web.b/a', 'web/a', 'web/b/c', 'web0/a', 'webs/a']) await push(registry, name);
  expect(await registry.listRepositories({ namespace: 'web' })).toEqual({
    items: ['web/a', 'web/b/c'],
    next: undefined,
  });
  expect(await registry.listRepositories({ namespace: 'web', limit: 1 })).toEqual({ items: ['web/a'], next: 'web/a' });
  const rest = { items: ['web/b/c'], next: undefined };
  expect(await registry.listRepositories({ namespace: 'web', after: 'web/a' })).toEqual(rest);
  expect(
    await registry.as({ id: 'admin', admin: true }).listRepositories({ namespace: 'web', after: 'web/a' }),
  ).toEqual(rest);
  await expect(registry.listRepositories({ namespace: 'web/' })).rejects.toMatchObject({ code: 'NAME_INVALID' });
});

test('what is no name, tag or digest is refused in words', async () => {
  const { registry } = opened;
  await push(registry, 'acme/web');
  await expect(registry.listTags('Acme')).rejects.toMatchObject({ code: 'NAME_INVALID' });
  await expect(registry.getManifest('acme/web', '-')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' });
  await expect(registry.readBlob('acme/web', 'sha256:1')).rejects.toMatchObject({ code: 'DIGEST_INVALID' });
  await expect(registry.listTags('acme/none')).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
  await expect(registry.setVisibility('acme/none', 'public')).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
});

describe('expire', () => {
  test('lets a tag and what only it held go at the first sweep after its time, and tells of both', async () => {
    const { registry } = opened;
    const { digest } = await push(registry, 'acme/web', 'preview');
    const at = new Date(Date.UTC(2026, 0, 1) + 60_000);
    await registry.expire('acme/web', 'preview', at);
    expect(await registry.sweep()).toMatchObject({ expiredTags: 0 });
    opened.advance(60_000);
    expect(await registry.sweep()).toMatchObject({ expiredTags: 1 });
    for (const reference of ['preview', digest]) {
      await expect(registry.getManifest('acme/web', reference)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    }
  });

  test('of undefined keeps the tag, and a manifest that another tag holds stays', async () => {
    const { registry } = opened;
    await push(registry, 'acme/web', 'a');
    await registry.tag('acme/web', 'b', 'a');
    const past = new Date(0);
    await registry.expire('acme/web', 'a', past);
    await registry.expire('acme/web', 'a', undefined);
    expect(await registry.sweep()).toMatchObject({ expiredTags: 0 });
    await registry.expire('acme/web', 'a', past);
    expect(await registry.sweep()).toMatchObject({ expiredTags: 1 });
    expect((await registry.listTags('acme/web')).items.map(({ tag }) => tag)).toEqual(['b']);
    expect((await registry.getManifest('acme/web', 'b')).digest).toBe(sha256(image));
  });

  test('of a tag that is not there is MANIFEST_UNKNOWN, and refused where deletes are off', async () => {
    await push(opened.registry, 'acme/web');
    const tomorrow = new Date(Date.UTC(2027, 0, 1));
    await expect(opened.registry.expire('acme/web', 'b', tomorrow)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    const closed = openUserRegistry({ deletes: { manifests: false } });
    await push(closed.registry, 'acme/web');
    await expect(closed.registry.expire('acme/web', 'a', tomorrow)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await closed.close();
  });
});

describe('roles', () => {
  test('are given, listed and taken by an owner, and count at once', async () => {
    const alice = opened.registry.as({ id: 'alice' });
    const bob = opened.registry.as({ id: 'bob' });
    await push(alice, 'acme/web');
    await expect(bob.listTags('acme/web')).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
    await alice.setRole('acme/web', 'bob', 'reader');
    expect((await bob.listTags('acme/web')).items).toMatchObject([{ tag: 'a' }]);
    await expect(bob.setRole('acme/web', 'bob', 'owner')).rejects.toThrow(
      'bob may not manage in acme/web. Ask an owner: alice.',
    );
    expect((await alice.listGrants('acme/web')).map(({ subject, role }) => [subject, role])).toEqual([
      ['alice', 'owner'],
      ['bob', 'reader'],
    ]);
    await alice.setRole('acme/web', 'bob', undefined);
    await expect(bob.listTags('acme/web')).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
  });

  test('are given by the application on a namespace, and before there is anything', async () => {
    const { registry } = opened;
    await registry.setRole('team/*', 'bob', 'contributor');
    await registry.setRole('solo', 'bob', 'reader');
    await push(registry.as({ id: 'bob' }), 'team/web');
    await push(registry.as({ id: 'alice' }), 'solo');
    expect((await registry.as({ id: 'bob' }).listTags('solo')).items).toHaveLength(1);
    expect((await registry.listGrants('team/*')).map(({ subject, role }) => [subject, role])).toEqual([
      ['bob', 'contributor'],
    ]);
    const bob = registry.as({ id: 'bob' });
    await expect(bob.setRole('team/*', 'bob', 'owner')).rejects.toMatchObject({ code: 'NAME_INVALID' });
    await registry.setRole('team/*', 'bob', undefined);
    await registry.setRole('team/web', 'bob', undefined);
    await expect(bob.listTags('team/web')).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
  });

  test('removeRepository takes everything with it', async () => {
    const alice = opened.registry.as({ id: 'alice' });
    await push(alice, 'acme/web');
    await alice.removeRepository('acme/web');
    await expect(opened.registry.getRepository('acme/web')).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
  });
});

test('changes have their lines in the audit, done and refused, and reads have none', async () => {
  const { registry } = opened;
  const alice = registry.as({ id: 'alice' });
  await push(alice, 'acme/web');
  await alice.getManifest('acme/web', 'a');
  await alice.tag('acme/web', 'b', 'a');
  await registry.expire('acme/web', 'b', new Date(0));
  await alice.setVisibility('acme/web', 'public');
  await alice.setRole('acme/web', '@web', 'reader');
  await expect(registry.as({ id: 'bob' }).delete('acme/web', 'a')).rejects.toMatchObject({ code: 'DENIED' });
  await alice.removeRepository('acme/web');
  const lines = await opened.metadata.listAudit({ after: 0, limit: 100 });
  expect(lines.map(({ act, identity, isAllowed, about }) => [act, identity, isAllowed, about])).toEqual([
    ['push', 'alice', true, 'a'],
    ['push', 'alice', true, 'b'],
    ['expire', undefined, true, 'b'],
    ['visibility', 'alice', true, 'public'],
    ['grant', 'alice', true, '@web reader'],
    ['delete', 'bob', false, 'a'],
    ['repository-remove', 'alice', true, undefined],
  ]);
  expect(lines.every(({ repository }) => repository === 'acme/web')).toBe(true);
});
