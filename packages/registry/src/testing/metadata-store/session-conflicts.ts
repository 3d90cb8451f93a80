import { deepEqual, equal } from 'node:assert/strict';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import {
  dayMs,
  hourMs,
  keyOf,
  leaseSession,
  leaseSessionAt,
  openSession,
  publishLeased,
  pushTo,
  type StoreCase,
  sessionOf,
  startMs,
} from './builders.ts';
import { blob, conflict, done, oneOf, type Round } from './conflict.ts';

/** A session that is open, leased for an hour from `startMs`, and what its writer holds. */
async function leased(store: MetadataStore, round: Round) {
  const repositoryId = await openSession(store, round.name, round.n);
  const { epoch } = await leaseSession(store, repositoryId, round.n);
  return { repositoryId, session: round.n, content: round.n, epoch };
}

/** Writers of one session that meet. */
export const sessionConflictCases: readonly StoreCase[] = [
  conflict('two writers ask for a session at once: one gets it', async (store, round) => {
    const id = await openSession(store, round.name, round.n);
    return {
      first: () => leaseSession(store, id, round.n),
      second: () => leaseSession(store, id, round.n),
      holds: async (first, second) => oneOf(first, second, ['busy']),
    };
  }),
  conflict(
    'a lease that ended is renewed while another writer asks: one of them holds the session',
    async (store, round) => {
      const { repositoryId, epoch } = await leased(store, round);
      const nowMs = startMs + 2 * hourMs;
      return {
        first: () => store.renewUpload({ session: sessionOf(round.n), epoch, nowMs, untilMs: nowMs + hourMs }),
        second: () => leaseSessionAt(store, { repositoryId, n: round.n, nowMs }),
        holds: async (renewal, takeover) => oneOf(renewal, takeover, ['busy']),
      };
    },
  ),
  conflict('a writer publishes while another takes over: one of them has the session', async (store, round) => {
    const held = await leased(store, round);
    return {
      first: () => publishLeased(store, held),
      second: () => leaseSessionAt(store, { repositoryId: held.repositoryId, n: round.n, nowMs: startMs + 2 * hourMs }),
      async holds(publication, takeover) {
        oneOf(publication, takeover, ['busy', 'not-found']);
        equal((await blob(store, held.repositoryId, round.n)) !== undefined, done(publication));
      },
    };
  }),
  conflict('a session that is published twice at once is published once', async (store, round) => {
    const held = await leased(store, round);
    return {
      first: () => publishLeased(store, held),
      second: () => publishLeased(store, held),
      async holds(first, second) {
        oneOf(first, second, ['not-found']);
        deepEqual((await blob(store, held.repositoryId, round.n))?.content, { key: keyOf(round.n) });
      },
    };
  }),
  conflict(
    'a session that is cancelled while it is published: its key belongs to the blob or to who cancelled',
    async (store, round) => {
      const held = await leased(store, round);
      return {
        first: () => publishLeased(store, held),
        second: () => store.cancelUpload({ repositoryId: held.repositoryId, session: sessionOf(round.n) }),
        async holds(publication, cancellation) {
          deepEqual(cancellation, { value: done(publication) ? undefined : keyOf(round.n) });
          equal((await blob(store, held.repositoryId, round.n)) !== undefined, done(publication));
        },
      };
    },
  ),
  conflict('an old session that is taken up while it expires: it goes on, or is gone', async (store, round) => {
    const id = await openSession(store, pushTo(round.name, { nowMs: startMs - dayMs }), round.n);
    return {
      first: () => store.expireUploads({ usedBeforeMs: startMs, nowMs: startMs, limit: 10 }),
      second: () => leaseSession(store, id, round.n),
      async holds(expiry, lease) {
        deepEqual(expiry, { value: done(lease) ? [] : [keyOf(round.n)] });
        equal((await store.findUpload(id, sessionOf(round.n))) !== undefined, done(lease));
      },
    };
  }),
];
