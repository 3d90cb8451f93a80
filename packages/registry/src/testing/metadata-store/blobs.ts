import { deepEqual, equal } from 'node:assert/strict';
import { digestOf } from '../../oci/digest.ts';
import type { BlobRecord, MetadataStore } from '../../storage/metadata-store.ts';
import {
  bytesOf,
  dayMs,
  digestOfNumber,
  idOf,
  keyOf,
  leaseSession,
  manifestDigest,
  manifestPush,
  openSession,
  present,
  publish,
  publishLeased,
  pushTo,
  putSmall,
  type StoreCase,
  sessionOf,
  startMs,
} from './builders.ts';

async function getBlob(store: MetadataStore, repositoryId: number, n: number): Promise<BlobRecord> {
  return present(await store.findBlob(repositoryId, digestOfNumber(n)), `blob ${n}`);
}

/** Asserts that the repository serves content `n`, from the bytes in the metadata or from the key. */
async function serves(
  store: MetadataStore,
  repositoryId: number,
  { content, from }: { readonly content: number; readonly from: 'bytes' | { readonly key: number } },
): Promise<void> {
  const blob = await getBlob(store, repositoryId, content);
  equal(blob.digest, digestOfNumber(content));
  equal(blob.sizeBytes, bytesOf(content).byteLength);
  if (from === 'bytes') {
    deepEqual('bytes' in blob.content ? new Uint8Array(blob.content.bytes) : blob.content, bytesOf(content));
  } else {
    deepEqual(blob.content, { key: keyOf(from.key) });
  }
}

/** Publishing a session. */
const publishCases: readonly StoreCase[] = [
  {
    name: 'a published blob lies under the key of its session, which is gone',
    async run(store) {
      const { repositoryId, unneededKey } = await publish(store, { name: 'acme/web', session: 1, content: 1 });
      equal(unneededKey, undefined);
      await serves(store, repositoryId, { content: 1, from: { key: 1 } });
      equal((await getBlob(store, repositoryId, 1)).leaseUntilMs, startMs + dayMs);
      equal(await store.findUpload(repositoryId, sessionOf(1)), undefined);
    },
  },
  {
    name: 'a small blob that a session brought lies in the metadata, and its key is not needed',
    async run(store) {
      const { repositoryId, unneededKey } = await publish(store, {
        name: 'acme/web',
        session: 1,
        content: 1,
        small: true,
      });
      equal(unneededKey, keyOf(1));
      await serves(store, repositoryId, { content: 1, from: 'bytes' });
      equal(await store.findUpload(repositoryId, sessionOf(1)), undefined);
    },
  },
  {
    name: 'sizes of many tebibytes come back exactly',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      const { epoch } = await leaseSession(store, repositoryId, 1);
      const sizeBytes = 20 * 1024 ** 4 + 1;
      const blob = { digest: digestOfNumber(1), sizeBytes, bytes: undefined };
      const times = { nowMs: startMs, leaseUntilMs: startMs + dayMs };
      await store.publishBlob({ repositoryId, session: sessionOf(1), epoch, ...blob, ...times });
      equal((await getBlob(store, repositoryId, 1)).sizeBytes, sizeBytes);
    },
  },
  {
    name: 'a blob is served by the repository that it was pushed to, and by no other',
    async run(store) {
      await publish(store, { name: 'acme/web', session: 1, content: 1 });
      await putSmall(store, 'acme/web', 2);
      const other = await putSmall(store, 'acme/api', 3);
      equal(await store.findBlob(other, digestOfNumber(1)), undefined);
      equal(await store.findBlob(other, digestOfNumber(2)), undefined);
      equal(await store.findBlob(other + 1000, digestOfNumber(3)), undefined);
    },
  },
  {
    name: 'content that the repository has already is not needed again',
    async run(store) {
      await publish(store, { name: 'acme/web', session: 1, content: 1 });
      const again = await publish(store, { name: 'acme/web', session: 2, content: 1 });
      equal(again.unneededKey, keyOf(2));
      await serves(store, again.repositoryId, { content: 1, from: { key: 1 } });
      equal(await store.findUpload(again.repositoryId, sessionOf(2)), undefined);
    },
  },
  {
    name: 'content that another repository has is linked, and its new bytes are not needed',
    async run(store) {
      const first = await publish(store, { name: 'acme/web', session: 1, content: 1 });
      const second = await publish(store, { name: 'acme/api', session: 2, content: 1 });
      equal(second.unneededKey, keyOf(2));
      await serves(store, first.repositoryId, { content: 1, from: { key: 1 } });
      await serves(store, second.repositoryId, { content: 1, from: { key: 1 } });
    },
  },
  {
    name: 'the same content under another algorithm is another blob',
    async run(store) {
      const bytes = bytesOf(1);
      const long = digestOf(bytes, 'sha512');
      const repositoryId = await putSmall(store, 'acme/web', 1);
      equal(await store.findBlob(repositoryId, long), undefined);
      await store.putSmallBlob({ ...pushTo('acme/web'), digest: long, bytes, leaseUntilMs: startMs });
      equal((await store.findBlob(repositoryId, long))?.digest, long);
      await serves(store, repositoryId, { content: 1, from: 'bytes' });
    },
  },
];

