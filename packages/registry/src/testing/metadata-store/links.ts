import { deepEqual, equal, ok } from 'node:assert/strict';
import { parseRepositoryName, type Tag } from '../../oci/name.ts';
import type { MetadataStore, Push } from '../../storage/metadata-store.ts';
import {
  dayMs,
  digestOfNumber,
  hourMs,
  idOf,
  keyOf,
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
  startMs,
  toBlob,
} from './builders.ts';

/** Mounts content `n` of a repository into `name`. */
const mount = (
  store: MetadataStore,
  name: string,
  from: { readonly id: number; readonly n: number; readonly leaseUntilMs?: number } & Partial<Push>,
): Promise<boolean> => {
  const { id, n, leaseUntilMs = startMs + dayMs, ...more } = from;
  return store.mountBlob({ ...pushTo(name, more), fromRepositoryId: id, digest: digestOfNumber(n), leaseUntilMs });
};

const leaseOf = async (store: MetadataStore, repositoryId: number, n: number): Promise<number> =>
  present(await store.findBlob(repositoryId, digestOfNumber(n)), `blob ${n}`).leaseUntilMs;

const deleteBlob = (store: MetadataStore, repositoryId: number, n: number): Promise<boolean> =>
  store.deleteBlob({ repositoryId, digest: digestOfNumber(n) });

const deleteManifest = (store: MetadataStore, repositoryId: number, n: number): Promise<readonly Tag[] | undefined> =>
  store.deleteManifest({
    repositoryId,
    digest: manifestDigest(n),
    by: 'alice',
    nowMs: startMs,
    leaseUntilMs: startMs + hourMs,
  });

const mountCases: readonly StoreCase[] = [
  {
    name: 'a mounted blob is served by both repositories, from the same bytes',
    async run(store) {
      const { repositoryId } = await publish(store, { name: 'acme/web', session: 1, content: 1 });
      equal(await mount(store, 'acme/api', { id: repositoryId, n: 1 }), true);
      const target = await idOf(store, 'acme/api');
      deepEqual(await store.findBlob(target, digestOfNumber(1)), await store.findBlob(repositoryId, digestOfNumber(1)));
      equal(await leaseOf(store, target, 1), startMs + dayMs);
    },
  },
  {
    name: 'a blob that the source does not hold is not mounted, and no repository is made',
    async run(store) {
      const source = await makeRepository(store, 'acme/web');
      await putSmall(store, 'elsewhere', 1);
      equal(await mount(store, 'acme/api', { id: source, n: 1 }), false);
      equal(await mount(store, 'acme/api', { id: source, n: 2 }), false);
      equal(await mount(store, 'acme/api', { id: source + 1000, n: 1 }), false);
      equal(await store.findRepository(parseRepositoryName('acme/api')), undefined);
    },
  },
  {
    name: 'a mount that fails changes nothing in a repository that is there',
    async run(store) {
      const source = await makeRepository(store, 'acme/web');
      await putSmall(store, 'acme/api', 2);
      const before = await readAll(store, 'acme/api', [1, 2]);
      equal(await mount(store, 'acme/api', { id: source, n: 1 }), false);
      deepEqual(await readAll(store, 'acme/api', [1, 2]), before);
    },
  },
  {
    name: 'a manifest of the source is not a blob that can be mounted',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1));
      const source = { fromRepositoryId: await idOf(store, 'acme/web'), digest: manifestDigest(1) };
      equal(await store.mountBlob({ ...pushTo('acme/api'), ...source, leaseUntilMs: startMs }), false);
    },
  },
  {
    name: 'a blob can be mounted again, and into its own repository',
    async run(store) {
      const source = await putSmall(store, 'acme/web', 1);
      equal(await mount(store, 'acme/api', { id: source, n: 1 }), true);
      equal(await mount(store, 'acme/api', { id: source, n: 1 }), true);
      equal(await mount(store, 'acme/web', { id: source, n: 1 }), true);
      equal((await store.findRepositoriesWithBlob(digestOfNumber(1), 10)).length, 2);
    },
  },
  {
    name: 'a mounted blob stays when the source loses it, and can be mounted on',
    async run(store) {
      const { repositoryId } = await publish(store, { name: 'acme/web', session: 1, content: 1 });
      await mount(store, 'acme/api', { id: repositoryId, n: 1 });
      equal(await deleteBlob(store, repositoryId, 1), true);
      const target = await idOf(store, 'acme/api');
      deepEqual((await store.findBlob(target, digestOfNumber(1)))?.content, { key: keyOf(1) });
      equal(await mount(store, 'third', { id: repositoryId, n: 1 }), false);
      equal(await mount(store, 'third', { id: target, n: 1 }), true);
      deepEqual([...(await store.findKnownKeys([keyOf(1)]))], [keyOf(1)]);
    },
  },
];

