import { deepEqual } from 'node:assert/strict';
import { parseRepositoryName } from '../../oci/name.ts';
import { grant } from './access-grants.ts';
import { idOf, makeRepository, manifestPush, type StoreCase, startMs } from './builders.ts';

const everything = { after: undefined, limit: 100 };

/** What is listed to whom without asking about each. */
export const visibleCases: readonly StoreCase[] = [
  {
    name: 'who holds a role sees what it is on, by name and by namespace, their own and their groups, and what is public',
    async run(store) {
      const names = ['acme/api', 'acme/web', 'acme2/web', 'other/a', 'other/b/c', 'public/a', 'solo'];
      for (const [n, name] of names.entries()) await store.putManifest(manifestPush(name, n));
      await store.setVisibility({ name: parseRepositoryName('public/a'), visibility: 'public' });
      await store.removeGrantsOf({ subject: 'alice' });
      deepEqual(await store.listVisible([], everything), ['public/a']);
      await store.putGrant(grant('solo', 'bob', 'reader'));
      await store.putGrant(grant('acme/*', '@web', 'contributor'));
      await store.putGrant(grant('other/b/*', 'bob', 'owner'));
      await store.putGrant(grant('acme/web', 'bob', 'reader'));
      deepEqual(await store.listVisible(['bob'], everything), ['acme/web', 'other/b/c', 'public/a', 'solo']);
      const both = ['acme/api', 'acme/web', 'other/b/c', 'public/a', 'solo'];
      deepEqual(await store.listVisible(['bob', '@web'], everything), both);
      deepEqual(await store.listVisible(['carol'], everything), ['public/a']);
    },
  },
  {
    name: 'pages of what is visible go on behind a name, each once and in byte order, whatever it is seen by',
    async run(store) {
      const names = Array.from({ length: 12 }, (_, n) => `a/n${String(n).padStart(2, '0')}`);
      for (const [n, name] of names.entries()) {
        await store.putManifest(manifestPush(name, n));
        if (n % 3 === 0) await store.setVisibility({ name: parseRepositoryName(name), visibility: 'public' });
        if (n % 2 === 0) await store.putGrant(grant(name, 'bob', 'reader'));
      }
      await store.putGrant(grant('a/*', '@all', 'reader'));
      const listed: string[] = [];
      for (let after: string | undefined; ; after = listed.at(-1)) {
        const page = await store.listVisible(['bob', '@all'], { after, limit: 5 });
        listed.push(...page);
        if (page.length < 5) break;
      }
      deepEqual(listed, names);
      const mine = names.filter((_, n) => n % 3 === 0 || n % 2 === 0);
      deepEqual(await store.listVisible(['bob'], { after: undefined, limit: 3 }), mine.slice(0, 3));
      deepEqual(await store.listVisible(['bob'], { after: mine[2], limit: 100 }), mine.slice(3));
    },
  },
  {
    name: 'a repository without a manifest, one that is gone and a role on nothing are not listed',
    async run(store) {
      await makeRepository(store, 'acme/empty');
      await store.putGrant(grant('acme/empty', 'bob', 'reader'));
      await store.putGrant(grant('acme/none', 'bob', 'reader'));
      const push = manifestPush('acme/gone', 1);
      await store.putManifest(push);
      await store.putGrant(grant('acme/*', 'bob', 'reader'));
      deepEqual(await store.listVisible(['bob'], everything), ['acme/gone']);
      const repositoryId = await idOf(store, 'acme/gone');
      await store.deleteManifest({
        repositoryId,
        digest: push.digest,
        by: 'alice',
        nowMs: startMs,
        leaseUntilMs: startMs,
      });
      deepEqual(await store.listVisible(['bob'], everything), []);
    },
  },
];
