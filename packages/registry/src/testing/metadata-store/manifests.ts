import { deepEqual, equal, ok } from 'node:assert/strict';
import { mediaTypes } from '../../oci/media-type.ts';
import { parseRepositoryName, parseTag, type Reference, type Tag } from '../../oci/name.ts';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import {
  dayMs,
  digestOfNumber,
  idOf,
  makeRepository,
  manifestDigest,
  manifestPush,
  present,
  publish,
  pushTo,
  putSmall,
  readAll,
  refuses,
  type StoreCase,
  sorted,
  startMs,
  toBlob,
  toChild,
} from './builders.ts';

const missing = { name: 'acme/web', numbers: [1, 2, 3, 4], code: 'missing-content' } as const;

const deleteManifest = (store: MetadataStore, repositoryId: number, n: number): Promise<readonly Tag[] | undefined> =>
  store.deleteManifest({
    repositoryId,
    digest: manifestDigest(n),
    by: 'alice',
    nowMs: startMs,
    leaseUntilMs: startMs + dayMs,
  });

/** Asserts that `reference` finds the n-th manifest, as a record and with its bytes. */
async function finds(store: MetadataStore, repositoryId: number, found: Reference & { readonly n: number }) {
  const { n, ...reference } = found;
  const { bytes, digest, manifest } = manifestPush('unused', n);
  const record = { digest, mediaType: manifest.mediaType, sizeBytes: bytes.byteLength };
  deepEqual(await store.findManifest(repositoryId, reference), record);
  const read = present(await store.readManifest(repositoryId, reference), `manifest ${n}`);
  deepEqual({ ...read, bytes: new Uint8Array(read.bytes) }, { ...record, bytes });
}

const readingCases: readonly StoreCase[] = [
  {
    name: 'a manifest is found by digest and by each of its tags, byte for byte',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1', 'latest'] }));
      await store.putManifest(manifestPush('acme/web', 2));
      const id = await idOf(store, 'acme/web');
      await finds(store, id, { n: 1, digest: manifestDigest(1) });
      await finds(store, id, { n: 1, tag: parseTag('v1') });
      await finds(store, id, { n: 1, tag: parseTag('latest') });
      await finds(store, id, { n: 2, digest: manifestDigest(2) });
    },
  },
  {
    name: 'a manifest that is not there is not found, by digest or by tag',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1'] }));
      await store.putManifest(manifestPush('acme/api', 2, { tags: ['v2'] }));
      const id = await idOf(store, 'acme/web');
      for (const reference of [{ digest: manifestDigest(2) }, { tag: parseTag('v2') }, { tag: parseTag('V1') }]) {
        equal(await store.findManifest(id, reference), undefined);
        equal(await store.readManifest(id, reference), undefined);
      }
      equal(await store.findManifest(id + 1000, { digest: manifestDigest(1) }), undefined);
    },
  },
  {
    name: 'two repositories hold the same manifest, each for itself',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1));
      await store.putManifest(manifestPush('acme/api', 1));
      await deleteManifest(store, await idOf(store, 'acme/web'), 1);
      equal(await store.findManifest(await idOf(store, 'acme/web'), { digest: manifestDigest(1) }), undefined);
      await finds(store, await idOf(store, 'acme/api'), { n: 1, digest: manifestDigest(1) });
    },
  },
  {
    name: 'a manifest of a mebibyte keeps every byte',
    async run(store) {
      const bytes = Uint8Array.from({ length: 1024 * 1024 + 1 }, (_, index) => (index * 31) % 256);
      await store.putManifest(manifestPush('acme/web', 1, { bytes }));
      const read = await store.readManifest(await idOf(store, 'acme/web'), { digest: manifestDigest(1) });
      ok(Buffer.from(bytes).equals(present(read, 'manifest').bytes));
      equal(read?.sizeBytes, bytes.byteLength);
    },
  },
  {
    name: 'a manifest of any media type is kept with it',
    async run(store) {
      const mediaType = 'application/vnd.example.thing.v7+cbor';
      await store.putManifest(manifestPush('acme/web', 1, { manifest: { mediaType } }));
      const found = await store.findManifest(await idOf(store, 'acme/web'), { digest: manifestDigest(1) });
      equal(found?.mediaType, mediaType);
    },
  },
  {
    name: 'a manifest that is pushed again changes nothing but tags',
    async run(store) {
      await putSmall(store, 'acme/web', 1);
      const manifest = { edges: [toBlob(digestOfNumber(1))], annotations: { a: 'b' }, subject: digestOfNumber(3) };
      await store.putManifest(manifestPush('acme/web', 2, { manifest, tags: ['v1'] }));
      const before = await readAll(store, 'acme/web', [1, 2, 3]);
      await store.putManifest(manifestPush('acme/web', 2, { manifest }));
      deepEqual(await readAll(store, 'acme/web', [1, 2, 3]), before);
      const other = { mediaType: mediaTypes.imageIndex, edges: manifest.edges, annotations: {} };
      await store.putManifest(manifestPush('acme/web', 2, { manifest: other, nowMs: startMs + dayMs }));
      deepEqual(await readAll(store, 'acme/web', [1, 2, 3]), before);
      await store.putManifest(manifestPush('acme/web', 2, { manifest, tags: ['v2'] }));
      await finds(store, await idOf(store, 'acme/web'), { n: 2, tag: parseTag('v1') });
      await finds(store, await idOf(store, 'acme/web'), { n: 2, tag: parseTag('v2') });
    },
  },
];

