import type { Digest } from '../../oci/digest.ts';
import { StorageError } from '../error.ts';
import type { ManifestRecord, PutManifest, ReferrerRecord, StoredManifest, TagCondition } from '../metadata-store.ts';
import type { BlobPlans } from './blobs.ts';
import type { PlanOf } from './plans.ts';
import type { RepositoryPlans } from './repositories.ts';
import type { Schema } from './schema.ts';
import { all, type Builder, type Define, first, type Plan, type Slots } from './statement.ts';
import type { TagPlans } from './tags.ts';

/** Plans about manifests: their bytes, their edges, and who refers to whom. */
export interface ManifestPlans {
  findManifest: PlanOf<'findManifest'>;
  readManifest: PlanOf<'readManifest'>;
  listReferrers: PlanOf<'listReferrers'>;
  putManifest: PlanOf<'putManifest'>;
  deleteManifest: PlanOf<'deleteManifest'>;
  /** Removes a manifest to which no tag points; its blobs stay until `leaseUntilMs`. */
  removeManifest(manifest: { repositoryId: number; id: number; sizeBytes: number; leaseUntilMs: number }): Plan<void>;
}

/** The plans of other subjects that manifests build on. */
export interface ManifestNeeds {
  readonly repositories: RepositoryPlans;
  readonly blobs: BlobPlans;
  readonly tags: TagPlans;
}

export function createManifestPlans(define: Define, { repositories, blobs, tags }: ManifestNeeds): ManifestPlans {
  const statements = { ...readStatements(define), ...writeStatements(define) };

  function* findMissing(repositoryId: number, edges: PutManifest['manifest']['edges']): Plan<readonly Digest[]> {
    const missing: Digest[] = [];
    for (const { digest, kind, required } of edges) {
      if (!required) continue;
      const isThere =
        kind === 'blob'
          ? yield* blobs.hasBlob(repositoryId, digest)
          : (yield* first(statements.byDigest, { repositoryId, digest })) !== undefined;
      if (!isThere) missing.push(digest);
    }
    return missing;
  }

  /** The condition speaks of what the URL names: each tag, or the manifest itself in a push by digest. */
  function* checkCondition(repositoryId: number, { digest, tags: names, condition }: PutManifest): Plan<void> {
    if (condition === undefined) return;
    const current: (string | undefined)[] = [];
    for (const tag of names) current.push((yield* tags.findTag(repositoryId, tag))?.digest);
    if (names.length === 0) current.push((yield* first(statements.byDigest, { repositoryId, digest }))?.digest);
    if (!current.every((held) => conditionHolds(condition, held))) {
      throw new StorageError('precondition-failed', 'The tag is not what the condition wants.', { detail: current });
    }
  }

  function* insert(repositoryId: number, { digest, bytes, manifest, by, nowMs }: PutManifest): Plan<number> {
    const made = (yield* first(statements.insert, {
      repositoryId,
      digest,
      mediaType: manifest.mediaType,
      sizeBytes: bytes.byteLength,
      artifactType: manifest.artifactType ?? null,
      subject: manifest.subject ?? null,
      annotations: manifest.annotations === undefined ? null : JSON.stringify(manifest.annotations),
      by: by ?? null,
      nowMs,
    })) as { id: number };
    yield* all(statements.insertBytes, { manifestId: made.id, bytes });
    for (const edge of manifest.edges) {
      yield* all(statements.insertEdge, { manifestId: made.id, repositoryId, digest: edge.digest, kind: edge.kind });
    }
    return made.id;
  }

  const removeManifest: ManifestPlans['removeManifest'] = function* ({ repositoryId, id, sizeBytes, leaseUntilMs }) {
    // A client that was told "you have it" may rely on a blob for a while, though its last mention goes.
    for (const edge of yield* all(statements.blobsNamed, { manifestId: id })) {
      yield* blobs.renewBlobLease({ repositoryId, digest: edge.digest as Digest, leaseUntilMs });
    }
    yield* all(statements.remove, { manifestId: id });
    yield* repositories.addCounts(repositoryId, { manifests: -1, manifestBytes: -sizeBytes, tags: 0 });
  };

  return {
    *findManifest(repositoryId, { digest, tag }) {
      const row =
        digest === undefined
          ? yield* tags.findTag(repositoryId, tag)
          : yield* first(statements.byDigest, { repositoryId, digest });
      return row === undefined ? undefined : toManifest(row);
    },
    *readManifest(repositoryId, { digest, tag }) {
      const row =
        digest === undefined
          ? yield* first(statements.readByTag, { repositoryId, tag })
          : yield* first(statements.readByDigest, { repositoryId, digest });
      return row === undefined ? undefined : { ...toManifest(row), bytes: row.bytes };
    },
    *listReferrers(repositoryId, subject, { after, limit, artifactType, pageBytes }) {
      const page = { repositoryId, subject, after: after ?? '', artifactType: artifactType ?? '' };
      const [sizes, records] =
        artifactType === undefined
          ? [statements.referrerSizes, statements.referrers]
          : [statements.referrerSizesOfType, statements.referrersOfType];
      const found = yield* all(sizes, { ...page, limit: limit + 1 });
      const count = countWithin(found.slice(0, limit), pageBytes);
      const rows = yield* all(records, { ...page, limit: count });
      return { items: rows.map(toReferrer), hasMore: found.length > count };
    },
    *putManifest(command) {
      const repositoryId = yield* repositories.ensureRepository(command);
      yield* checkCondition(repositoryId, command);
      const missing = yield* findMissing(repositoryId, command.manifest.edges);
      if (missing.length > 0 && !command.sparse) {
        throw new StorageError('missing-content', 'The manifest names content that is not there.', { detail: missing });
      }
      const existing = yield* first(statements.byDigest, { repositoryId, digest: command.digest });
      const manifestId = existing?.id ?? (yield* insert(repositoryId, command));
      const moved: StoredManifest['moved'][number][] = [];
      for (const tag of command.tags) {
        const move = yield* tags.moveTag({ ...command, repositoryId, tag, manifestId });
        if (move !== undefined) moved.push(move);
      }
      const isNew = existing === undefined;
      yield* repositories.addCounts(repositoryId, {
        manifests: isNew ? 1 : 0,
        manifestBytes: isNew ? command.bytes.byteLength : 0,
        tags: moved.filter(({ from }) => from === undefined).length,
      });
      return { missing, isNew, moved };
    },
    *deleteManifest(command) {
      const { repositoryId, digest } = command;
      const manifest = yield* first(statements.byDigest, { repositoryId, digest });
      if (manifest === undefined) return undefined;
      const deleted = yield* tags.deleteTagsOf({ ...command, manifestId: manifest.id });
      yield* repositories.addCounts(repositoryId, { manifests: 0, manifestBytes: 0, tags: -deleted.length });
      yield* removeManifest({ ...command, id: manifest.id, sizeBytes: manifest.size_bytes });
      return deleted;
    },
    removeManifest,
  };
}

