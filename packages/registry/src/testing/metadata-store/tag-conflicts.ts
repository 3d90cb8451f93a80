import { deepEqual, equal } from 'node:assert/strict';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import { dayMs, idOf, makeRepository, manifestDigest, manifestPush, type StoreCase, startMs } from './builders.ts';
import { conflict, done, oneOf, tagged } from './conflict.ts';

const deleteManifest = (store: MetadataStore, repositoryId: number, n: number) => () =>
  store.deleteManifest({
    repositoryId,
    digest: manifestDigest(n),
    by: 'alice',
    nowMs: startMs,
    leaseUntilMs: startMs + dayMs,
  });

/** Manifests and tags that move at once. */
export const tagConflictCases: readonly StoreCase[] = [
  conflict('a manifest that goes while it is pushed with a tag: both are there or neither is', async (store, round) => {
    await store.putManifest(manifestPush(round.name, 1));
    const id = await idOf(store, round.name);
    return {
      first: deleteManifest(store, id, 1),
      second: () => store.putManifest(manifestPush(round.name, 1, { tags: ['v1'] })),
      async holds(deletion, push) {
        const found = await store.findManifest(id, { digest: manifestDigest(1) });
        const stored = { missing: [], isNew: found !== undefined, moved: [{ tag: 'v1', from: undefined }] };
        deepEqual([deletion, push], [{ value: found === undefined ? ['v1'] : [] }, { value: stored }]);
        equal(await tagged(store, id, 'v1'), found?.digest);
        deepEqual(await store.listTags(id, { after: undefined, limit: 10 }), found === undefined ? [] : ['v1']);
      },
    };
  }),
  conflict('a tag that moves on while the manifest that it held goes is kept', async (store, round) => {
    await store.putManifest(manifestPush(round.name, 1, { tags: ['v1'] }));
    const id = await idOf(store, round.name);
    return {
      first: deleteManifest(store, id, 1),
      second: () => store.putManifest(manifestPush(round.name, 2, { tags: ['v1'] })),
      holds: async () => equal(await tagged(store, id, 'v1'), manifestDigest(2)),
    };
  }),
  conflict('two pushes that want a tag to be new: one gets it', async (store, round) => {
    await makeRepository(store, round.name);
    const push = (n: number) => () =>
      store.putManifest(manifestPush(round.name, n, { tags: ['v1'], condition: { ifNoneMatch: '*' } }));
    return {
      first: push(1),
      second: push(2),
      async holds(first, second) {
        oneOf(first, second, ['precondition-failed']);
        const id = await idOf(store, round.name);
        equal(await tagged(store, id, 'v1'), manifestDigest(done(first) ? 1 : 2));
        equal(await store.findManifest(id, { digest: manifestDigest(done(first) ? 2 : 1) }), undefined);
      },
    };
  }),
  conflict('two pushes that move a tag from what they saw: one does', async (store, round) => {
    await store.putManifest(manifestPush(round.name, 3, { tags: ['v1'] }));
    const condition = { ifMatch: [manifestDigest(3)] };
    const push = (n: number) => () => store.putManifest(manifestPush(round.name, n, { tags: ['v1'], condition }));
    return {
      first: push(1),
      second: push(2),
      async holds(first, second) {
        oneOf(first, second, ['precondition-failed']);
        equal(await tagged(store, await idOf(store, round.name), 'v1'), manifestDigest(done(first) ? 1 : 2));
      },
    };
  }),
];
