import type { SessionId } from '../../oci/name.ts';
import type { StorageKey } from '../blob-store.ts';
import { StorageError } from '../error.ts';
import type { UploadRecord } from '../metadata-store.ts';
import type { PlanOf } from './plans.ts';
import type { RepositoryPlans } from './repositories.ts';
import type { Schema } from './schema.ts';
import { all, type Define, first, type Plan, type Slots } from './statement.ts';

/** Plans about upload sessions.
 *
 *  Invariant: only the writer of the newest epoch goes on. A writer that stalled past its lease and wakes up finds a higher epoch in the row and is refused,
 *  so it can neither write over what its successor wrote nor publish it. */
export interface UploadPlans {
  findUpload: PlanOf<'findUpload'>;
  openUpload: PlanOf<'openUpload'>;
  leaseUpload: PlanOf<'leaseUpload'>;
  renewUpload: PlanOf<'renewUpload'>;
  saveUpload: PlanOf<'saveUpload'>;
  cancelUpload: PlanOf<'cancelUpload'>;
  expireUploads: PlanOf<'expireUploads'>;
  /** Ends the session of its newest writer; returns its key. `not-found`; `busy`. */
  endUpload(hold: { session: SessionId; epoch: number; repositoryId: number }): Plan<StorageKey>;
}

export function createUploadPlans(define: Define, repositories: RepositoryPlans): UploadPlans {
  const statements = uploadStatements(define);

  function* held(hold: { session: SessionId; epoch: number }): Plan<{ storage_key: string; repository_id: number }> {
    const row = yield* first(statements.bySession, { session: hold.session });
    if (row === undefined) throw unknownSession();
    if (row.epoch !== hold.epoch) throw new StorageError('busy', 'Another writer took the upload session over.');
    return row;
  }

  return {
    *findUpload(repositoryId, session) {
      const row = yield* first(statements.bySession, { session });
      return row?.repository_id === repositoryId ? toUpload(row) : undefined;
    },
    *openUpload(command) {
      const repositoryId = yield* repositories.ensureRepository(command);
      yield* all(statements.insert, { ...command, repositoryId, by: command.by ?? null });
      return { repositoryId };
    },
    *leaseUpload({ repositoryId, session, nowMs, untilMs }) {
      const row = yield* first(statements.bySession, { session });
      if (row?.repository_id !== repositoryId) throw unknownSession();
      if (row.lease_until_ms > nowMs)
        throw new StorageError('busy', 'Another request is writing to the upload session.');
      const epoch = row.epoch + 1;
      yield* all(statements.lease, { session, epoch, untilMs, nowMs });
      return { ...toUpload(row), epoch, leaseUntilMs: untilMs, usedMs: nowMs };
    },
    *renewUpload({ session, epoch, nowMs, untilMs }) {
      yield* held({ session, epoch });
      yield* all(statements.renew, { session, nowMs, untilMs });
    },
    *saveUpload({ session, epoch, nowMs }) {
      yield* held({ session, epoch });
      yield* all(statements.save, { session, nowMs });
    },
    *cancelUpload({ repositoryId, session }) {
      const row = yield* first(statements.bySession, { session });
      if (row?.repository_id !== repositoryId) return undefined;
      yield* all(statements.remove, { session });
      return row.storage_key as StorageKey;
    },
    *expireUploads(command) {
      const rows = yield* all(statements.expired, command);
      for (const { session } of rows) yield* all(statements.remove, { session });
      return rows.map((row) => row.storage_key as StorageKey);
    },
    *endUpload({ session, epoch, repositoryId }) {
      const row = yield* held({ session, epoch });
      if (row.repository_id !== repositoryId) throw unknownSession();
      yield* all(statements.remove, { session });
      return row.storage_key as StorageKey;
    },
  };
}

function uploadStatements(define: Define) {
  type Insert = {
    session: string;
    repositoryId: number;
    key: string;
    algorithm: 'sha256' | 'sha512';
    by: string | null;
    nowMs: number;
  };
  return {
    bySession: define('uploads.bySession', (p: Slots<{ session: string }>, { db }) =>
      db
        .selectFrom('uploads')
        .select(['session', 'repository_id', 'storage_key', 'algorithm', 'epoch', 'lease_until_ms', 'used_ms'])
        .where('session', '=', p.session),
    ),
    insert: define('uploads.insert', (p: Slots<Insert>, { db }) =>
      db.insertInto('uploads').values({
        session: p.session,
        repository_id: p.repositoryId,
        storage_key: p.key,
        algorithm: p.algorithm,
        epoch: 0,
        lease_until_ms: 0,
        created_by: p.by,
        used_ms: p.nowMs,
      }),
    ),
    lease: define(
      'uploads.lease',
      (p: Slots<{ session: string; epoch: number; untilMs: number; nowMs: number }>, { db }) =>
        db
          .updateTable('uploads')
          .set({ epoch: p.epoch, lease_until_ms: p.untilMs, used_ms: p.nowMs })
          .where('session', '=', p.session),
    ),
    renew: define('uploads.renew', (p: Slots<{ session: string; nowMs: number; untilMs: number }>, { db }) =>
      db.updateTable('uploads').set({ lease_until_ms: p.untilMs, used_ms: p.nowMs }).where('session', '=', p.session),
    ),
    save: define('uploads.save', (p: Slots<{ session: string; nowMs: number }>, { db }) =>
      db.updateTable('uploads').set({ lease_until_ms: 0, used_ms: p.nowMs }).where('session', '=', p.session),
    ),
    remove: define('uploads.remove', (p: Slots<{ session: string }>, { db }) =>
      db.deleteFrom('uploads').where('session', '=', p.session),
    ),
    expired: define('uploads.expired', (p: Slots<{ usedBeforeMs: number; nowMs: number; limit: number }>, { db }) =>
      db
        .selectFrom('uploads')
        .select(['session', 'storage_key'])
        .where('used_ms', '<', p.usedBeforeMs)
        .where('lease_until_ms', '<=', p.nowMs)
        .orderBy('used_ms')
        .limit(p.limit),
    ),
  };
}

function unknownSession(): StorageError {
  return new StorageError('not-found', 'There is no such upload session.');
}

type UploadRow = Pick<
  Schema['uploads'],
  'session' | 'storage_key' | 'algorithm' | 'epoch' | 'lease_until_ms' | 'used_ms'
>;

function toUpload(row: UploadRow): UploadRecord {
  return {
    session: row.session as SessionId,
    key: row.storage_key as StorageKey,
    algorithm: row.algorithm,
    epoch: row.epoch,
    leaseUntilMs: row.lease_until_ms,
    usedMs: row.used_ms,
  };
}
