import { deepEqual, equal, rejects } from 'node:assert/strict';
import { isStorageError } from '../../storage/error.ts';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import {
  dayMs,
  digestOfNumber,
  idOf,
  keyOf,
  manifestPush,
  present,
  publish,
  pushTo,
  putSmall,
  type StoreCase,
  startMs,
  toBlob,
} from './builders.ts';

const contentOf = async (store: MetadataStore, name: string, n: number): Promise<unknown> =>
  (await store.findBlob(await idOf(store, name), digestOfNumber(n)))?.content;

/** Publishes content 1 under key 1 in acme/web, and mounts it into acme/api. */
async function share(store: MetadataStore): Promise<void> {
  const { repositoryId } = await publish(store, { name: 'acme/web', session: 1, content: 1 });
  const lease = { digest: digestOfNumber(1), leaseUntilMs: startMs + dayMs };
  await store.mountBlob({ ...pushTo('acme/api'), fromRepositoryId: repositoryId, ...lease });
}

/** Bytes that were lost, and come again. */
export const discardCases: readonly StoreCase[] = [
  {
    name: 'a blob whose bytes were discarded is served by no repository, cannot be mounted, and no manifest may name it',
    async run(store) {
      await share(store);
      equal(await store.discardBlobBytes({ digest: digestOfNumber(1), key: keyOf(1) }), true);
      equal(await contentOf(store, 'acme/web', 1), undefined);
      equal(await contentOf(store, 'acme/api', 1), undefined);
      deepEqual(await store.findKnownKeys([keyOf(1)]), new Set());
      const mount = { ...pushTo('acme/new'), digest: digestOfNumber(1), leaseUntilMs: startMs + dayMs };
      await store.mountBlob({ ...mount, fromRepositoryId: await idOf(store, 'acme/web') });
      equal(await store.findRepository(mount.repository.name), undefined);
      const web = { id: await idOf(store, 'acme/web'), name: pushTo('acme/web').repository.name };
      const edges = [toBlob(digestOfNumber(1))];
      await rejects(store.putManifest(manifestPush('acme/web', 1, { repository: web, manifest: { edges } })), (error) =>
        isStorageError(error, 'missing-content'),
      );
    },
  },
  {
    name: 'content that is pushed again, to one repository, is served again by all that hold it',
    async run(store) {
      await share(store);
      await store.discardBlobBytes({ digest: digestOfNumber(1), key: keyOf(1) });
      const { unneededKey } = await publish(store, { name: 'acme/third', session: 2, content: 1 });
      equal(unneededKey, undefined);
      for (const name of ['acme/web', 'acme/api', 'acme/third']) {
        deepEqual(await contentOf(store, name, 1), { key: keyOf(2) });
      }
    },
  },
  {
    name: 'a small blob is discarded and comes again in the metadata, whichever way its bytes lay before',
    async run(store) {
      await share(store);
      await putSmall(store, 'acme/web', 2);
      await store.discardBlobBytes({ digest: digestOfNumber(1), key: keyOf(1) });
      equal(await store.discardBlobBytes({ digest: digestOfNumber(2), key: undefined }), true);
      equal(await contentOf(store, 'acme/web', 2), undefined);
      for (const n of [1, 2]) {
        await putSmall(store, 'acme/third', n);
        const blob = present(await store.findBlob(await idOf(store, 'acme/web'), digestOfNumber(n)), `blob ${n}`);
        equal('bytes' in blob.content, true);
      }
    },
  },
  {
    name: 'nothing is discarded of a blob that has other bytes by now, is unknown, or waits already',
    async run(store) {
      await share(store);
      const digest = digestOfNumber(1);
      equal(await store.discardBlobBytes({ digest, key: keyOf(9) }), false);
      equal(await store.discardBlobBytes({ digest, key: undefined }), false);
      equal(await store.discardBlobBytes({ digest: digestOfNumber(7), key: undefined }), false);
      deepEqual(await contentOf(store, 'acme/web', 1), { key: keyOf(1) });
      await store.discardBlobBytes({ digest, key: keyOf(1) });
      equal(await store.discardBlobBytes({ digest, key: undefined }), false);
    },
  },
];
