import { deepEqual, equal } from 'node:assert/strict';
import { parseNamePattern } from '../../access/scope.ts';
import { parseRepositoryName } from '../../oci/name.ts';
import type { GrantRecord, Role } from '../../storage/access-records.ts';
import type { MetadataStore, Push } from '../../storage/metadata-store.ts';
import {
  dayMs,
  digestOfNumber,
  idOf,
  manifestPush,
  openSession,
  pushTo,
  putSmall,
  refuses,
  type StoreCase,
  sorted,
  startMs,
  toBlob,
} from './builders.ts';

/** A grant on the pattern that `pattern` writes. */
export const grant = (pattern: string, subject: string, role: Role): GrantRecord => ({
  pattern: parseNamePattern(pattern),
  subject,
  role,
});

/** The roles of `subjects` on `name`, each once, by their names. */
export async function rolesOf(
  store: MetadataStore,
  name: string,
  ...subjects: readonly string[]
): Promise<readonly Role[]> {
  return sorted([...new Set(await store.findRoles(parseRepositoryName(name), subjects))]);
}

/** The grants on exactly `pattern`, as subjects and roles. */
export async function grantsOn(store: MetadataStore, pattern: string): Promise<readonly (readonly [string, Role])[]> {
  return (await store.listGrants(parseNamePattern(pattern))).map(({ subject, role }) => [subject, role]);
}

const giveCases: readonly StoreCase[] = [
  {
    name: 'a grant on a name counts for the repository of that name and for no other',
    async run(store) {
      await store.putGrant(grant('acme/web', 'alice', 'contributor'));
      deepEqual(await rolesOf(store, 'acme/web', 'alice'), ['contributor']);
      for (const name of ['acme', 'acme/we', 'acme/web2', 'acme/web/api', 'web', 'other/acme/web']) {
        deepEqual(await rolesOf(store, name, 'alice'), [], name);
      }
    },
  },
  {
    name: 'a grant on a namespace counts for every depth below it, and for nothing beside or above it',
    async run(store) {
      await store.putGrant(grant('acme/team/*', 'alice', 'reader'));
      for (const name of ['acme/team/web', 'acme/team/a/b/c']) {
        deepEqual(await rolesOf(store, name, 'alice'), ['reader'], name);
      }
      for (const name of ['acme/team', 'acme/team2/web', 'acme/web', 'team/web', 'x/acme/team/web']) {
        deepEqual(await rolesOf(store, name, 'alice'), [], name);
      }
    },
  },
  {
    name: 'the characters of a pattern stand for themselves',
    async run(store) {
      await store.putGrant(grant('my_team/*', 'alice', 'reader'));
      await store.putGrant(grant('a.b', 'alice', 'reader'));
      for (const name of ['my-team/web', 'myxteam/web', 'axb', 'a_b']) {
        deepEqual(await rolesOf(store, name, 'alice'), [], name);
      }
    },
  },
  {
    name: 'roles come from the name and from each namespace above it, for every one of the subjects',
    async run(store) {
      await store.putGrant(grant('a/*', '@staff', 'reader'));
      await store.putGrant(grant('a/b/*', 'alice', 'contributor'));
      await store.putGrant(grant('a/b/c', '@leads', 'owner'));
      deepEqual(await rolesOf(store, 'a/b/c', 'alice', '@staff', '@leads'), ['contributor', 'owner', 'reader']);
      deepEqual(await rolesOf(store, 'a/b/c', '@leads', '@nobody'), ['owner']);
      deepEqual(await rolesOf(store, 'a/b/d', '@leads', '@staff'), ['reader']);
      deepEqual(await rolesOf(store, 'a/b/c'), []);
    },
  },
  {
    name: 'roles of many subjects on a deep name are found',
    async run(store) {
      const name = Array.from({ length: 100 }, () => 'a').join('/');
      await store.putGrant(grant('a/*', '@group-1999', 'reader'));
      const groups = Array.from({ length: 2000 }, (_, n) => `@group-${n}`);
      deepEqual(await rolesOf(store, name, 'alice', ...groups), ['reader']);
      deepEqual(await rolesOf(store, name, 'alice', ...groups.slice(0, -1)), []);
    },
  },
  {
    name: 'a subject is any text, and is found by that text alone',
    async run(store) {
      const subjects = [
        'alice',
        'Alice',
        'alice ',
        '@alice',
        `a"l'i%c_e`,
        '["alice"]',
        'ali\u0000ce',
        'älice',
        '7',
        '',
      ];
      for (const subject of subjects) {
        deepEqual(await rolesOf(store, 'acme/web', ...subjects), [], subject);
        await store.putGrant(grant('acme/web', subject, 'reader'));
        deepEqual(await rolesOf(store, 'acme/web', subject), ['reader'], subject);
        equal(await store.removeGrant(grant('acme/web', subject, 'reader')), true, subject);
      }
    },
  },
];

