import type { RepositoryName } from '../../oci/name.ts';
import type { PlanOf } from './plans.ts';
import { all, type Define, type Slots } from './statement.ts';

/** Plans about the audit. */
export interface AuditPlans {
  appendAudit: PlanOf<'appendAudit'>;
  listAudit: PlanOf<'listAudit'>;
}

export function createAuditPlans(define: Define): AuditPlans {
  type Insert = {
    atMs: number;
    identity: string | null;
    address: string | null;
    act: string;
    allowed: 0 | 1;
    repository: string | null;
    about: string | null;
  };
  const insert = define('audit.insert', (p: Slots<Insert>, { db }) =>
    db.insertInto('audit').values({
      at_ms: p.atMs,
      identity: p.identity,
      address: p.address,
      act: p.act,
      is_allowed: p.allowed,
      repository: p.repository,
      about: p.about,
    }),
  );
  const page = define('audit.page', (p: Slots<{ after: number; limit: number }>, { db }) =>
    db.selectFrom('audit').selectAll().where('id', '>', p.after).orderBy('id').limit(p.limit),
  );

  return {
    *appendAudit({ entries }) {
      for (const entry of entries) {
        yield* all(insert, {
          ...entry,
          identity: entry.identity ?? null,
          address: entry.address ?? null,
          allowed: entry.isAllowed ? 1 : 0,
          repository: entry.repository ?? null,
          about: entry.about ?? null,
        });
      }
    },
    *listAudit({ after, limit }) {
      const rows = yield* all(page, { after, limit });
      return rows.map((row) => ({
        id: row.id,
        atMs: row.at_ms,
        identity: row.identity ?? undefined,
        address: row.address ?? undefined,
        act: row.act,
        isAllowed: row.is_allowed === 1,
        repository: (row.repository ?? undefined) as RepositoryName | undefined,
        about: row.about ?? undefined,
      }));
    },
  };
}