const contentCases: readonly StoreCase[] = [
  {
    name: 'a manifest may name blobs, small and large and mounted, and manifests of its repository',
    async run(store) {
      await putSmall(store, 'acme/web', 1);
      await publish(store, { name: 'acme/web', session: 2, content: 2 });
      const fromRepositoryId = await putSmall(store, 'source', 3);
      const mounted = { fromRepositoryId, digest: digestOfNumber(3), leaseUntilMs: startMs + dayMs };
      await store.mountBlob({ ...pushTo('acme/web'), ...mounted });
      await store.putManifest(manifestPush('acme/web', 1));
      const edges = [...[1, 2, 3].map((n) => toBlob(digestOfNumber(n))), toChild(manifestDigest(1))];
      deepEqual((await store.putManifest(manifestPush('acme/web', 2, { manifest: { edges } }))).missing, []);
    },
  },
  {
    name: 'a manifest that names missing content is refused with every missing digest in its order, and nothing is stored',
    async run(store) {
      await putSmall(store, 'acme/web', 1);
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1'] }));
      const edges = [
        toChild(manifestDigest(4)),
        toBlob(digestOfNumber(3)),
        toBlob(digestOfNumber(1)),
        toChild(manifestDigest(1)),
        toBlob(digestOfNumber(2)),
      ];
      const detail = [manifestDigest(4), digestOfNumber(3), digestOfNumber(2)];
      const push = manifestPush('acme/web', 2, { manifest: { edges }, tags: ['v1', 'v2'] });
      await refuses(store, { ...missing, detail }, () => store.putManifest(push));
    },
  },
  {
    name: 'a refused manifest makes no repository',
    async run(store) {
      const push = manifestPush('acme/web', 2, { manifest: { edges: [toBlob(digestOfNumber(1))] } });
      await refuses(store, missing, () => store.putManifest(push));
      equal(await store.findRepository(parseRepositoryName('acme/web')), undefined);
    },
  },
  {
    name: 'content of another repository does not count',
    async run(store) {
      await makeRepository(store, 'acme/web');
      await putSmall(store, 'acme/api', 1);
      await store.putManifest(manifestPush('acme/api', 1));
      const edges = [toBlob(digestOfNumber(1)), toChild(manifestDigest(1))];
      const detail = [digestOfNumber(1), manifestDigest(1)];
      const push = manifestPush('acme/web', 2, { manifest: { edges } });
      await refuses(store, { ...missing, detail }, () => store.putManifest(push));
    },
  },
  {
    name: 'a child has to be a manifest and a layer a blob',
    async run(store) {
      await putSmall(store, 'acme/web', 1);
      await store.putManifest(manifestPush('acme/web', 1));
      const edges = [toChild(digestOfNumber(1)), toBlob(manifestDigest(1))];
      const detail = [digestOfNumber(1), manifestDigest(1)];
      const push = manifestPush('acme/web', 2, { manifest: { edges } });
      await refuses(store, { ...missing, detail }, () => store.putManifest(push));
    },
  },
  {
    name: 'a blob or a child that was deleted is missing',
    async run(store) {
      const repositoryId = await putSmall(store, 'acme/web', 1);
      await store.putManifest(manifestPush('acme/web', 1));
      await store.deleteBlob({ repositoryId, digest: digestOfNumber(1) });
      await deleteManifest(store, repositoryId, 1);
      const edges = [toBlob(digestOfNumber(1)), toChild(manifestDigest(1))];
      const detail = [digestOfNumber(1), manifestDigest(1)];
      const push = manifestPush('acme/web', 2, { manifest: { edges } });
      await refuses(store, { ...missing, detail }, () => store.putManifest(push));
    },
  },
  {
    name: 'content that need not be there may be missing, and the rest may not',
    async run(store) {
      await makeRepository(store, 'acme/web');
      const elsewhere = { ...toBlob(digestOfNumber(1)), required: false };
      await store.putManifest(manifestPush('acme/web', 1, { manifest: { edges: [elsewhere] } }));
      const edges = [elsewhere, toBlob(digestOfNumber(2))];
      const push = manifestPush('acme/web', 2, { manifest: { edges } });
      await refuses(store, { ...missing, detail: [digestOfNumber(2)] }, () => store.putManifest(push));
    },
  },
  {
    name: 'a sparse push is stored, and tells what is missing in its order',
    async run(store) {
      await putSmall(store, 'acme/web', 1);
      const edges = [toChild(manifestDigest(3)), toBlob(digestOfNumber(1)), toBlob(digestOfNumber(2))];
      const push = manifestPush('acme/web', 2, { sparse: true, manifest: { edges }, tags: ['v1'] });
      deepEqual((await store.putManifest(push)).missing, [manifestDigest(3), digestOfNumber(2)]);
      await finds(store, await idOf(store, 'acme/web'), { n: 2, tag: parseTag('v1') });
    },
  },
  {
    name: 'content that comes after a sparse manifest belongs to it',
    async run(store) {
      const edges = [toBlob(digestOfNumber(1))];
      await store.putManifest(manifestPush('acme/web', 2, { sparse: true, manifest: { edges } }));
      const repositoryId = await putSmall(store, 'acme/web', 1);
      const watched = { name: 'acme/web', numbers: [1, 2], code: 'in-use', detail: manifestDigest(2) } as const;
      await refuses(store, watched, () => store.deleteBlob({ repositoryId, digest: digestOfNumber(1) }));
    },
  },
  {
    name: 'a manifest may name hundreds of blobs, in which order ever, and all that are missing are told',
    async run(store) {
      await makeRepository(store, 'acme/web');
      const digests = Array.from({ length: 1500 }, (_, n) => digestOfNumber(n));
      const push = manifestPush('acme/web', 2, { manifest: { edges: digests.map(toBlob) } });
      await refuses(store, { ...missing, detail: digests }, () => store.putManifest(push));
      deepEqual((await store.putManifest({ ...push, sparse: true })).missing, digests);
    },
  },
];