const leaseCases: readonly StoreCase[] = [
  {
    name: 'the lease of a link is prolonged, and never cut short',
    async run(store) {
      const repositoryId = await putSmall(store, 'acme/web', 1);
      const digest = digestOfNumber(1);
      await store.renewBlobLease({ repositoryId, digest, leaseUntilMs: startMs + 2 * dayMs });
      equal(await leaseOf(store, repositoryId, 1), startMs + 2 * dayMs);
      await store.renewBlobLease({ repositoryId, digest, leaseUntilMs: startMs + dayMs });
      equal(await leaseOf(store, repositoryId, 1), startMs + 2 * dayMs);
    },
  },
  {
    name: 'renewing the lease of a link that is not there makes none',
    async run(store) {
      const repositoryId = await makeRepository(store, 'acme/web');
      await putSmall(store, 'acme/api', 1);
      await store.renewBlobLease({ repositoryId, digest: digestOfNumber(1), leaseUntilMs: startMs + dayMs });
      await store.renewBlobLease({ repositoryId, digest: digestOfNumber(2), leaseUntilMs: startMs + dayMs });
      equal(await store.findBlob(repositoryId, digestOfNumber(1)), undefined);
      equal(await store.findBlob(repositoryId, digestOfNumber(2)), undefined);
    },
  },
  {
    name: 'a lease belongs to one link: other repositories and blobs keep theirs',
    async run(store) {
      const repositoryId = await putSmall(store, 'acme/web', 1);
      await putSmall(store, 'acme/web', 2);
      const other = await putSmall(store, 'acme/api', 1);
      await store.renewBlobLease({ repositoryId, digest: digestOfNumber(1), leaseUntilMs: startMs + 2 * dayMs });
      equal(await leaseOf(store, repositoryId, 2), startMs + dayMs);
      equal(await leaseOf(store, other, 1), startMs + dayMs);
    },
  },
  {
    name: 'upload, small push and mount of what is there prolong the lease and never cut it short',
    async run(store) {
      const source = await putSmall(store, 'source', 1);
      const acts = [
        (leaseUntilMs: number) => publish(store, { name: 'acme/web', session: leaseUntilMs, content: 1, leaseUntilMs }),
        (leaseUntilMs: number) => mount(store, 'acme/web', { id: source, n: 1, leaseUntilMs }),
        async (leaseUntilMs: number) => {
          const content = new TextEncoder().encode('content 1');
          const blob = { digest: digestOfNumber(1), bytes: content, leaseUntilMs };
          await store.putSmallBlob({ ...pushTo('acme/web'), ...blob });
        },
      ];
      let untilMs = startMs;
      for (const act of acts) {
        untilMs += dayMs;
        await act(untilMs);
        equal(await leaseOf(store, await idOf(store, 'acme/web'), 1), untilMs);
        await act(untilMs - hourMs);
        equal(await leaseOf(store, await idOf(store, 'acme/web'), 1), untilMs);
      }
    },
  },
  {
    name: 'a blob that loses its last mention is leased, and never for less than before',
    async run(store) {
      const repositoryId = await putSmall(store, 'acme/web', 1);
      await putSmall(store, 'acme/web', 2);
      const edges = [toBlob(digestOfNumber(1)), toBlob(digestOfNumber(2))];
      await store.putManifest(manifestPush('acme/web', 1, { manifest: { edges } }));
      await store.renewBlobLease({ repositoryId, digest: digestOfNumber(2), leaseUntilMs: startMs + 9 * dayMs });
      const act = { repositoryId, digest: manifestDigest(1), by: 'alice', nowMs: startMs };
      await store.deleteManifest({ ...act, leaseUntilMs: startMs + 5 * dayMs });
      equal(await leaseOf(store, repositoryId, 1), startMs + 5 * dayMs);
      equal(await leaseOf(store, repositoryId, 2), startMs + 9 * dayMs);
    },
  },
];

const inUse = { name: 'acme/web', numbers: [1, 2], code: 'in-use' } as const;

