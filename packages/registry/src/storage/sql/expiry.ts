import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName, Tag } from '../../oci/name.ts';
import type { ExpiredContent } from '../metadata-store.ts';
import type { ManifestPlans } from './manifests.ts';
import type { PlanOf } from './plans.ts';
import { all, type Define, first, type Plan, type Slots } from './statement.ts';
import type { TagPlans } from './tags.ts';

/** The plan of what goes by itself. */
export interface ExpiryPlans {
  expireTags: PlanOf<'expireTags'>;
}

/** The plans of other subjects that expiry builds on. */
export interface ExpiryNeeds {
  readonly tags: TagPlans;
  readonly manifests: ManifestPlans;
}

type Place = { readonly repositoryId: number; readonly repository: RepositoryName; readonly leaseUntilMs: number };
type ExpiredManifest = ExpiredContent['manifests'][number];

export function createExpiryPlans(define: Define, { tags, manifests }: ExpiryNeeds): ExpiryPlans {
  const statements = expiryStatements(define);

  /** Removes the manifest if nothing needs it, then what it alone needed. A list and no recursion: who pushes may chain thousands. It ends, since each that is removed is looked at once. */
  function* removeUnneeded(
    { repositoryId, repository, leaseUntilMs }: Place,
    firstId: number,
  ): Plan<readonly ExpiredManifest[]> {
    const removed: ExpiredManifest[] = [];
    const pending = [firstId];
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      const manifest = yield* first(statements.byId, { id });
      // What several others needed is come to more than once.
      if (manifest === undefined) continue;
      const { digest, size_bytes: sizeBytes } = manifest;
      if ((yield* first(statements.tagOf, { manifestId: id })) !== undefined) continue;
      if ((yield* first(statements.parentOf, { repositoryId, digest })) !== undefined) continue;
      const children = yield* all(statements.childrenOf, { repositoryId, manifestId: id });
      const referrers = yield* all(statements.referrersOf, { repositoryId, subject: digest });
      for (const other of [...children, ...referrers]) pending.push(other.id);
      yield* manifests.removeManifest({ repositoryId, id, sizeBytes, leaseUntilMs });
      removed.push({ repository, digest: digest as Digest });
    }
    return removed;
  }

  return {
    *expireTags({ nowMs, limit, leaseUntilMs }) {
      const due = yield* all(statements.due, { nowMs, limit });
      const goneTags: ExpiredContent['tags'][number][] = [];
      const goneManifests: ExpiredManifest[] = [];
      for (const row of due) {
        const tag = row.tag as Tag;
        const repository = row.repository as RepositoryName;
        yield* tags.deleteTag({ repositoryId: row.repository_id, tag, by: undefined, nowMs });
        goneTags.push({ repository, tag, digest: row.digest as Digest });
        const place = { repositoryId: row.repository_id, repository, leaseUntilMs };
        // One by one: they may be too many for the arguments of a call.
        for (const gone of yield* removeUnneeded(place, row.id)) goneManifests.push(gone);
      }
      return { tags: goneTags, manifests: goneManifests };
    },
  };
}

function expiryStatements(define: Define) {
  return {
    due: define('expiry.due', (p: Slots<{ nowMs: number; limit: number }>, { db }) =>
      db
        .selectFrom('tags')
        .innerJoin('manifests', 'manifests.id', 'tags.manifest_id')
        .innerJoin('repositories', 'repositories.id', 'tags.repository_id')
        .select([
          'manifests.id',
          'manifests.digest',
          'tags.repository_id',
          'tags.name as tag',
          'repositories.name as repository',
        ])
        .where('tags.expires_ms', '<=', p.nowMs)
        .orderBy('tags.expires_ms')
        .limit(p.limit),
    ),
    byId: define('expiry.manifest', (p: Slots<{ id: number }>, { db }) =>
      db.selectFrom('manifests').select(['digest', 'size_bytes']).where('id', '=', p.id),
    ),
    tagOf: define('expiry.tagOf', (p: Slots<{ manifestId: number }>, { db }) =>
      db.selectFrom('tags').select('name').where('manifest_id', '=', p.manifestId).limit(1),
    ),
    parentOf: define('expiry.parentOf', (p: Slots<{ repositoryId: number; digest: string }>, { db, sql }) =>
      db
        .selectFrom('manifest_edges')
        .select('manifest_id')
        .where('repository_id', '=', p.repositoryId)
        .where('digest', '=', p.digest)
        .where('kind', '=', sql.lit('manifest'))
        .limit(1),
    ),
    childrenOf: define('expiry.childrenOf', (p: Slots<{ repositoryId: number; manifestId: number }>, { db, sql }) =>
      db
        .selectFrom('manifest_edges')
        .innerJoin('manifests', 'manifests.digest', 'manifest_edges.digest')
        .select('manifests.id')
        .where('manifest_edges.manifest_id', '=', p.manifestId)
        .where('manifest_edges.kind', '=', sql.lit('manifest'))
        .where('manifests.repository_id', '=', p.repositoryId),
    ),
    referrersOf: define('expiry.referrersOf', (p: Slots<{ repositoryId: number; subject: string }>, { db }) =>
      db
        .selectFrom('manifests')
        .select('manifests.id')
        .where('repository_id', '=', p.repositoryId)
        .where('subject', '=', p.subject),
    ),
  };
}
