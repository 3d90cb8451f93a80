import { deepEqual, equal, ok } from 'node:assert/strict';
import { type Digest, digestOf } from '../../oci/digest.ts';
import type { MetadataStore, Page, ReferrerRecord } from '../../storage/metadata-store.ts';
import {
  bytesOf,
  digestOfNumber,
  idOf,
  type ManifestFacts,
  makeRepository,
  manifestDigest,
  manifestPush,
  present,
  readPages,
  type StoreCase,
  sorted,
  startMs,
} from './builders.ts';

const subject = manifestDigest(100);
const signature = 'application/vnd.example.signature';
const sbom = 'application/vnd.example.sbom+json';

interface Wanted {
  readonly subject?: Digest;
  readonly after?: Digest;
  readonly limit?: number;
  readonly artifactType?: string;
  readonly pageBytes?: number;
}

const listPage = (store: MetadataStore, repositoryId: number, page: Wanted = {}): Promise<Page<ReferrerRecord>> =>
  store.listReferrers(repositoryId, page.subject ?? subject, {
    after: page.after,
    limit: page.limit ?? 100,
    artifactType: page.artifactType,
    pageBytes: page.pageBytes ?? 1_000_000,
  });

const list = async (
  store: MetadataStore,
  repositoryId: number,
  page: Wanted = {},
): Promise<readonly ReferrerRecord[]> => (await listPage(store, repositoryId, page)).items;

const digestsOf = (records: readonly ReferrerRecord[]): readonly Digest[] => records.map(({ digest }) => digest);

/** Pushes manifest `n`, which refers to the subject unless `facts` say otherwise; returns the repository's id. */
async function refer(store: MetadataStore, n: number, facts: ManifestFacts = {}): Promise<number> {
  await store.putManifest(manifestPush('acme/web', n, { manifest: { subject, ...facts } }));
  return idOf(store, 'acme/web');
}

/** Twenty referrers, every third one a signature, the others SBOMs. */
async function referOften(store: MetadataStore) {
  const numbers = Array.from({ length: 20 }, (_, n) => n);
  const isSignature = (n: number): boolean => n % 3 === 0;
  for (const n of numbers) await refer(store, n, { artifactType: isSignature(n) ? signature : sbom });
  return {
    id: await idOf(store, 'acme/web'),
    all: sorted(numbers.map(manifestDigest)),
    signatures: sorted(numbers.filter(isSignature).map(manifestDigest)),
  };
}

