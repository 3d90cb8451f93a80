import type { KeyRecord } from '../access-records.ts';
import type { PlanOf } from './plans.ts';
import type { Schema } from './schema.ts';
import { all, type Define, first, type Slots } from './statement.ts';

/** Plans about the keys that sign tokens. */
export interface KeyPlans {
  listKeys: PlanOf<'listKeys'>;
  addKey: PlanOf<'addKey'>;
  removeKey: PlanOf<'removeKey'>;
}

export function createKeyPlans(define: Define): KeyPlans {
  const list = define('keys.list', (_: Slots<object>, { db }) =>
    db.selectFrom('signing_keys').select(['id', 'private_jwk', 'created_ms']).orderBy('sequence', 'desc'),
  );
  const insert = define('keys.insert', (p: Slots<KeyRecord>, { db }) =>
    db.insertInto('signing_keys').values({ id: p.id, private_jwk: p.privateJwk, created_ms: p.createdMs }),
  );
  const remove = define('keys.remove', (p: Slots<{ id: string }>, { db }) =>
    db.deleteFrom('signing_keys').where('id', '=', p.id).returning('id'),
  );

  return {
    *listKeys() {
      return (yield* all(list, {})).map(toKey);
    },
    *addKey({ key, isFirst }) {
      const newest = yield* first(list, {});
      if (isFirst && newest !== undefined) return toKey(newest);
      yield* all(insert, key);
      return key;
    },
    *removeKey({ id }) {
      return (yield* first(remove, { id })) !== undefined;
    },
  };
}

function toKey(row: Pick<Schema['signing_keys'], 'id' | 'private_jwk' | 'created_ms'>): KeyRecord {
  return { id: row.id, privateJwk: row.private_jwk, createdMs: row.created_ms };
}
