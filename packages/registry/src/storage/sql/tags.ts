import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/name.ts';
import type { Act } from '../metadata-store.ts';
import type { PlanOf } from './plans.ts';
import type { RepositoryPlans } from './repositories.ts';
import type { Schema } from './schema.ts';
import { all, type Define, first, type Plan, type Slots } from './statement.ts';

/** Plans about tags. Every move is written to the history with it. */
export interface TagPlans {
  listTags: PlanOf<'listTags'>;
  listTagRecords: PlanOf<'listTagRecords'>;
  deleteTag: PlanOf<'deleteTag'>;
  setTagExpiry: PlanOf<'setTagExpiry'>;
  /** The manifest that a tag points to. */
  findTag(
    repositoryId: number,
    tag: Tag,
  ): Plan<Pick<Schema['manifests'], 'digest' | 'media_type' | 'size_bytes'> | undefined>;
  /** Points the tag to the manifest; nothing is written, and undefined returned, when it does already. Else where it pointed before. The caller counts new tags. */
  moveTag(
    move: Act & { repositoryId: number; tag: Tag; manifestId: number; digest: Digest },
  ): Plan<{ readonly tag: Tag; readonly from: Digest | undefined } | undefined>;
  /** Deletes all tags that point to the manifest, which the caller counts. */
  deleteTagsOf(act: Act & { repositoryId: number; manifestId: number }): Plan<readonly Tag[]>;
}

export function createTagPlans(define: Define, repositories: RepositoryPlans): TagPlans {
  const statements = tagStatements(define);
  const findTag: TagPlans['findTag'] = (repositoryId, tag) => first(statements.find, { repositoryId, tag });

  type Change = Act & { repositoryId: number; tag: string; from: string | null; to: string | null };
  function* remember(change: Change): Plan<void> {
    yield* all(statements.remember, { ...change, by: change.by ?? null });
  }

  return {
    findTag,
    *listTags(repositoryId, { after, limit }) {
      const rows = yield* all(statements.page, { repositoryId, after: after ?? '', limit });
      return rows.map((row) => row.name as Tag);
    },
    *listTagRecords(repositoryId, { after, limit }) {
      const rows = yield* all(statements.records, { repositoryId, after: after ?? '', limit });
      return rows.map((row) => ({
        tag: row.name as Tag,
        digest: row.digest as Digest,
        mediaType: row.media_type,
        sizeBytes: row.size_bytes,
        movedMs: row.moved_ms,
        expiresMs: row.expires_ms ?? undefined,
      }));
    },
    *deleteTag(command) {
      const held = yield* findTag(command.repositoryId, command.tag);
      if (held === undefined) return undefined;
      yield* all(statements.remove, command);
      yield* remember({ ...command, from: held.digest, to: null });
      yield* repositories.addCounts(command.repositoryId, { manifests: 0, manifestBytes: 0, tags: -1 });
      return held.digest as Digest;
    },
    *setTagExpiry({ repositoryId, tag, expiresMs }) {
      return (yield* first(statements.expire, { repositoryId, tag, expiresMs: expiresMs ?? null })) !== undefined;
    },
    *moveTag(move) {
      const held = yield* findTag(move.repositoryId, move.tag);
      if (held?.digest === move.digest) return undefined;
      yield* all(statements.put, move);
      yield* remember({ ...move, from: held?.digest ?? null, to: move.digest });
      return { tag: move.tag, from: held?.digest as Digest | undefined };
    },
    *deleteTagsOf(act) {
      const pointing = yield* all(statements.pointingTo, act);
      for (const { name, digest } of pointing) {
        yield* all(statements.remove, { repositoryId: act.repositoryId, tag: name });
        yield* remember({ ...act, tag: name, from: digest, to: null });
      }
      return pointing.map(({ name }) => name as Tag);
    },
  };
}

function tagStatements(define: Define) {
  type Key = { repositoryId: number; tag: string };
  return {
    find: define('tags.find', (p: Slots<Key>, { db }) =>
      db
        .selectFrom('tags')
        .innerJoin('manifests', 'manifests.id', 'tags.manifest_id')
        .select(['manifests.digest', 'manifests.media_type', 'manifests.size_bytes'])
        .where('tags.repository_id', '=', p.repositoryId)
        .where('tags.name', '=', p.tag),
    ),
    page: define('tags.page', (p: Slots<{ repositoryId: number; after: string; limit: number }>, { db }) =>
      db
        .selectFrom('tags')
        .select('name')
        .where('repository_id', '=', p.repositoryId)
        .where('name', '>', p.after)
        .orderBy('name')
        .limit(p.limit),
    ),
    records: define('tags.records', (p: Slots<{ repositoryId: number; after: string; limit: number }>, { db }) =>
      db
        .selectFrom('tags')
        .innerJoin('manifests', 'manifests.id', 'tags.manifest_id')
        .select(['tags.name', 'tags.moved_ms', 'tags.expires_ms'])
        .select(['manifests.digest', 'manifests.media_type', 'manifests.size_bytes'])
        .where('tags.repository_id', '=', p.repositoryId)
        .where('tags.name', '>', p.after)
        .orderBy('tags.name')
        .limit(p.limit),
    ),
    pointingTo: define('tags.pointingTo', (p: Slots<{ manifestId: number }>, { db }) =>
      db
        .selectFrom('tags')
        .innerJoin('manifests', 'manifests.id', 'tags.manifest_id')
        .select(['tags.name', 'manifests.digest'])
        .where('tags.manifest_id', '=', p.manifestId),
    ),
    put: define('tags.put', (p: Slots<Key & { manifestId: number; nowMs: number }>, { db }) =>
      db
        .insertInto('tags')
        .values({ repository_id: p.repositoryId, name: p.tag, manifest_id: p.manifestId, moved_ms: p.nowMs })
        .onConflict((conflict) =>
          conflict.columns(['repository_id', 'name']).doUpdateSet({ manifest_id: p.manifestId, moved_ms: p.nowMs }),
        ),
    ),
    expire: define('tags.expire', (p: Slots<Key & { expiresMs: number | null }>, { db }) =>
      db
        .updateTable('tags')
        .set({ expires_ms: p.expiresMs })
        .where('repository_id', '=', p.repositoryId)
        .where('name', '=', p.tag)
        .returning('name'),
    ),
    remove: define('tags.remove', (p: Slots<Key>, { db }) =>
      db.deleteFrom('tags').where('repository_id', '=', p.repositoryId).where('name', '=', p.tag),
    ),
    remember: define(
      'tags.remember',
      (p: Slots<Key & { nowMs: number; by: string | null; from: string | null; to: string | null }>, { db }) =>
        db.insertInto('tag_history').values({
          repository_id: p.repositoryId,
          name: p.tag,
          at_ms: p.nowMs,
          moved_by: p.by,
          from_digest: p.from,
          to_digest: p.to,
        }),
    ),
  };
}