const listCases: readonly StoreCase[] = [
  {
    name: 'a referrer is shown with its media type, size, artifact type and annotations',
    async run(store) {
      const facts = { artifactType: signature, annotations: { 'org.example.by': 'alice' }, mediaType: 'text/x-index' };
      const id = await refer(store, 1, facts);
      const { bytes } = manifestPush('acme/web', 1);
      const [found] = await list(store, id);
      deepEqual(
        { ...present(found, 'referrer'), annotations: { ...found?.annotations } },
        {
          digest: manifestDigest(1),
          sizeBytes: bytes.byteLength,
          ...facts,
        },
      );
    },
  },
  {
    name: 'a page ends before it gets too large, holds one entry at least, and tells that more follow',
    async run(store) {
      const annotations = { note: 'x'.repeat(1000) };
      for (const n of [1, 2, 3]) await refer(store, n, { annotations });
      const id = await idOf(store, 'acme/web');
      const [first, second, third] = sorted([1, 2, 3].map(manifestDigest));
      const page = async (wanted: Wanted) => {
        const { items, hasMore } = await listPage(store, id, wanted);
        return { digests: digestsOf(items), hasMore };
      };
      deepEqual(await page({ pageBytes: 3000 }), { digests: [first, second], hasMore: true });
      deepEqual(await page({ pageBytes: 3000, after: present(second, 'digest') }), {
        digests: [third],
        hasMore: false,
      });
      deepEqual(await page({ pageBytes: 1 }), { digests: [first], hasMore: true });
      deepEqual(await page({ limit: 3 }), { digests: [first, second, third], hasMore: false });
      deepEqual(await page({ limit: 2 }), { digests: [first, second], hasMore: true });
    },
  },
  {
    name: 'a referrer without artifact type and annotations has none',
    async run(store) {
      const [found] = await list(store, await refer(store, 1));
      equal(found?.artifactType, undefined);
      equal(found?.annotations, undefined);
    },
  },
  {
    name: 'annotations come back equal, whatever their keys and values',
    async run(store) {
      const annotations: Record<string, string> = JSON.parse(
        '{"":"", "a\\u0000b":"\\u0000", "quote\\"s\'":"\\\\", "ключ":"值 🛳", "constructor":"c", "__proto__":"p", "1":"one", "toString":"\\n"}',
      );
      const id = await refer(store, 1, { annotations });
      const [found] = await list(store, id);
      const pairs = (of: Readonly<Record<string, string>>) => new Map(Object.entries(of));
      deepEqual(pairs(present(found?.annotations, 'annotations')), pairs(annotations));
      equal(pairs(annotations).size, 8);
    },
  },
  {
    name: 'referrers are found whether the subject is there or not, before and after it',
    async run(store) {
      const id = await refer(store, 1);
      deepEqual(digestsOf(await list(store, id)), [manifestDigest(1)]);
      await store.putManifest(manifestPush('acme/web', 100));
      await refer(store, 2);
      deepEqual(digestsOf(await list(store, id)), sorted([1, 2].map(manifestDigest)));
      const act = { repositoryId: id, by: 'alice', nowMs: startMs, leaseUntilMs: startMs };
      await store.deleteManifest({ ...act, digest: subject });
      deepEqual(digestsOf(await list(store, id)), sorted([1, 2].map(manifestDigest)));
    },
  },
  {
    name: 'a subject may be under another algorithm',
    async run(store) {
      const long = digestOf(bytesOf(1), 'sha512');
      const id = await refer(store, 1, { subject: long });
      deepEqual(digestsOf(await list(store, id, { subject: long })), [manifestDigest(1)]);
      deepEqual(await list(store, id), []);
    },
  },
  {
    name: 'nothing refers to a digest that no manifest names as its subject',
    async run(store) {
      const id = await refer(store, 1);
      await refer(store, 2, { subject: undefined });
      deepEqual(await list(store, id, { subject: manifestDigest(1) }), []);
      deepEqual(await list(store, id, { subject: digestOfNumber(1) }), []);
      deepEqual(await list(store, id + 1000), []);
    },
  },
  {
    name: 'referrers of another repository are not shown',
    async run(store) {
      const id = await refer(store, 1);
      await store.putManifest(manifestPush('acme/api', 2, { manifest: { subject } }));
      deepEqual(digestsOf(await list(store, id)), [manifestDigest(1)]);
      deepEqual(digestsOf(await list(store, await idOf(store, 'acme/api'))), [manifestDigest(2)]);
      deepEqual(await list(store, await makeRepository(store, 'acme/job')), []);
    },
  },
  {
    name: 'a deleted referrer is shown no more, and again when it is pushed again',
    async run(store) {
      const id = await refer(store, 1);
      await refer(store, 2);
      const act = { repositoryId: id, by: 'alice', nowMs: startMs, leaseUntilMs: startMs };
      await store.deleteManifest({ ...act, digest: manifestDigest(1) });
      deepEqual(digestsOf(await list(store, id)), [manifestDigest(2)]);
      await refer(store, 1);
      await refer(store, 1);
      deepEqual(digestsOf(await list(store, id)), sorted([1, 2].map(manifestDigest)));
    },
  },
];

const pageCases: readonly StoreCase[] = [
  {
    name: 'referrers are listed in byte order of their digests, and pages join to the whole',
    async run(store) {
      const { id, all } = await referOften(store);
      deepEqual(digestsOf(await list(store, id)), all);
      for (const limit of [1, 3, all.length]) {
        const pages = await readPages<Digest>(async (after) =>
          digestsOf(await list(store, id, { ...(after && { after }), limit })),
        );
        deepEqual(pages.flat(), all);
        ok(pages.every((page) => page.length <= limit));
      }
    },
  },
  {
    name: 'a page of referrers starts after a digest that need not be there',
    async run(store) {
      const { id, all } = await referOften(store);
      const after = digestOf(bytesOf(5), 'sha256');
      deepEqual(
        digestsOf(await list(store, id, { after })),
        all.filter((digest) => digest > after),
      );
      deepEqual(await list(store, id, { after: present(all.at(-1), 'last') }), []);
      deepEqual(await list(store, id, { after: digestOf(bytesOf(5), 'sha512') }), []);
    },
  },
  {
    name: 'a filter by artifact type leaves the rest out, and its pages are full',
    async run(store) {
      const { id, signatures } = await referOften(store);
      deepEqual(digestsOf(await list(store, id, { artifactType: signature })), signatures);
      const pages = await readPages<Digest>(async (after) =>
        digestsOf(await list(store, id, { ...(after && { after }), limit: 3, artifactType: signature })),
      );
      deepEqual(pages.flat(), signatures);
      deepEqual(
        pages.map((page) => page.length),
        [3, 3, 1, 0],
      );
    },
  },
  {
    name: 'a filter wants the whole artifact type, letter for letter',
    async run(store) {
      const id = await refer(store, 1, { artifactType: signature });
      await refer(store, 2);
      for (const artifactType of ['application', `${signature}+json`, signature.toUpperCase(), '%', '']) {
        deepEqual(await list(store, id, { artifactType }), [], artifactType);
      }
    },
  },
];

/** Referrers: what is shown, filters, pages. */
export const referrerCases: readonly StoreCase[] = [...listCases, ...pageCases];
