import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type PutManifest, parseDigest, parseRepositoryName, parseTag, type RepositoryName } from '@moorage/registry';

/** Content by the hundred thousand, as commands of Moorage's metadata store. */
export interface Fill {
  /** Tells it from every other. */
  readonly name: string;
  commands(): Iterable<PutManifest>;
}

const queued = 500;

/**
 * Carries out a fill on the database of a data directory on which no server runs, by the library of `workTree` (which may be an older one): what it writes is what that
 * version's own pushes would have written, counts and histories included.
 */
export async function fillData(workTree: string, data: string, fill: Fill): Promise<void> {
  const module = join(workTree, 'packages/registry/src/storage/sqlite/sqlite.ts');
  const { sqlite }: typeof import('@moorage/registry/sqlite') = await import(module);
  const store = sqlite({ file: join(data, 'registry.db') });
  try {
    let batch: Promise<unknown>[] = [];
    for (const command of fill.commands()) {
      batch.push(store.putManifest(command));
      if (batch.length < queued) continue;
      await Promise.all(batch);
      batch = [];
    }
    await Promise.all(batch);
  } finally {
    await store.close();
  }
}

/** The push by `by` of an index that names nothing, which differs by `mark`. */
export function putIndex(
  name: string,
  { mark, by, tags }: { readonly mark: string; readonly by: string; readonly tags: readonly string[] },
): PutManifest {
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const bytes = new TextEncoder().encode(
    JSON.stringify({ schemaVersion: 2, mediaType, manifests: [], annotations: { mark } }),
  );
  const repository: RepositoryName = parseRepositoryName(name);
  return {
    repository: { id: undefined, name: repository },
    visibility: 'private',
    by,
    nowMs: Date.now(),
    digest: parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`),
    bytes,
    manifest: { mediaType, artifactType: undefined, subject: undefined, annotations: { mark }, edges: [] },
    tags: tags.map(parseTag),
    condition: undefined,
    sparse: false,
  };
}
