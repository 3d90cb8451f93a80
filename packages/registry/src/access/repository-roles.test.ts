import { expect, test } from 'vitest';
import { parseRepositoryName } from '../oci/name.ts';
import type { Role } from '../storage/access-records.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import type { Action, Identity } from './identity.ts';
import { type RepositoryCreation, repositoryRoles } from './repository-roles.ts';
import { parseNamePattern } from './scope.ts';

const actions: readonly Action[] = ['pull', 'push', 'delete', 'manage'];

interface World {
  readonly grants?: readonly (readonly [pattern: string, subject: string, role: Role])[];
  readonly creation?: RepositoryCreation;
}

/** What each asks of `acme/web`, or of another name: the actions that are allowed, by repository. */
async function open({ grants = [], creation }: World = {}) {
  const store = sqlite({ file: ':memory:' });
  for (const [pattern, subject, role] of grants) {
    await store.putGrant({ pattern: parseNamePattern(pattern), subject, role });
  }
  const decide = repositoryRoles(store, creation === undefined ? {} : { creation });
  return async (identity: Identity | undefined, visibility: 'public' | 'private' | 'none', name = 'acme/web') => {
    const repository = visibility === 'none' ? undefined : { name, visibility, createdBy: 'someone' };
    const allowed: Action[] = [];
    for (const action of actions) {
      if (await decide({ identity, action, name: parseRepositoryName(name), repository })) allowed.push(action);
    }
    return allowed.join(' ');
  };
}

const alice: Identity = { id: 'alice' };
const all = 'pull push delete manage';

test('an owner may do all, a contributor pull, push and delete, a reader pull, on public and private alike', async () => {
  for (const [role, allowed] of [
    ['owner', all],
    ['contributor', 'pull push delete'],
    ['reader', 'pull'],
  ] as const) {
    const ask = await open({ grants: [['acme/web', 'alice', role]] });
    expect(await ask(alice, 'private')).toBe(allowed);
    expect(await ask(alice, 'public')).toBe(allowed);
    expect(await ask(alice, 'private', 'acme/other')).toBe('');
    expect(await ask({ id: 'bob' }, 'private')).toBe('');
    expect(await ask(undefined, 'private')).toBe('');
  }
});

test('everyone may pull what is public and do nothing else there', async () => {
  const ask = await open();
  expect(await ask(undefined, 'public')).toBe('pull');
  expect(await ask(alice, 'public')).toBe('pull');
});

test('an administrator may do all, everywhere', async () => {
  for (const creation of ['anyone', 'namespace', 'administrators'] as const) {
    const ask = await open({ creation });
    for (const visibility of ['public', 'private', 'none'] as const) {
      expect(await ask({ id: 'root', admin: true }, visibility)).toBe(all);
    }
  }
});

test('a grant on a namespace holds at every depth below it, and nowhere else', async () => {
  const ask = await open({ grants: [['acme/*', 'alice', 'contributor']], creation: 'administrators' });
  expect(await ask(alice, 'private', 'acme/web')).toBe('pull push delete');
  expect(await ask(alice, 'private', 'acme/web/api/v1')).toBe('pull push delete');
  expect(await ask(alice, 'private', 'acme')).toBe('');
  expect(await ask(alice, 'private', 'acme2/web')).toBe('');
  expect(await ask(alice, 'none', 'acme/new')).toBe('pull push delete');
});

test('a grant to a group holds for its members alone, now', async () => {
  const ask = await open({ grants: [['acme/*', '@staff', 'contributor']] });
  expect(await ask({ id: 'alice', groups: ['other', 'staff'] }, 'private')).toBe('pull push delete');
  expect(await ask({ id: 'alice', groups: ['Staff'] }, 'private')).toBe('');
  expect(await ask({ id: 'staff' }, 'private')).toBe('');
  expect(await ask(alice, 'private')).toBe('');
});

test('of several roles the widest counts', async () => {
  const ask = await open({
    grants: [
      ['acme/web', 'alice', 'reader'],
      ['acme/*', '@staff', 'owner'],
    ],
  });
  expect(await ask({ id: 'alice', groups: ['staff'] }, 'private')).toBe(all);
  expect(await ask(alice, 'private')).toBe('pull');
});

test('who may make a name may pull and push there before it is there, and nothing else', async () => {
  for (const [creation, name, allowed] of [
    ['anyone', 'acme/new', 'pull push'],
    ['namespace', 'acme/new', ''],
    ['namespace', 'alice/new', 'pull push'],
    ['namespace', 'alice/deep/new', 'pull push'],
    ['namespace', 'alice', ''],
    ['namespace', 'alice2/new', ''],
    ['administrators', 'alice/new', ''],
  ] as const) {
    const ask = await open({ creation });
    expect([creation, name, await ask(alice, 'none', name)]).toEqual([creation, name, allowed]);
    expect(await ask(undefined, 'none', name)).toBe('');
    // A name that is taken is not made by anybody any more.
    expect(await ask(alice, 'private', name)).toBe('');
  }
});

test('without a word about creation anyone who is logged in may make any name', async () => {
  expect(await (await open())(alice, 'none')).toBe('pull push');
});

test('a robot may do everything but manage, since its list is what is asked about it elsewhere', async () => {
  const ask = await open({ creation: 'administrators' });
  for (const visibility of ['public', 'private', 'none'] as const) {
    expect(await ask({ id: 'robot+ci', isRobot: true }, visibility)).toBe('pull push delete');
  }
});
