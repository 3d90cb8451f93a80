import type { RepositoryName } from '../../oci/name.ts';
import { patternsOf } from '../access-records.ts';
import { StorageError } from '../error.ts';
import type { Push, RepositoryRecord } from '../metadata-store.ts';
import type { AccessPlans } from './access.ts';
import type { PlanOf } from './plans.ts';
import type { Schema } from './schema.ts';
import { all, type Define, first, type Plan, type Slots } from './statement.ts';

/** Plans about repositories themselves. */
export interface RepositoryPlans {
  findRepository: PlanOf<'findRepository'>;
  listRepositories: PlanOf<'listRepositories'>;
  findRepositoryName: PlanOf<'findRepositoryName'>;
  setVisibility: PlanOf<'setVisibility'>;
  removeRepository: PlanOf<'removeRepository'>;
  /** The id of the repository that a push goes to, made where there is none, with who pushes as its owner. `repository-changed` where it is not the one
   *  that the permit was given for. */
  ensureRepository(push: Push): Plan<number>;
  /** Adds to what the repository counts of its contents. */
  addCounts(repositoryId: number, counts: ContentCounts): Plan<void>;
}

/** Manifests, the sum of their sizes, and tags, that came or (below 0) went. */
export interface ContentCounts {
  readonly manifests: number;
  readonly manifestBytes: number;
  readonly tags: number;
}

export function createRepositoryPlans(define: Define, access: AccessPlans): RepositoryPlans {
  const statements = repositoryStatements(define);
  const removals = removalStatements(define);
  return {
    *findRepository(name) {
      const row = yield* first(statements.byName, { name });
      return row === undefined ? undefined : toRecord(row);
    },
    *listRepositories({ after, limit }) {
      const rows = yield* all(statements.page, { after: after ?? '', limit });
      return rows.map(toRecord);
    },
    *findRepositoryName(id) {
      return (yield* first(statements.nameById, { id }))?.name as RepositoryName | undefined;
    },
    *setVisibility(command) {
      return (yield* first(statements.setVisibility, command)) !== undefined;
    },
    *removeRepository({ name }) {
      const row = yield* first(statements.byName, { name });
      if (row === undefined) return false;
      for (const removal of removals) yield* all(removal, { id: row.id });
      yield* access.removeGrantsOn(name);
      return true;
    },
    *ensureRepository({ repository, by, visibility, nowMs }) {
      const { name } = repository;
      const row = yield* first(statements.byName, { name });
      // Several requests of one client make the repository together; a stranger's name that appeared meanwhile is not theirs.
      const isTheSame = row?.id === repository.id || (repository.id === undefined && row?.created_by === (by ?? null));
      if (!isTheSame) {
        throw new StorageError('repository-changed', `${name} was made or removed by someone else a moment ago.`);
      }
      if (row !== undefined) return row.id;
      const made = yield* first(statements.insert, { name, visibility, by: by ?? null, nowMs });
      if (by !== undefined) yield* access.putGrant({ pattern: patternsOf(name)[0], subject: by, role: 'owner' });
      return (made as { id: number }).id;
    },
    *addCounts(id, counts) {
      if (counts.manifests !== 0 || counts.tags !== 0) yield* all(statements.addCounts, { id, ...counts });
    },
  };
}

function repositoryStatements(define: Define) {
  type Insert = { name: string; visibility: 'public' | 'private'; by: string | null; nowMs: number };
  return {
    byName: define('repositories.byName', (p: Slots<{ name: string }>, { db }) =>
      db.selectFrom('repositories').select(recordColumns).where('name', '=', p.name),
    ),
    page: define('repositories.page', (p: Slots<{ after: string; limit: number }>, { db, sql }) =>
      db
        .selectFrom('repositories')
        .select(recordColumns)
        .where('manifest_count', '>', sql.lit(0))
        .where('name', '>', p.after)
        .orderBy('name')
        .limit(p.limit),
    ),
    nameById: define('repositories.nameById', (p: Slots<{ id: number }>, { db }) =>
      db.selectFrom('repositories').select('name').where('id', '=', p.id),
    ),
    insert: define('repositories.insert', (p: Slots<Insert>, { db }) =>
      db
        .insertInto('repositories')
        .values({
          name: p.name,
          visibility: p.visibility,
          created_by: p.by,
          created_ms: p.nowMs,
          manifest_count: 0,
          manifest_bytes: 0,
          tag_count: 0,
          pull_count: 0,
          sent_bytes: 0,
        })
        .returning('id'),
    ),
    addCounts: define('repositories.addCounts', (p: Slots<{ id: number } & ContentCounts>, { db }) =>
      db
        .updateTable('repositories')
        .set((eb) => ({
          manifest_count: eb('manifest_count', '+', p.manifests),
          manifest_bytes: eb('manifest_bytes', '+', p.manifestBytes),
          tag_count: eb('tag_count', '+', p.tags),
        }))
        .where('id', '=', p.id),
    ),
    setVisibility: define(
      'repositories.setVisibility',
      (p: Slots<{ name: string; visibility: 'public' | 'private' }>, { db }) =>
        db.updateTable('repositories').set({ visibility: p.visibility }).where('name', '=', p.name).returning('id'),
    ),
  };
}

/** What removes a repository, in an order in which no row names one that is gone. Bytes and edges go with their manifests; blobs stay, and collection finds them. */
function removalStatements(define: Define) {
  const tables = ['tags', 'tag_history', 'manifests', 'repository_blobs', 'uploads'] as const;
  return [
    ...tables.map((table) =>
      define(`repositories.remove.${table}`, (p: Slots<{ id: number }>, { db }) =>
        db.deleteFrom(table).where('repository_id', '=', p.id),
      ),
    ),
    define('repositories.remove', (p: Slots<{ id: number }>, { db }) =>
      db.deleteFrom('repositories').where('id', '=', p.id),
    ),
  ];
}

/** The columns of a record. */
export const recordColumns = [
  'repositories.id',
  'repositories.name',
  'repositories.visibility',
  'repositories.created_by',
  'repositories.manifest_count',
] as const;

/** A row of `repositories` as a record. */
export function toRecord(
  row: Pick<Schema['repositories'], 'name' | 'visibility' | 'created_by' | 'manifest_count'> & { readonly id: number },
): RepositoryRecord {
  return {
    id: row.id,
    name: row.name as RepositoryName,
    visibility: row.visibility,
    createdBy: row.created_by ?? undefined,
    manifestCount: row.manifest_count,
  };
}
