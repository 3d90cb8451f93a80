import { deepEqual, equal, rejects } from 'node:assert/strict';
import { parseRepositoryName } from '../../oci/name.ts';
import { isStorageError } from '../../storage/error.ts';
import { keyOf, openSession, putSmall, type StoreCase } from './builders.ts';

/** Opening and closing. */
export const lifecycleCases: readonly StoreCase[] = [
  {
    name: 'ready can be asked for more than once, and at once',
    async run(store) {
      await Promise.all([store.ready(), store.ready()]);
      await store.ready();
      deepEqual(await store.listRepositories({ after: undefined, limit: 10 }), []);
    },
  },
  {
    name: 'calls that come before ready wait for it',
    async run(store) {
      const [found] = await Promise.all([store.findRepository(parseRepositoryName('acme/web')), store.ready()]);
      equal(found, undefined);
      await openSession(store, 'acme/web', 1);
    },
  },
  {
    name: 'a closed store refuses reads and commands as unavailable, and can be closed again',
    async run(store) {
      await putSmall(store, 'acme/web', 1);
      await store.close();
      const unavailable = (error: unknown): boolean => isStorageError(error, 'unavailable');
      await rejects(() => store.findRepository(parseRepositoryName('acme/web')), unavailable);
      await rejects(() => store.findKnownKeys([keyOf(1)]), unavailable);
      await rejects(() => putSmall(store, 'acme/web', 2), unavailable);
      await store.close();
    },
  },
];
