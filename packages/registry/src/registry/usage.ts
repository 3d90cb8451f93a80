import { setImmediate } from 'node:timers/promises';
import type { NamePattern } from '../storage/access-records.ts';
import type { MetadataStore, RepositoryUsage } from '../storage/metadata-store.ts';
import type { Pulls } from './pulls.ts';

/** What the repositories of a pattern take and give out. */
export interface Usage {
  readonly repositories: number;
  readonly manifests: number;
  readonly tags: number;
  /** Bytes that nobody else holds: manifests, and blobs of these repositories alone, each counted once. */
  readonly uniqueBytes: number;
  /** Bytes of blobs that other repositories hold, too, each counted once. */
  readonly sharedBytes: number;
  /** Manifests that clients got, whether by tag or by digest. */
  readonly pulls: number;
  /** Bytes of blobs and manifests in answers to clients. */
  readonly sentBytes: number;
}

/** Rows that are read at once: the event loop waits for no more. */
const pageLength = 500;

/** Sums up what repositories take. Reads a row for each blob that they hold, in pieces; what changes meanwhile may be seen or not. */
export async function sumUsage(
  { metadata, pulls }: { readonly metadata: MetadataStore; readonly pulls: Pulls },
  pattern: NamePattern | undefined,
): Promise<Usage> {
  await pulls.flush();
  const sum = { repositories: 0, manifests: 0, tags: 0, uniqueBytes: 0, sharedBytes: 0, pulls: 0, sentBytes: 0 };
  for await (const repository of repositoriesOf(metadata, pattern)) {
    sum.repositories += 1;
    sum.manifests += repository.manifestCount;
    sum.tags += repository.tagCount;
    sum.uniqueBytes += repository.manifestBytes;
    sum.pulls += repository.pullCount;
    sum.sentBytes += repository.sentBytes;
    for await (const { sizeBytes, isShared } of blobsOf(metadata, repository, pattern)) {
      if (isShared) sum.sharedBytes += sizeBytes;
      else sum.uniqueBytes += sizeBytes;
    }
  }
  return sum;
}

async function* repositoriesOf(
  metadata: MetadataStore,
  pattern: NamePattern | undefined,
): AsyncGenerator<RepositoryUsage> {
  let after: string | undefined;
  while (true) {
    const page = await metadata.listUsage(pattern, { after, limit: pageLength });
    yield* page;
    if (page.length < pageLength) return;
    after = page.at(-1)?.name;
  }
}

/** Blobs that no earlier repository of the pattern has counted. */
async function* blobsOf(
  metadata: MetadataStore,
  { id }: RepositoryUsage,
  pattern: NamePattern | undefined,
): AsyncGenerator<{ readonly sizeBytes: number; readonly isShared: boolean }> {
  let afterId = 0;
  while (true) {
    const page = await metadata.listBlobUsage(id, pattern, { afterId, limit: pageLength });
    yield* page.filter(({ isCounted }) => !isCounted);
    if (page.length < pageLength) return;
    afterId = page.at(-1)?.id ?? afterId;
    await setImmediate();
  }
}