function conditionHolds({ ifMatch, ifNoneMatch }: TagCondition, held: string | undefined): boolean {
  const matches = (wanted: '*' | readonly string[]) => held !== undefined && (wanted === '*' || wanted.includes(held));
  return (ifMatch === undefined || matches(ifMatch)) && (ifNoneMatch === undefined || !matches(ifNoneMatch));
}

function readStatements(define: Define) {
  type Key = { repositoryId: number; digest: string };
  const records = ({ db }: Builder) =>
    db
      .selectFrom('manifests')
      .select(['manifests.id', 'manifests.digest', 'manifests.media_type', 'manifests.size_bytes']);
  const withBytes = (builder: Builder) =>
    records(builder)
      .innerJoin('manifest_bytes', 'manifest_bytes.manifest_id', 'manifests.id')
      .select('manifest_bytes.bytes');
  type Page = { repositoryId: number; subject: string; after: string; limit: number; artifactType: string };
  const pageOf = (p: Slots<Page>, { db }: Builder) =>
    db
      .selectFrom('manifests')
      .where('repository_id', '=', p.repositoryId)
      .where('subject', '=', p.subject)
      .where('digest', '>', p.after)
      .orderBy('digest')
      .limit(p.limit);
  const pageOfType = (p: Slots<Page>, builder: Builder) =>
    pageOf(p, builder).where('artifact_type', '=', p.artifactType);
  const textBytes = ({ sql }: Builder) =>
    sql<number>`octet_length(media_type) + coalesce(octet_length(artifact_type), 0) + coalesce(octet_length(annotations), 0)`.as(
      'textBytes',
    );
  const shown = ['digest', 'media_type', 'size_bytes', 'artifact_type', 'annotations'] as const;
  return {
    byDigest: define('manifests.byDigest', (p: Slots<Key>, builder) =>
      records(builder).where('repository_id', '=', p.repositoryId).where('digest', '=', p.digest),
    ),
    readByDigest: define('manifests.readByDigest', (p: Slots<Key>, builder) =>
      withBytes(builder).where('repository_id', '=', p.repositoryId).where('digest', '=', p.digest),
    ),
    readByTag: define('manifests.readByTag', (p: Slots<{ repositoryId: number; tag: string }>, builder) =>
      withBytes(builder)
        .innerJoin('tags', 'tags.manifest_id', 'manifests.id')
        .where('tags.repository_id', '=', p.repositoryId)
        .where('tags.name', '=', p.tag),
    ),
    referrerSizes: define('manifests.referrerSizes', (p: Slots<Page>, builder) =>
      pageOf(p, builder).select(textBytes(builder)),
    ),
    referrerSizesOfType: define('manifests.referrerSizesOfType', (p: Slots<Page>, builder) =>
      pageOfType(p, builder).select(textBytes(builder)),
    ),
    referrers: define('manifests.referrers', (p: Slots<Page>, builder) => pageOf(p, builder).select(shown)),
    referrersOfType: define('manifests.referrersOfType', (p: Slots<Page>, builder) =>
      pageOfType(p, builder).select(shown),
    ),
  };
}

