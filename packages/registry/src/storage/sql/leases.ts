import type { PlanOf } from './plans.ts';
import { all, type Define, first, type Slots } from './statement.ts';

/** Plans about the leases of background work, so that of several processes one does it. */
export interface LeasePlans {
  acquireLease: PlanOf<'acquireLease'>;
  releaseLease: PlanOf<'releaseLease'>;
}

export function createLeasePlans(define: Define): LeasePlans {
  const find = define('leases.find', (p: Slots<{ name: string }>, { db }) =>
    db.selectFrom('leases').select(['holder', 'until_ms']).where('name', '=', p.name),
  );
  const put = define('leases.put', (p: Slots<{ name: string; holder: string; untilMs: number }>, { db }) =>
    db
      .insertInto('leases')
      .values({ name: p.name, holder: p.holder, until_ms: p.untilMs })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ holder: p.holder, until_ms: p.untilMs })),
  );
  const remove = define('leases.remove', (p: Slots<{ name: string; holder: string }>, { db }) =>
    db.deleteFrom('leases').where('name', '=', p.name).where('holder', '=', p.holder),
  );

  return {
    *acquireLease(command) {
      const row = yield* first(find, command);
      if (row !== undefined && row.holder !== command.holder && row.until_ms > command.nowMs) return false;
      yield* all(put, command);
      return true;
    },
    *releaseLease(command) {
      yield* all(remove, command);
    },
  };
}