const deletionCases: readonly StoreCase[] = [
  {
    name: 'a deleted manifest takes its tags along and leaves the others',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['a', 'c'] }));
      await store.putManifest(manifestPush('acme/web', 2, { tags: ['b'] }));
      const id = await idOf(store, 'acme/web');
      deepEqual(sorted((await deleteManifest(store, id, 1)) ?? []), ['a', 'c']);
      deepEqual(await store.listTags(id, { after: undefined, limit: 10 }), ['b']);
      equal(await store.findManifest(id, { tag: parseTag('a') }), undefined);
      equal(await store.findManifest(id, { digest: manifestDigest(1) }), undefined);
      await finds(store, id, { n: 2, tag: parseTag('b') });
      equal(await deleteManifest(store, id, 1), undefined);
    },
  },
  {
    name: 'a manifest of another repository cannot be deleted through this one',
    async run(store) {
      const id = await makeRepository(store, 'acme/web');
      await store.putManifest(manifestPush('acme/api', 1));
      equal(await deleteManifest(store, id, 1), undefined);
      await finds(store, await idOf(store, 'acme/api'), { n: 1, digest: manifestDigest(1) });
    },
  },
  {
    name: 'a deleted manifest can be pushed again, with all that it says',
    async run(store) {
      const id = await putSmall(store, 'acme/web', 1);
      const edges = [toBlob(digestOfNumber(1))];
      const manifest = { edges, subject: digestOfNumber(3), annotations: { a: 'b' }, artifactType: 'text/plain' };
      const push = manifestPush('acme/web', 2, { manifest, tags: ['v1'] });
      await store.putManifest(push);
      await store.renewBlobLease({ repositoryId: id, digest: digestOfNumber(1), leaseUntilMs: startMs + 9 * dayMs });
      const before = await readAll(store, 'acme/web', [1, 2, 3]);
      await deleteManifest(store, id, 2);
      await store.putManifest(push);
      deepEqual(await readAll(store, 'acme/web', [1, 2, 3]), before);
      const watched = { name: 'acme/web', numbers: [1], code: 'in-use', detail: manifestDigest(2) } as const;
      await refuses(store, watched, () => store.deleteBlob({ repositoryId: id, digest: digestOfNumber(1) }));
    },
  },
  {
    name: 'a child can be deleted though an index names it, and the index stays',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1));
      await store.putManifest(manifestPush('acme/web', 2, { manifest: { edges: [toChild(manifestDigest(1))] } }));
      const id = await idOf(store, 'acme/web');
      deepEqual(await deleteManifest(store, id, 1), []);
      await finds(store, id, { n: 2, digest: manifestDigest(2) });
    },
  },
];

/** Manifests: reading, what they name, deleting. */
export const manifestCases: readonly StoreCase[] = [...readingCases, ...contentCases, ...deletionCases];
