import type { RepositoryName } from '../../oci/name.ts';
import type { NamePattern } from '../access-records.ts';
import { pageStart, rangeOf } from './pattern-range.ts';
import type { PlanOf } from './plans.ts';
import type { RepositoryPlans } from './repositories.ts';
import { all, type Define, type Plan, type Slots } from './statement.ts';

/** The plan of what somebody's roles let them see. */
export interface VisiblePlans {
  listVisible: PlanOf<'listVisible'>;
}

export function createVisiblePlans(define: Define, repositories: RepositoryPlans): VisiblePlans {
  const statements = visibleStatements(define);

  /** Those of exact names, which are looked up one by one until there are enough. */
  function* listNamed(names: readonly string[], after: string, limit: number): Plan<readonly string[]> {
    const found: string[] = [];
    for (const name of names.filter((text) => text > after).sort()) {
      if (found.length === limit) break;
      const repository = yield* repositories.findRepository(name as RepositoryName);
      if (repository !== undefined && repository.manifestCount > 0) found.push(name);
    }
    return found;
  }

  return {
    *listVisible(subjects, { after = '', limit }) {
      const grants = yield* all(statements.grants, { subjects: JSON.stringify(subjects) });
      const patterns = [...new Set(grants.map(({ pattern }) => pattern))];
      const isNamespace = (pattern: string) => pattern.endsWith('/*');
      const names = new Set<string>();
      for (const { name } of yield* all(statements.ofEveryone, { after, limit })) names.add(name);
      for (const pattern of patterns.filter(isNamespace)) {
        const range = rangeOf(pattern as NamePattern);
        const page = { from: pageStart(range, after), high: range.high, limit };
        for (const { name } of yield* all(statements.within, page)) names.add(name);
      }
      const exact = patterns.filter((pattern) => !isNamespace(pattern));
      for (const name of yield* listNamed(exact, after, limit)) names.add(name);
      return [...names].sort().slice(0, limit) as RepositoryName[];
    },
  };
}

function visibleStatements(define: Define) {
  return {
    grants: define('visible.grants', (p: Slots<{ subjects: string }>, { db, sql }) =>
      db
        .selectFrom('roles')
        .select('pattern')
        .where('subject', 'in', sql<string>`(select value from json_each(${p.subjects}))`),
    ),
    ofEveryone: define('visible.ofEveryone', (p: Slots<{ after: string; limit: number }>, { db, sql }) =>
      db
        .selectFrom('repositories')
        .select('name')
        .where('visibility', '=', sql.lit('public'))
        .where('manifest_count', '>', sql.lit(0))
        .where('name', '>', p.after)
        .orderBy('name')
        .limit(p.limit),
    ),
    within: define('visible.within', (p: Slots<{ from: string; high: string; limit: number }>, { db, sql }) =>
      db
        .selectFrom('repositories')
        .select('name')
        .where('manifest_count', '>', sql.lit(0))
        .where('name', '>=', p.from)
        .where('name', '<', p.high)
        .orderBy('name')
        .limit(p.limit),
    ),
  };
}
