import { deepEqual, equal, ok } from 'node:assert/strict';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import {
  digestOfNumber,
  hourMs,
  leaseSession,
  leaseSessionAt,
  openSession,
  present,
  publishLeased,
  refuses,
  type StoreCase,
  sessionOf,
  startMs,
} from './builders.ts';

const busy = { name: 'acme/web', numbers: [1], code: 'busy' } as const;

const save = (store: MetadataStore, epoch: number) =>
  store.saveUpload({ session: sessionOf(1), epoch, nowMs: startMs });

const renew = (store: MetadataStore, epoch: number, untilMs: number) =>
  store.renewUpload({ session: sessionOf(1), epoch, nowMs: startMs, untilMs });

/** One writer at a time: the lease of a session and its epoch. */
export const sessionLeaseCases: readonly StoreCase[] = [
  {
    name: 'a second writer of a session is refused while the first one holds it',
    async run(store) {
      const id = await openSession(store, 'acme/web', 1);
      await leaseSession(store, id, 1);
      await refuses(store, busy, () => leaseSession(store, id, 1));
      await refuses(store, busy, () => leaseSessionAt(store, { repositoryId: id, n: 1, nowMs: startMs + hourMs - 1 }));
    },
  },
  {
    name: 'leases of different sessions are apart',
    async run(store) {
      const id = await openSession(store, 'acme/web', 1);
      await openSession(store, 'acme/web', 2);
      await leaseSession(store, id, 1);
      equal((await leaseSession(store, id, 2)).session, sessionOf(2));
    },
  },
  {
    name: 'a writer takes over a session whose lease ended, with a higher epoch',
    async run(store) {
      const id = await openSession(store, 'acme/web', 1);
      const first = await leaseSession(store, id, 1);
      const second = await leaseSessionAt(store, { repositoryId: id, n: 1, nowMs: startMs + hourMs + 1 });
      ok(second.epoch > first.epoch);
      equal((await store.findUpload(id, sessionOf(1)))?.epoch, second.epoch);
      await refuses(store, busy, () => leaseSessionAt(store, { repositoryId: id, n: 1, nowMs: startMs + hourMs + 2 }));
    },
  },
  {
    name: 'a writer that lost its session cannot renew, save or publish, and the new one can',
    async run(store) {
      const id = await openSession(store, 'acme/web', 1);
      const first = await leaseSession(store, id, 1);
      const second = await leaseSessionAt(store, { repositoryId: id, n: 1, nowMs: startMs + hourMs + 1 });
      const held = { repositoryId: id, session: 1, content: 1 };
      await refuses(store, busy, () => renew(store, first.epoch, startMs + 9 * hourMs));
      await refuses(store, busy, () => save(store, first.epoch));
      await refuses(store, busy, () => publishLeased(store, { ...held, epoch: first.epoch }));
      await renew(store, second.epoch, startMs + 3 * hourMs);
      await publishLeased(store, { ...held, epoch: second.epoch });
      ok(await store.findBlob(id, digestOfNumber(1)));
    },
  },
  {
    name: 'a lost writer stays refused after the new one has given the session back',
    async run(store) {
      const id = await openSession(store, 'acme/web', 1);
      const first = await leaseSession(store, id, 1);
      const second = await leaseSessionAt(store, { repositoryId: id, n: 1, nowMs: startMs + hourMs + 1 });
      await save(store, second.epoch);
      await refuses(store, busy, () => save(store, first.epoch));
      await refuses(store, busy, () => renew(store, first.epoch, startMs + 9 * hourMs));
      const held = { repositoryId: id, session: 1, content: 1, epoch: first.epoch };
      await refuses(store, busy, () => publishLeased(store, held));
    },
  },
  {
    name: 'a writer whose lease ended goes on when nobody took over',
    async run(store) {
      const id = await openSession(store, 'acme/web', 1);
      const { epoch } = await leaseSession(store, id, 1);
      await renew(store, epoch, startMs + 9 * hourMs);
      await refuses(store, busy, () => leaseSessionAt(store, { repositoryId: id, n: 1, nowMs: startMs + 8 * hourMs }));
      await save(store, epoch);
      await leaseSession(store, id, 1);
    },
  },
  {
    name: 'a renewed lease keeps others away for longer, and ends then',
    async run(store) {
      const id = await openSession(store, 'acme/web', 1);
      const { epoch } = await leaseSession(store, id, 1);
      await renew(store, epoch, startMs + 2 * hourMs);
      await refuses(store, busy, () => leaseSessionAt(store, { repositoryId: id, n: 1, nowMs: startMs + hourMs + 1 }));
      ok((await leaseSessionAt(store, { repositoryId: id, n: 1, nowMs: startMs + 2 * hourMs + 1 })).epoch > epoch);
    },
  },
  {
    name: 'saving gives the lease back: the next writer need not wait, and has a higher epoch',
    async run(store) {
      const id = await openSession(store, 'acme/web', 1);
      const epochs: number[] = [];
      for (let writer = 1; writer <= 3; writer++) {
        const { epoch } = await leaseSession(store, id, 1);
        epochs.push(epoch);
        await save(store, epoch);
        ok(present(await store.findUpload(id, sessionOf(1)), 'session').leaseUntilMs <= startMs);
      }
      deepEqual(
        epochs.toSorted((a, b) => a - b),
        epochs,
      );
      equal(new Set(epochs).size, 3);
    },
  },
  {
    name: 'an epoch that nobody was given is refused',
    async run(store) {
      const id = await openSession(store, 'acme/web', 1);
      const { epoch } = await leaseSession(store, id, 1);
      await refuses(store, busy, () => save(store, epoch + 1));
      const held = { repositoryId: id, session: 1, content: 1, epoch: epoch + 1 };
      await refuses(store, busy, () => publishLeased(store, held));
    },
  },
];