function writeStatements(define: Define) {
  return {
    insert: define(
      'manifests.insert',
      (
        p: Slots<{
          repositoryId: number;
          digest: string;
          mediaType: string;
          sizeBytes: number;
          artifactType: string | null;
          subject: string | null;
          annotations: string | null;
          by: string | null;
          nowMs: number;
        }>,
        { db },
      ) =>
        db
          .insertInto('manifests')
          .values({
            repository_id: p.repositoryId,
            digest: p.digest,
            media_type: p.mediaType,
            size_bytes: p.sizeBytes,
            artifact_type: p.artifactType,
            subject: p.subject,
            annotations: p.annotations,
            pushed_by: p.by,
            pushed_ms: p.nowMs,
          })
          .returning('id'),
    ),
    insertBytes: define('manifests.insertBytes', (p: Slots<{ manifestId: number; bytes: Uint8Array }>, { db }) =>
      db.insertInto('manifest_bytes').values({ manifest_id: p.manifestId, bytes: p.bytes }),
    ),
    insertEdge: define(
      'manifests.insertEdge',
      (p: Slots<{ manifestId: number; repositoryId: number; digest: string; kind: 'blob' | 'manifest' }>, { db }) =>
        db
          .insertInto('manifest_edges')
          .values({ manifest_id: p.manifestId, repository_id: p.repositoryId, digest: p.digest, kind: p.kind }),
    ),
    blobsNamed: define('manifests.blobsNamed', (p: Slots<{ manifestId: number }>, { db, sql }) =>
      db
        .selectFrom('manifest_edges')
        .select('digest')
        .where('manifest_id', '=', p.manifestId)
        .where('kind', '=', sql.lit('blob')),
    ),
    /** Bytes and edges go with it. */
    remove: define('manifests.remove', (p: Slots<{ manifestId: number }>, { db }) =>
      db.deleteFrom('manifests').where('id', '=', p.manifestId),
    ),
  };
}

/** What a descriptor takes in a list beside its texts: keys, a digest of sha512, a size. */
const descriptorBytes = 256;

/** How many entries fit, and at least one. */
function countWithin(entries: readonly { readonly textBytes: number }[], limitBytes: number): number {
  let bytes = 0;
  const tooMuch = entries.findIndex(({ textBytes }) => {
    bytes += descriptorBytes + textBytes;
    return bytes > limitBytes;
  });
  return tooMuch < 0 ? entries.length : Math.max(tooMuch, 1);
}

type ManifestRow = Pick<Schema['manifests'], 'digest' | 'media_type' | 'size_bytes'>;

function toManifest(row: ManifestRow): ManifestRecord {
  return { digest: row.digest as Digest, mediaType: row.media_type, sizeBytes: row.size_bytes };
}

function toReferrer(row: ManifestRow & Pick<Schema['manifests'], 'artifact_type' | 'annotations'>): ReferrerRecord {
  return {
    ...toManifest(row),
    artifactType: row.artifact_type ?? undefined,
    annotations: row.annotations === null ? undefined : JSON.parse(row.annotations),
  };
}