const changeCases: readonly StoreCase[] = [
  {
    name: 'grants are listed on exactly the pattern, in byte order of their subjects',
    async run(store) {
      const subjects = ['', '@b', 'A', 'a', 'a b', 'aa', 'é', '\ufffd', '\u{1f600}'];
      for (const subject of subjects.toReversed()) await store.putGrant(grant('acme/*', subject, 'reader'));
      await store.putGrant(grant('acme/web', 'carol', 'owner'));
      deepEqual(
        await store.listGrants(parseNamePattern('acme/*')),
        subjects.map((subject) => grant('acme/*', subject, 'reader')),
      );
      deepEqual(await store.listGrants(parseNamePattern('acme/web')), [grant('acme/web', 'carol', 'owner')]);
      deepEqual(await store.listGrants(parseNamePattern('acme')), []);
    },
  },
  {
    name: 'a grant takes the place of another one of the same subject on the same pattern',
    async run(store) {
      await store.putGrant(grant('acme/web', 'alice', 'owner'));
      await store.putGrant(grant('acme/web', 'bob', 'owner'));
      await store.putGrant(grant('acme/web', 'alice', 'reader'));
      deepEqual(await rolesOf(store, 'acme/web', 'alice'), ['reader']);
      deepEqual(await grantsOn(store, 'acme/web'), [
        ['alice', 'reader'],
        ['bob', 'owner'],
      ]);
    },
  },
  {
    name: 'a grant that is removed counts no more, and no other goes with it',
    async run(store) {
      for (const [pattern, subject] of [
        ['a/b', 'alice'],
        ['a/b', 'bob'],
        ['a/*', 'alice'],
      ] as const) {
        await store.putGrant(grant(pattern, subject, 'contributor'));
      }
      equal(await store.removeGrant(grant('a/b', 'alice', 'contributor')), true);
      deepEqual(await grantsOn(store, 'a/b'), [['bob', 'contributor']]);
      deepEqual(await grantsOn(store, 'a/*'), [['alice', 'contributor']]);
      equal(await store.removeGrant(grant('a/b', 'alice', 'contributor')), false);
      equal(await store.removeGrant(grant('a/c', 'bob', 'contributor')), false);
    },
  },
  {
    name: 'the rights of a subject go all at once, on names and namespaces, and nobody else loses one',
    async run(store) {
      await putSmall(store, pushTo('acme/web', { by: 'alice' }), 1);
      await store.putGrant(grant('team/*', 'alice', 'reader'));
      for (const other of ['@alice', 'alice2', 'Alice', 'bob']) {
        await store.putGrant(grant('acme/web', other, 'reader'));
      }
      equal(await store.removeGrantsOf({ subject: 'alice' }), 2);
      deepEqual(await rolesOf(store, 'acme/web', 'alice'), []);
      deepEqual(await rolesOf(store, 'team/api', 'alice'), []);
      deepEqual(
        (await grantsOn(store, 'acme/web')).map(([subject]) => subject),
        ['@alice', 'Alice', 'alice2', 'bob'],
      );
      equal(await store.removeGrantsOf({ subject: 'alice' }), 0);
    },
  },
];

