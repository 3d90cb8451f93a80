import type { RepositoryName } from '../../oci/name.ts';
import { StorageError } from '../error.ts';
import type { PageRequest, Push, RepositoryRecord } from '../metadata-store.ts';
import { all, type Define, first, type Plan, type Slots } from './statement.ts';

/** Plans about repositories themselves. */
export interface RepositoryPlans {
  findRepository(name: RepositoryName): Plan<RepositoryRecord | undefined>;
  listRepositories(page: PageRequest<RepositoryName>): Plan<readonly RepositoryRecord[]>;
  findRepositoryName(id: number): Plan<RepositoryName | undefined>;
  /** The id of the repository that a push goes to, made where there is none. `repository-changed` where it is not the one that the permit was given for. */
  ensureRepository(push: Push): Plan<number>;
  addManifestCount(repositoryId: number, count: number): Plan<void>;
}

export function createRepositoryPlans(define: Define): RepositoryPlans {
  const byName = define('repositories.byName', (p: Slots<{ name: string }>, { db }) =>
    db.selectFrom('repositories').select(['id', 'name', 'visibility', 'created_by']).where('name', '=', p.name),
  );
  const page = define('repositories.page', (p: Slots<{ after: string; limit: number }>, { db, sql }) =>
    db
      .selectFrom('repositories')
      .select(['id', 'name', 'visibility', 'created_by'])
      .where('manifest_count', '>', sql.lit(0))
      .where('name', '>', p.after)
      .orderBy('name')
      .limit(p.limit),
  );
  const nameById = define('repositories.nameById', (p: Slots<{ id: number }>, { db }) =>
    db.selectFrom('repositories').select('name').where('id', '=', p.id),
  );
  const insert = define(
    'repositories.insert',
    (p: Slots<{ name: string; visibility: 'public' | 'private'; by: string | null; nowMs: number }>, { db }) =>
      db
        .insertInto('repositories')
        .values({ name: p.name, visibility: p.visibility, created_by: p.by, created_ms: p.nowMs, manifest_count: 0 })
        .returning('id'),
  );
  const addCount = define('repositories.addCount', (p: Slots<{ id: number; count: number }>, { db }) =>
    db
      .updateTable('repositories')
      .set((eb) => ({ manifest_count: eb('manifest_count', '+', p.count) }))
      .where('id', '=', p.id),
  );

  return {
    *findRepository(name) {
      const row = yield* first(byName, { name });
      return row === undefined ? undefined : toRecord(row);
    },
    *listRepositories({ after, limit }) {
      const rows = yield* all(page, { after: after ?? '', limit });
      return rows.map(toRecord);
    },
    *findRepositoryName(id) {
      return (yield* first(nameById, { id }))?.name as RepositoryName | undefined;
    },
    *ensureRepository({ repository, by, visibility, nowMs }) {
      const row = yield* first(byName, { name: repository.name });
      // Several requests of one client make the repository together; a stranger's name that appeared meanwhile is not theirs.
      const isTheSame = row?.id === repository.id || (repository.id === undefined && row?.created_by === (by ?? null));
      if (!isTheSame) {
        throw new StorageError(
          'repository-changed',
          `${repository.name} was made or removed by someone else a moment ago.`,
        );
      }
      if (row !== undefined) return row.id;
      const made = yield* first(insert, { name: repository.name, visibility, by: by ?? null, nowMs });
      return (made as { id: number }).id;
    },
    *addManifestCount(id, count) {
      yield* all(addCount, { id, count });
    },
  };
}

/** A row of `repositories` as a record. */
export function toRecord(row: {
  id: number;
  name: string;
  visibility: 'public' | 'private';
  created_by: string | null;
}): RepositoryRecord {
  return {
    id: row.id,
    name: row.name as RepositoryName,
    visibility: row.visibility,
    createdBy: row.created_by ?? undefined,
  };
}