/** Small blobs, and the same content small and large. */
const smallCases: readonly StoreCase[] = [
  {
    name: 'a small blob that came in one request is served from the metadata',
    async run(store) {
      const repositoryId = await putSmall(store, 'acme/web', 1);
      await serves(store, repositoryId, { content: 1, from: 'bytes' });
      equal((await getBlob(store, repositoryId, 1)).leaseUntilMs, startMs + dayMs);
    },
  },
  {
    name: 'a small blob keeps every byte, and may be empty',
    async run(store) {
      const every = Uint8Array.from({ length: 16_384 }, (_, index) => index % 256);
      for (const [n, bytes] of [new Uint8Array(0), every].entries()) {
        await store.putSmallBlob({ ...pushTo('acme/web'), digest: digestOfNumber(n), bytes, leaseUntilMs: startMs });
        const blob = await getBlob(store, await idOf(store, 'acme/web'), n);
        equal(blob.sizeBytes, bytes.byteLength);
        deepEqual('bytes' in blob.content ? new Uint8Array(blob.content.bytes) : blob.content, bytes);
      }
    },
  },
  {
    name: 'a small blob that is part of a larger buffer is stored without the rest',
    async run(store) {
      const bytes = new TextEncoder().encode('before content after').subarray(7, 14);
      await store.putSmallBlob({ ...pushTo('acme/web'), digest: digestOfNumber(1), bytes, leaseUntilMs: startMs });
      const { content } = await getBlob(store, await idOf(store, 'acme/web'), 1);
      equal('bytes' in content && new TextDecoder().decode(content.bytes), 'content');
      equal(new TextDecoder().decode(bytes), 'content');
    },
  },
  {
    name: 'a small blob can be put again, and into another repository',
    async run(store) {
      await putSmall(store, 'acme/web', 1);
      await serves(store, await putSmall(store, 'acme/web', 1), { content: 1, from: 'bytes' });
      await serves(store, await putSmall(store, 'acme/api', 1), { content: 1, from: 'bytes' });
    },
  },
  {
    name: 'a blob put small where the same content is stored large is linked to what is there',
    async run(store) {
      const { repositoryId } = await publish(store, { name: 'acme/web', session: 1, content: 1 });
      await putSmall(store, 'acme/web', 1);
      const other = await putSmall(store, 'acme/api', 1);
      await serves(store, repositoryId, { content: 1, from: { key: 1 } });
      await serves(store, other, { content: 1, from: { key: 1 } });
      deepEqual([...(await store.findKnownKeys([keyOf(1)]))], [keyOf(1)]);
    },
  },
  {
    name: 'a blob published small where the same content is stored large is linked to what is there',
    async run(store) {
      await publish(store, { name: 'acme/web', session: 1, content: 1 });
      const second = await publish(store, { name: 'acme/api', session: 2, content: 1, small: true });
      equal(second.unneededKey, keyOf(2));
      await serves(store, second.repositoryId, { content: 1, from: { key: 1 } });
    },
  },
  {
    name: 'a blob published large where the same content is stored small is linked to what is there',
    async run(store) {
      await putSmall(store, 'acme/web', 1);
      const second = await publish(store, { name: 'acme/api', session: 2, content: 1 });
      equal(second.unneededKey, keyOf(2));
      await serves(store, second.repositoryId, { content: 1, from: 'bytes' });
      deepEqual([...(await store.findKnownKeys([keyOf(2)]))], []);
    },
  },
  {
    name: 'a manifest is not a blob, and a blob is not a manifest',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1));
      const repositoryId = await putSmall(store, 'acme/web', 2);
      equal(await store.findBlob(repositoryId, manifestDigest(1)), undefined);
      equal(await store.findManifest(repositoryId, { digest: digestOfNumber(2) }), undefined);
    },
  },
];

const lookUpCases: readonly StoreCase[] = [
  {
    name: 'the repositories that hold a blob are told, up to a limit',
    async run(store) {
      for (const name of ['acme/web', 'acme/api', 'acme/job']) await putSmall(store, name, 1);
      await putSmall(store, 'other', 2);
      const all = await store.findRepositoriesWithBlob(digestOfNumber(1), 10);
      deepEqual(all.map(({ name }) => name).toSorted(), ['acme/api', 'acme/job', 'acme/web']);
      for (const record of all) deepEqual(record, await store.findRepository(record.name));
      equal((await store.findRepositoriesWithBlob(digestOfNumber(1), 2)).length, 2);
      deepEqual(await store.findRepositoriesWithBlob(digestOfNumber(3), 10), []);
    },
  },
  {
    name: 'a repository that a blob was taken from is not told any more',
    async run(store) {
      const repositoryId = await putSmall(store, 'acme/web', 1);
      await putSmall(store, 'acme/api', 1);
      await store.deleteBlob({ repositoryId, digest: digestOfNumber(1) });
      const left = await store.findRepositoriesWithBlob(digestOfNumber(1), 10);
      deepEqual(
        left.map(({ name }) => name),
        ['acme/api'],
      );
    },
  },
  {
    name: 'a blob that a session brought is told like any other',
    async run(store) {
      const repositoryId = await openSession(store, 'acme/web', 1);
      deepEqual(await store.findRepositoriesWithBlob(digestOfNumber(1), 10), []);
      const { epoch } = await leaseSession(store, repositoryId, 1);
      await publishLeased(store, { repositoryId, session: 1, epoch, content: 1 });
      equal((await store.findRepositoriesWithBlob(digestOfNumber(1), 10))[0]?.id, repositoryId);
    },
  },
];

/** Blobs: published, small, and where they are. */
export const blobCases: readonly StoreCase[] = [...publishCases, ...smallCases, ...lookUpCases];