/** Every command that makes a repository, with content 1 of `source` to mount. */
const makers = (store: MetadataStore): readonly ((push: Push) => Promise<unknown>)[] => [
  (push) => openSession(store, push, 7),
  (push) => putSmall(store, push, 8),
  async (push) =>
    store.mountBlob({
      ...push,
      fromRepositoryId: await idOf(store, 'source'),
      digest: digestOfNumber(1),
      leaseUntilMs: startMs + dayMs,
    }),
  (push) => store.putManifest({ ...manifestPush('unused', 9), ...push }),
];

const birthCases: readonly StoreCase[] = [
  {
    name: 'a repository that an identity makes, by whatever command, has that identity as its only owner',
    async run(store) {
      await putSmall(store, 'source', 1);
      for (const [n, make] of makers(store).entries()) {
        await make(pushTo(`acme/web-${n}`, { by: 'alice' }));
        deepEqual(await grantsOn(store, `acme/web-${n}`), [['alice', 'owner']]);
        deepEqual(await rolesOf(store, `acme/web-${n}`, 'bob'), []);
      }
    },
  },
  {
    name: 'a repository that an anonymous push makes, by whatever command, has no owner',
    async run(store) {
      await putSmall(store, 'source', 1);
      for (const [n, make] of makers(store).entries()) {
        await make(pushTo(`acme/web-${n}`, { by: undefined }));
        deepEqual(await grantsOn(store, `acme/web-${n}`), []);
      }
    },
  },
  {
    name: 'who makes a repository is its owner, though a lesser role was given before',
    async run(store) {
      await store.putGrant(grant('acme/web', 'alice', 'reader'));
      await store.putGrant(grant('acme/web', 'bob', 'contributor'));
      await putSmall(store, 'acme/web', 1);
      deepEqual(await grantsOn(store, 'acme/web'), [
        ['alice', 'owner'],
        ['bob', 'contributor'],
      ]);
    },
  },
  {
    name: 'a push into a repository that is there gives no right, neither a new one nor one that was taken',
    async run(store) {
      const repository = { id: await putSmall(store, 'acme/web', 1), name: parseRepositoryName('acme/web') };
      await store.removeGrant(grant('acme/web', 'alice', 'owner'));
      await putSmall(store, pushTo('acme/web', { repository, by: 'bob' }), 2);
      await putSmall(store, pushTo('acme/web', { repository, by: 'alice' }), 3);
      deepEqual(await grantsOn(store, 'acme/web'), []);
    },
  },
  {
    name: 'a push that is refused gives no right',
    async run(store) {
      const manifest = { edges: [toBlob(digestOfNumber(1))] };
      await refuses(store, { name: 'acme/web', numbers: [1], code: 'missing-content' }, () =>
        store.putManifest(manifestPush('acme/web', 1, { manifest })),
      );
      deepEqual(await grantsOn(store, 'acme/web'), []);
    },
  },
];

const visibilityCases: readonly StoreCase[] = [
  {
    name: 'visibility changes, back and forth, and nothing else of the repository does',
    async run(store) {
      const name = parseRepositoryName('acme/web');
      await putSmall(store, 'acme/other', 1);
      await putSmall(store, 'acme/web', 1);
      const before = await store.findRepository(name);
      for (const visibility of ['public', 'public', 'private'] as const) {
        equal(await store.setVisibility({ name, visibility }), true);
        deepEqual(await store.findRepository(name), { ...before, visibility });
      }
      await store.setVisibility({ name, visibility: 'public' });
      equal((await store.findRepository(parseRepositoryName('acme/other')))?.visibility, 'private');
    },
  },
  {
    name: 'the visibility of a repository that is not there cannot be set, and makes none',
    async run(store) {
      const name = parseRepositoryName('acme/web');
      equal(await store.setVisibility({ name, visibility: 'public' }), false);
      equal(await store.findRepository(name), undefined);
    },
  },
];

/** Who may do what. */
export const accessGrantCases: readonly StoreCase[] = [...giveCases, ...changeCases, ...birthCases, ...visibilityCases];