const deletionCases: readonly StoreCase[] = [
  {
    name: 'a deleted blob is gone from the repository, and deleting it again finds nothing',
    async run(store) {
      const repositoryId = await putSmall(store, 'acme/web', 1);
      await putSmall(store, 'acme/web', 2);
      const other = await putSmall(store, 'acme/api', 1);
      equal(await deleteBlob(store, repositoryId, 1), true);
      equal(await store.findBlob(repositoryId, digestOfNumber(1)), undefined);
      equal(await deleteBlob(store, repositoryId, 1), false);
      ok(await store.findBlob(repositoryId, digestOfNumber(2)));
      ok(await store.findBlob(other, digestOfNumber(1)));
    },
  },
  {
    name: 'a blob of another repository cannot be deleted through this one',
    async run(store) {
      const other = await putSmall(store, 'acme/api', 1);
      const repositoryId = await makeRepository(store, 'acme/web');
      equal(await deleteBlob(store, repositoryId, 1), false);
      ok(await store.findBlob(other, digestOfNumber(1)));
    },
  },
  {
    name: 'a blob that a manifest of the repository names cannot go until the manifest has, and the refusal names it',
    async run(store) {
      const repositoryId = await putSmall(store, 'acme/web', 1);
      await store.putManifest(manifestPush('acme/web', 2, { manifest: { edges: [toBlob(digestOfNumber(1))] } }));
      await refuses(store, { ...inUse, detail: manifestDigest(2) }, () => deleteBlob(store, repositoryId, 1));
      await deleteManifest(store, repositoryId, 2);
      equal(await deleteBlob(store, repositoryId, 1), true);
    },
  },
  {
    name: 'a blob that two manifests name is in use until both are gone',
    async run(store) {
      const repositoryId = await putSmall(store, 'acme/web', 1);
      const manifest = { edges: [toBlob(digestOfNumber(1))] };
      await store.putManifest(manifestPush('acme/web', 1, { manifest }));
      await store.putManifest(manifestPush('acme/web', 2, { manifest }));
      await deleteManifest(store, repositoryId, 1);
      await refuses(store, { ...inUse, detail: manifestDigest(2) }, () => deleteBlob(store, repositoryId, 1));
      await deleteManifest(store, repositoryId, 2);
      equal(await deleteBlob(store, repositoryId, 1), true);
    },
  },
  {
    name: 'a manifest of another repository does not keep a blob here',
    async run(store) {
      const repositoryId = await putSmall(store, 'acme/web', 1);
      await putSmall(store, 'acme/api', 1);
      await store.putManifest(manifestPush('acme/api', 1, { manifest: { edges: [toBlob(digestOfNumber(1))] } }));
      equal(await deleteBlob(store, repositoryId, 1), true);
    },
  },
  {
    name: 'a blob that a manifest names though it need not be there is in use, too',
    async run(store) {
      const repositoryId = await putSmall(store, 'acme/web', 1);
      const edges = [{ ...toBlob(digestOfNumber(1)), required: false }];
      await store.putManifest(manifestPush('acme/web', 2, { manifest: { edges } }));
      await refuses(store, inUse, () => deleteBlob(store, repositoryId, 1));
    },
  },
  {
    name: 'deleting a blob that a sparse manifest names but the repository does not hold finds nothing',
    async run(store) {
      const edges = [toBlob(digestOfNumber(1))];
      await store.putManifest(manifestPush('acme/web', 2, { sparse: true, manifest: { edges } }));
      equal(await deleteBlob(store, await idOf(store, 'acme/web'), 1), false);
    },
  },
  {
    name: 'a manifest is not a blob that can be deleted',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1));
      const repositoryId = await idOf(store, 'acme/web');
      equal(await store.deleteBlob({ repositoryId, digest: manifestDigest(1) }), false);
      ok(await store.findManifest(repositoryId, { digest: manifestDigest(1) }));
    },
  },
  {
    name: 'a deleted blob can be pushed again, and what then serves it is known',
    async run(store) {
      const { repositoryId } = await publish(store, { name: 'acme/web', session: 1, content: 1 });
      await deleteBlob(store, repositoryId, 1);
      const { unneededKey } = await publish(store, { name: 'acme/web', session: 2, content: 1 });
      const { content } = present(await store.findBlob(repositoryId, digestOfNumber(1)), 'blob');
      const serving = keyOf(unneededKey === undefined ? 2 : 1);
      deepEqual(content, { key: serving });
      deepEqual([...(await store.findKnownKeys([serving]))], [serving]);
    },
  },
];

/** Which repository may serve which blob: mounts, leases, deletions. */
export const linkCases: readonly StoreCase[] = [...mountCases, ...leaseCases, ...deletionCases];
