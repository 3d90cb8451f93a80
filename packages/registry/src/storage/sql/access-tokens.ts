import type { AccessTokenRecord, NamePattern } from '../access-records.ts';
import { StorageError } from '../error.ts';
import type { PlanOf } from './plans.ts';
import type { Schema } from './schema.ts';
import { all, type Define, first, type Slots } from './statement.ts';

/** Plans about the secrets that stand for somebody. */
export interface AccessTokenPlans {
  findAccessToken: PlanOf<'findAccessToken'>;
  listAccessTokens: PlanOf<'listAccessTokens'>;
  addAccessToken: PlanOf<'addAccessToken'>;
  removeAccessToken: PlanOf<'removeAccessToken'>;
  expireAccessTokens: PlanOf<'expireAccessTokens'>;
  removeAccessTokensOf: PlanOf<'removeAccessTokensOf'>;
}

export function createAccessTokenPlans(define: Define): AccessTokenPlans {
  const statements = accessTokenStatements(define);
  return {
    *findAccessToken(id) {
      const row = yield* first(statements.byId, { id });
      return row === undefined ? undefined : toToken(row);
    },
    *listAccessTokens(kind) {
      return (yield* all(statements.ofKind, { kind })).map(toToken);
    },
    *addAccessToken(token) {
      if (token.kind === 'robot' && (yield* first(statements.robot, token)) !== undefined) {
        throw new StorageError('in-use', `There is a robot ${token.identity} already.`);
      }
      yield* all(statements.insert, {
        ...token,
        pattern: token.pattern ?? null,
        actions: JSON.stringify(token.actions),
      });
    },
    *removeAccessToken({ id }) {
      return (yield* first(statements.remove, { id })) !== undefined;
    },
    *expireAccessTokens(command) {
      const expired = yield* all(statements.expired, command);
      for (const { id } of expired) yield* all(statements.remove, { id });
      return expired.length;
    },
    *removeAccessTokensOf({ identity }) {
      return (yield* all(statements.removeOf, { identity })).length;
    },
  };
}

function accessTokenStatements(define: Define) {
  type Insert = Omit<AccessTokenRecord, 'pattern' | 'actions'> & { pattern: string | null; actions: string };
  return {
    byId: define('accessTokens.byId', (p: Slots<{ id: string }>, { db }) =>
      db.selectFrom('access_tokens').selectAll().where('id', '=', p.id),
    ),
    ofKind: define('accessTokens.ofKind', (p: Slots<{ kind: AccessTokenRecord['kind'] }>, { db }) =>
      db
        .selectFrom('access_tokens')
        .selectAll()
        .where('kind', '=', p.kind)
        .orderBy('created_ms', 'desc')
        .orderBy('id', 'desc'),
    ),
    robot: define('accessTokens.robot', (p: Slots<{ identity: string }>, { db, sql }) =>
      db
        .selectFrom('access_tokens')
        .select('id')
        .where('identity', '=', p.identity)
        .where('kind', '=', sql.lit('robot')),
    ),
    insert: define('accessTokens.insert', (p: Slots<Insert>, { db }) =>
      db.insertInto('access_tokens').values({
        id: p.id,
        kind: p.kind,
        identity: p.identity,
        secret_hash: p.secretHash,
        pattern: p.pattern,
        actions: p.actions,
        created_ms: p.createdMs,
        expires_ms: p.expiresMs,
      }),
    ),
    remove: define('accessTokens.remove', (p: Slots<{ id: string }>, { db }) =>
      db.deleteFrom('access_tokens').where('id', '=', p.id).returning('id'),
    ),
    expired: define('accessTokens.expired', (p: Slots<{ expiredBeforeMs: number; limit: number }>, { db, sql }) =>
      db
        .selectFrom('access_tokens')
        .select('id')
        .where('kind', '=', sql.lit('offline'))
        .where('expires_ms', '<', p.expiredBeforeMs)
        .orderBy('expires_ms')
        .limit(p.limit),
    ),
    removeOf: define('accessTokens.removeOf', (p: Slots<{ identity: string }>, { db }) =>
      db.deleteFrom('access_tokens').where('identity', '=', p.identity).returning('id'),
    ),
  };
}

function toToken(row: Schema['access_tokens']): AccessTokenRecord {
  return {
    id: row.id,
    kind: row.kind,
    identity: row.identity,
    secretHash: row.secret_hash,
    pattern: (row.pattern ?? undefined) as NamePattern | undefined,
    actions: JSON.parse(row.actions),
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
  };
}
