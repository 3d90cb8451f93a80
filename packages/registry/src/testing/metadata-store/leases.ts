import { deepEqual, equal } from 'node:assert/strict';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import { hourMs, type StoreCase, startMs } from './builders.ts';

/** Asks for the lease of the sweep for `holder`, for an hour from `nowMs`. */
const acquire = (store: MetadataStore, holder: string, nowMs = startMs): Promise<boolean> =>
  store.acquireLease({ name: 'sweep', holder, nowMs, untilMs: nowMs + hourMs });

/** Leases of background work. */
export const leaseCases: readonly StoreCase[] = [
  {
    name: 'the lease of a background work has one holder while it runs',
    async run(store) {
      equal(await acquire(store, 'one'), true);
      equal(await acquire(store, 'two'), false);
      equal(await acquire(store, 'two', startMs + hourMs - 1), false);
    },
  },
  {
    name: 'the holder of a lease prolongs it',
    async run(store) {
      await acquire(store, 'one');
      equal(await acquire(store, 'one', startMs + hourMs / 2), true);
      equal(await acquire(store, 'two', startMs + hourMs + 1), false);
      equal(await acquire(store, 'two', startMs + 2 * hourMs), true);
    },
  },
  {
    name: 'a lease that ended goes to whoever asks, and its first holder has lost it',
    async run(store) {
      await acquire(store, 'one');
      equal(await acquire(store, 'two', startMs + hourMs + 1), true);
      equal(await acquire(store, 'one', startMs + hourMs + 2), false);
    },
  },
  {
    name: 'a lease that was given back is free at once',
    async run(store) {
      await acquire(store, 'one');
      await store.releaseLease({ name: 'sweep', holder: 'one' });
      equal(await acquire(store, 'two'), true);
    },
  },
  {
    name: 'nothing happens when a lease is given back by someone who does not hold it, or that nobody holds',
    async run(store) {
      await store.releaseLease({ name: 'sweep', holder: 'one' });
      await acquire(store, 'one');
      await acquire(store, 'two', startMs + hourMs + 1);
      await store.releaseLease({ name: 'sweep', holder: 'one' });
      await store.releaseLease({ name: 'another', holder: 'two' });
      equal(await acquire(store, 'one', startMs + hourMs + 2), false);
    },
  },
  {
    name: 'leases of different works are apart',
    async run(store) {
      equal(await acquire(store, 'one'), true);
      const scrub = { name: 'scrub', holder: 'two', nowMs: startMs, untilMs: startMs + hourMs };
      equal(await store.acquireLease(scrub), true);
    },
  },
  {
    name: 'one of several who ask for a lease at once gets it',
    async run(store) {
      const answers = await Promise.all(['one', 'two', 'three', 'four'].map((holder) => acquire(store, holder)));
      deepEqual(answers.toSorted(), [false, false, false, true]);
    },
  },
];
