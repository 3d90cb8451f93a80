import type { Digest } from '../../oci/digest.ts';
import type { StorageKey } from '../blob-store.ts';
import { StorageError } from '../error.ts';
import type { BlobRecord } from '../metadata-store.ts';
import type { PlanOf } from './plans.ts';
import { type RepositoryPlans, recordColumns, toRecord } from './repositories.ts';
import { all, type Builder, type Define, first, type Plan, type Slots } from './statement.ts';
import type { UploadPlans } from './uploads.ts';

/** Plans about blobs and the links that let a repository serve them. */
export interface BlobPlans {
  findBlob: PlanOf<'findBlob'>;
  findRepositoriesWithBlob: PlanOf<'findRepositoriesWithBlob'>;
  findKnownKeys: PlanOf<'findKnownKeys'>;
  publishBlob: PlanOf<'publishBlob'>;
  putSmallBlob: PlanOf<'putSmallBlob'>;
  mountBlob: PlanOf<'mountBlob'>;
  renewBlobLease: PlanOf<'renewBlobLease'>;
  deleteBlob: PlanOf<'deleteBlob'>;
  discardBlobBytes: PlanOf<'discardBlobBytes'>;
  /** Whether the repository may serve the blob. */
  hasBlob(repositoryId: number, digest: Digest): Plan<boolean>;
}

interface NewBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly key: StorageKey | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly nowMs: number;
}

export function createBlobPlans(define: Define, repositories: RepositoryPlans, uploads: UploadPlans): BlobPlans {
  const statements = blobStatements(define);

  /** The live blob of a digest, made where there is none, with new bytes where it has lost its own. `isNew` false: the content was there, and the new bytes are not needed. */
  function* ensureBlob(blob: NewBlob): Plan<{ id: number; isNew: boolean }> {
    const live = yield* first(statements.live, { digest: blob.digest });
    if (live !== undefined && hasBytes(live)) return { id: live.id, isNew: false };
    const key = blob.bytes === undefined ? (blob.key ?? null) : null;
    const { id } = live ?? ((yield* first(statements.insert, { ...blob, key })) as { id: number });
    if (live !== undefined) yield* all(statements.setKey, { blobId: id, key });
    if (blob.bytes !== undefined) yield* all(statements.insertBytes, { blobId: id, bytes: blob.bytes });
    return { id, isNew: true };
  }

  /** The id of a blob that the repository may serve. */
  function* findLinked(repositoryId: number, digest: Digest): Plan<number | undefined> {
    const row = yield* first(statements.isLinked, { repositoryId, digest });
    return row !== undefined && hasBytes(row) ? row.id : undefined;
  }

  return {
    *findBlob(repositoryId, digest) {
      const row = yield* first(statements.linked, { repositoryId, digest });
      return row !== undefined && hasBytes(row) ? toBlob(digest, row) : undefined;
    },
    *hasBlob(repositoryId, digest) {
      return (yield* findLinked(repositoryId, digest)) !== undefined;
    },
    *findRepositoriesWithBlob(digest, limit) {
      return (yield* all(statements.holders, { digest, limit })).map(toRecord);
    },
    *findKnownKeys(keys) {
      const known = new Set<StorageKey>();
      for (const key of keys) if ((yield* first(statements.knownKey, { key })) !== undefined) known.add(key);
      return known;
    },
    *publishBlob(command) {
      const { repositoryId, bytes, leaseUntilMs } = command;
      const key = yield* uploads.endUpload(command);
      const blob = yield* ensureBlob({ ...command, key });
      yield* all(statements.link, { repositoryId, blobId: blob.id, leaseUntilMs });
      return { unneededKey: blob.isNew && bytes === undefined ? undefined : key };
    },
    *putSmallBlob(command) {
      const repositoryId = yield* repositories.ensureRepository(command);
      const blob = yield* ensureBlob({ ...command, sizeBytes: command.bytes.byteLength, key: undefined });
      yield* all(statements.link, { repositoryId, blobId: blob.id, leaseUntilMs: command.leaseUntilMs });
    },
    *mountBlob(command) {
      const blobId = yield* findLinked(command.fromRepositoryId, command.digest);
      if (blobId === undefined) return false;
      const repositoryId = yield* repositories.ensureRepository(command);
      yield* all(statements.link, { repositoryId, blobId, leaseUntilMs: command.leaseUntilMs });
      return true;
    },
    *renewBlobLease({ repositoryId, digest, leaseUntilMs }) {
      const blobId = yield* findLinked(repositoryId, digest);
      if (blobId !== undefined) yield* all(statements.link, { repositoryId, blobId, leaseUntilMs });
    },
    *deleteBlob({ repositoryId, digest }) {
      const blob = yield* first(statements.isLinked, { repositoryId, digest });
      if (blob === undefined) return false;
      const user = yield* first(statements.namedBy, { repositoryId, digest });
      if (user !== undefined) {
        throw new StorageError('in-use', `The manifest ${user.digest} names the blob.`, { detail: user.digest });
      }
      yield* all(statements.unlink, { repositoryId, blobId: blob.id });
      return true;
    },
    *discardBlobBytes({ digest, key }) {
      const live = yield* first(statements.live, { digest });
      if (live === undefined || !hasBytes(live) || live.storage_key !== (key ?? null)) return false;
      yield* all(statements.setKey, { blobId: live.id, key: null });
      yield* all(statements.removeBytes, { blobId: live.id });
      return true;
    },
  };
}

