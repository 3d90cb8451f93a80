import { type GrantRecord, type NamePattern, patternsOf } from '../access-records.ts';
import type { PlanOf } from './plans.ts';
import { all, type Define, first, type Plan, type Slots } from './statement.ts';

/** Plans about who was given which role. */
export interface AccessPlans {
  findRoles: PlanOf<'findRoles'>;
  listGrants: PlanOf<'listGrants'>;
  putGrant: PlanOf<'putGrant'>;
  removeGrant: PlanOf<'removeGrant'>;
  removeGrantsOf: PlanOf<'removeGrantsOf'>;
  /** Takes all rights that were given on exactly this pattern. */
  removeGrantsOn(pattern: string): Plan<void>;
}

export function createAccessPlans(define: Define): AccessPlans {
  const statements = accessStatements(define);
  return {
    *findRoles(name, subjects) {
      const input = { patterns: JSON.stringify(patternsOf(name)), subjects: JSON.stringify(subjects) };
      return (yield* all(statements.held, input)).map((row) => row.role);
    },
    *listGrants(pattern) {
      const rows = yield* all(statements.onPattern, { pattern });
      return rows.map((row): GrantRecord => ({ ...row, pattern: row.pattern as NamePattern }));
    },
    *putGrant(grant) {
      yield* all(statements.put, grant);
    },
    *removeGrant(grant) {
      return (yield* first(statements.remove, grant)) !== undefined;
    },
    *removeGrantsOf({ subject }) {
      return (yield* all(statements.removeOf, { subject })).length;
    },
    *removeGrantsOn(pattern) {
      yield* all(statements.removeOn, { pattern });
    },
  };
}

function accessStatements(define: Define) {
  type Key = { pattern: string; subject: string };
  return {
    /** Both lists come as JSON, since a compiled statement has no room for lists: however many names somebody has, it is one statement. */
    held: define('roles.held', (p: Slots<{ patterns: string; subjects: string }>, { db, sql }) =>
      db
        .selectFrom('roles')
        .select('role')
        .where('pattern', 'in', sql<string>`(select value from json_each(${p.patterns}))`)
        .where('subject', 'in', sql<string>`(select value from json_each(${p.subjects}))`),
    ),
    onPattern: define('roles.onPattern', (p: Slots<{ pattern: string }>, { db }) =>
      db.selectFrom('roles').select(['pattern', 'subject', 'role']).where('pattern', '=', p.pattern).orderBy('subject'),
    ),
    put: define('roles.put', (p: Slots<Key & { role: GrantRecord['role'] }>, { db }) =>
      db
        .insertInto('roles')
        .values({ pattern: p.pattern, subject: p.subject, role: p.role })
        .onConflict((conflict) => conflict.columns(['pattern', 'subject']).doUpdateSet({ role: p.role })),
    ),
    remove: define('roles.remove', (p: Slots<Key>, { db }) =>
      db.deleteFrom('roles').where('pattern', '=', p.pattern).where('subject', '=', p.subject).returning('subject'),
    ),
    removeOf: define('roles.removeOf', (p: Slots<{ subject: string }>, { db }) =>
      db.deleteFrom('roles').where('subject', '=', p.subject).returning('pattern'),
    ),
    removeOn: define('roles.removeOn', (p: Slots<{ pattern: string }>, { db }) =>
      db.deleteFrom('roles').where('pattern', '=', p.pattern),
    ),
  };
}
