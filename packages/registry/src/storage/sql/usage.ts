import type { RepositoryName } from '../../oci/name.ts';
import { pageStart, rangeOf } from './pattern-range.ts';
import type { PlanOf } from './plans.ts';
import { all, type Builder, type Define, type Slots } from './statement.ts';

/** Plans about what repositories take and give out. */
export interface UsagePlans {
  listUsage: PlanOf<'listUsage'>;
  listBlobUsage: PlanOf<'listBlobUsage'>;
  addPulls: PlanOf<'addPulls'>;
}

export function createUsagePlans(define: Define): UsagePlans {
  const statements = usageStatements(define);
  return {
    *listUsage(pattern, { after, limit }) {
      const range = rangeOf(pattern);
      const rows = yield* all(statements.repositories, { from: pageStart(range, after), high: range.high, limit });
      return rows.map((row) => ({
        id: row.id,
        name: row.name as RepositoryName,
        manifestCount: row.manifest_count,
        manifestBytes: row.manifest_bytes,
        tagCount: row.tag_count,
        pullCount: row.pull_count,
        sentBytes: row.sent_bytes,
      }));
    },
    *listBlobUsage(repositoryId, pattern, { afterId, limit }) {
      const rows = yield* all(statements.blobs, { repositoryId, ...rangeOf(pattern), afterId, limit });
      return rows.map((row) => ({
        id: row.id,
        sizeBytes: row.size_bytes,
        isCounted: row.is_counted === 1,
        isShared: row.is_shared === 1,
      }));
    },
    *addPulls({ entries }) {
      for (const entry of entries) yield* all(statements.addPulls, entry);
    },
  };
}

function usageStatements(define: Define) {
  type Range = { low: string; high: string };
  const isCounted = (p: Slots<Range>, sql: Builder['sql']) => sql<0 | 1>`exists (
    select 1 from repository_blobs other join repositories on repositories.id = other.repository_id
    where other.blob_id = link.blob_id and other.repository_id < link.repository_id
      and repositories.name >= ${p.low} and repositories.name < ${p.high})`;
  return {
    repositories: define('usage.repositories', (p: Slots<{ from: string; high: string; limit: number }>, { db }) =>
      db
        .selectFrom('repositories')
        .select(['id', 'name', 'manifest_count', 'manifest_bytes', 'tag_count', 'pull_count', 'sent_bytes'])
        .where('name', '>=', p.from)
        .where('name', '<', p.high)
        .orderBy('name')
        .limit(p.limit),
    ),
    blobs: define(
      'usage.blobs',
      (p: Slots<Range & { repositoryId: number; afterId: number; limit: number }>, { db, sql }) =>
        db
          .selectFrom('repository_blobs as link')
          .innerJoin('blobs', 'blobs.id', 'link.blob_id')
          .select([
            'blobs.id',
            'blobs.size_bytes',
            isCounted(p, sql).as('is_counted'),
            // Only once a blob: a base that all share would be looked up in all of them, for each of them.
            sql<0 | 1>`case when ${isCounted(p, sql)} then 0 else exists (
              select 1 from repository_blobs other join repositories on repositories.id = other.repository_id
              where other.blob_id = link.blob_id
                and (repositories.name < ${p.low} or repositories.name >= ${p.high})) end`.as('is_shared'),
          ])
          .where('link.repository_id', '=', p.repositoryId)
          .where('link.blob_id', '>', p.afterId)
          .orderBy('link.blob_id')
          .limit(p.limit),
    ),
    addPulls: define(
      'usage.addPulls',
      (p: Slots<{ repositoryId: number; pullCount: number; sentBytes: number }>, { db }) =>
        db
          .updateTable('repositories')
          .set((eb) => ({
            pull_count: eb('pull_count', '+', p.pullCount),
            sent_bytes: eb('sent_bytes', '+', p.sentBytes),
          }))
          .where('id', '=', p.repositoryId),
    ),
  };
}