function blobStatements(define: Define) {
  type Insert = { digest: string; sizeBytes: number; key: string | null; nowMs: number };
  const links = ({ db, sql }: Builder) =>
    db
      .selectFrom('blobs')
      .innerJoin('repository_blobs', 'repository_blobs.blob_id', 'blobs.id')
      .where('blobs.state', '=', sql.lit('live'));
  return {
    live: define('blobs.live', (p: Slots<{ digest: string }>, { db, sql }) =>
      db
        .selectFrom('blobs')
        .leftJoin('blob_bytes', 'blob_bytes.blob_id', 'blobs.id')
        .select(['blobs.id', 'blobs.storage_key', 'blob_bytes.blob_id'])
        .where('blobs.digest', '=', p.digest)
        .where('blobs.state', '=', sql.lit('live')),
    ),
    insert: define('blobs.insert', (p: Slots<Insert>, { db }) =>
      db
        .insertInto('blobs')
        .values({ digest: p.digest, size_bytes: p.sizeBytes, storage_key: p.key, state: 'live', created_ms: p.nowMs })
        .returning('id'),
    ),
    insertBytes: define('blobs.insertBytes', (p: Slots<{ blobId: number; bytes: Uint8Array }>, { db }) =>
      db.insertInto('blob_bytes').values({ blob_id: p.blobId, bytes: p.bytes }),
    ),
    setKey: define('blobs.setKey', (p: Slots<{ blobId: number; key: string | null }>, { db }) =>
      db.updateTable('blobs').set({ storage_key: p.key }).where('id', '=', p.blobId),
    ),
    removeBytes: define('blobs.removeBytes', (p: Slots<{ blobId: number }>, { db }) =>
      db.deleteFrom('blob_bytes').where('blob_id', '=', p.blobId),
    ),
    linked: define('blobs.linked', (p: Slots<{ repositoryId: number; digest: string }>, builder) =>
      links(builder)
        .leftJoin('blob_bytes', 'blob_bytes.blob_id', 'blobs.id')
        .select([
          'blobs.size_bytes',
          'blobs.storage_key',
          'blob_bytes.blob_id',
          'blob_bytes.bytes',
          'repository_blobs.lease_until_ms',
        ])
        .where('blobs.digest', '=', p.digest)
        .where('repository_blobs.repository_id', '=', p.repositoryId),
    ),
    isLinked: define('blobs.isLinked', (p: Slots<{ repositoryId: number; digest: string }>, builder) =>
      links(builder)
        .leftJoin('blob_bytes', 'blob_bytes.blob_id', 'blobs.id')
        .select(['blobs.id', 'blobs.storage_key', 'blob_bytes.blob_id'])
        .where('blobs.digest', '=', p.digest)
        .where('repository_blobs.repository_id', '=', p.repositoryId),
    ),
    holders: define('blobs.holders', (p: Slots<{ digest: string; limit: number }>, builder) =>
      links(builder)
        .innerJoin('repositories', 'repositories.id', 'repository_blobs.repository_id')
        .select(recordColumns)
        .where('blobs.digest', '=', p.digest)
        .orderBy('repository_blobs.repository_id')
        .limit(p.limit),
    ),
    knownKey: define('blobs.knownKey', (p: Slots<{ key: string }>, { db }) =>
      db
        .selectFrom('uploads')
        .select('storage_key')
        .where('storage_key', '=', p.key)
        .unionAll(
          db
            .selectFrom('blobs')
            .select('storage_key')
            .where('storage_key', '=', p.key)
            .$castTo<{ storage_key: string }>(),
        ),
    ),
    link: define(
      'blobs.link',
      (p: Slots<{ repositoryId: number; blobId: number; leaseUntilMs: number }>, { db, sql }) =>
        db
          .insertInto('repository_blobs')
          .values({ repository_id: p.repositoryId, blob_id: p.blobId, lease_until_ms: p.leaseUntilMs })
          .onConflict((conflict) =>
            conflict.columns(['repository_id', 'blob_id']).doUpdateSet({
              lease_until_ms: sql<number>`case when excluded.lease_until_ms > repository_blobs.lease_until_ms then excluded.lease_until_ms else repository_blobs.lease_until_ms end`,
            }),
          ),
    ),
    unlink: define('blobs.unlink', (p: Slots<{ repositoryId: number; blobId: number }>, { db }) =>
      db.deleteFrom('repository_blobs').where('repository_id', '=', p.repositoryId).where('blob_id', '=', p.blobId),
    ),
    namedBy: define('blobs.namedBy', (p: Slots<{ repositoryId: number; digest: string }>, { db, sql }) =>
      db
        .selectFrom('manifest_edges')
        .innerJoin('manifests', 'manifests.id', 'manifest_edges.manifest_id')
        .select('manifests.digest')
        .where('manifest_edges.repository_id', '=', p.repositoryId)
        .where('manifest_edges.digest', '=', p.digest)
        .where('manifest_edges.kind', '=', sql.lit('blob'))
        .limit(1),
    ),
  };
}

/** Whether a blob has its bytes: one whose bytes were given up waits for them to be pushed again, and keeps its links. */
function hasBytes(row: { storage_key: string | null; blob_id: number | null }): boolean {
  return row.storage_key !== null || row.blob_id !== null;
}

type LinkedRow = { size_bytes: number; storage_key: string | null; bytes: Uint8Array | null; lease_until_ms: number };

function toBlob(digest: Digest, row: LinkedRow): BlobRecord {
  const content = row.bytes === null ? { key: row.storage_key as StorageKey } : { bytes: row.bytes };
  return { digest, sizeBytes: row.size_bytes, content, leaseUntilMs: row.lease_until_ms };
}
