import { expect, test } from 'vitest';
import { parseRepositoryName } from '../oci/name.ts';
import type { AccessTokenRecord, GrantRecord } from '../storage/access-records.ts';
import type { RepositoryRecord } from '../storage/metadata-store.ts';
import { type AuthorizeRequest, anonymous, type Caller, type Identity, type Refusal } from './identity.ts';
import { type Access, createAccess } from './permit.ts';
import { parseNamePattern, type RepositoryScope, type ScopeAction, scopeActions } from './scope.ts';

const name = parseRepositoryName('acme/web');
const other = parseRepositoryName('acme/base');
const alice = { id: 'alice', groups: ['staff'] };
const record: RepositoryRecord = { id: 7, name, visibility: 'private', createdBy: 'bob', manifestCount: 1 };

type Decision = (request: AuthorizeRequest) => boolean | Refusal | Promise<boolean>;
interface World {
  readonly repository?: RepositoryRecord | undefined;
  readonly canLogIn?: boolean;
  readonly grants?: readonly GrantRecord[];
}

function accessOf(authorize: Decision | undefined, world: World = {}): Access {
  const { repository = record, canLogIn = false, grants = [] } = { ...world };
  const isThere = !('repository' in world) || world.repository !== undefined;
  const metadata = {
    findRepository: async (asked: string) => (isThere && asked === name ? repository : undefined),
    listGrants: async () => grants,
  };
  return createAccess({ authorize, canLogIn, metadata });
}

const callerOf = (identity: Identity | undefined, more: Partial<Caller> = {}): Caller => ({
  ...anonymous,
  identity,
  ...more,
});
const scope = (of: typeof name, ...actions: readonly ScopeAction[]): RepositoryScope => ({
  type: 'repository',
  name: of,
  actions,
});
const refusal = (access: Access, caller: Caller, wanted: Parameters<Access['getPermit']>[1]) =>
  access.getPermit(caller, wanted).then(
    () => 'a permit',
    (error: unknown) => error,
  );

test('open access gives everyone a permit for everything', async () => {
  for (const action of ['pull', 'push', 'delete', 'manage'] as const) {
    const permit = await accessOf(undefined).getPermit(anonymous, { action, name });
    expect(permit).toEqual({ repository: { id: 7, name }, identity: undefined, caller: anonymous, action });
  }
});

test('a decision gets who asks, for what, and what it may know of the repository', async () => {
  const asked: AuthorizeRequest[] = [];
  const access = accessOf((request) => asked.push(request) > 0);
  const caller = callerOf(alice);
  const permit = await access.getPermit(caller, { action: 'delete', name });
  expect(permit).toEqual({ repository: { id: 7, name }, identity: alice, caller, action: 'delete' });
  expect(asked).toEqual([
    { identity: alice, action: 'delete', name, repository: { name, visibility: 'private', createdBy: 'bob' } },
  ]);
});

test('a repository that is not there is undefined to a decision, and has no id in the permit', async () => {
  const asked: AuthorizeRequest[] = [];
  const access = accessOf((request) => asked.push(request) > 0, { repository: undefined });
  const permit = await access.getPermit(callerOf(alice), { action: 'push', name });
  expect(permit.repository).toEqual({ id: undefined, name });
  expect(asked).toMatchObject([{ repository: undefined, name }]);
});

test('a decision may be a promise; no is no permit', async () => {
  const wanted = { action: 'pull', name } as const;
  for (const authorize of [() => false, async () => false]) {
    expect(await accessOf(authorize).findPermit(callerOf(alice), wanted)).toBeUndefined();
  }
  expect(await accessOf(async () => true).findPermit(callerOf(alice), wanted)).toBeDefined();
});

test('a decision that answers nothing is a no', async () => {
  const authorize = (() => undefined) as unknown as () => boolean;
  expect(await accessOf(authorize).findPermit(callerOf(alice), { action: 'pull', name })).toBeUndefined();
});

test('a decision that throws gives no permit', async () => {
  const access = accessOf(() => Promise.reject(new Error('away')));
  const wanted = { action: 'pull', name } as const;
  await expect(access.findPermit(callerOf(alice), wanted)).rejects.toThrow('away');
  await expect(access.getPermit(callerOf(alice), wanted)).rejects.toThrow('away');
});

test('a refused read says what a repository that is not there says', async () => {
  await expect(accessOf(() => false).getPermit(callerOf(alice), { action: 'pull', name })).rejects.toMatchObject({
    code: 'NAME_UNKNOWN',
    message: 'There is no such repository.',
  });
});

test('a refused write names who, what and where', async () => {
  for (const [identity, action, message] of [
    [alice, 'push', 'alice may not push to acme/web.'],
    [alice, 'delete', 'alice may not delete in acme/web.'],
    [alice, 'manage', 'alice may not manage in acme/web.'],
    [undefined, 'push', 'An anonymous caller may not push to acme/web.'],
  ] as const) {
    const refused = accessOf(() => false).getPermit(callerOf(identity), { action, name });
    await expect(refused).rejects.toMatchObject({ code: 'DENIED', message });
  }
});

test('each request is decided anew', async () => {
  let isAllowed = true;
  const access = accessOf(() => isAllowed);
  const wanted = { action: 'push', name } as const;
  expect(await access.findPermit(callerOf(alice), wanted)).toBeDefined();
  isAllowed = false;
  expect(await access.findPermit(callerOf(alice), wanted)).toBeUndefined();
});

test('owners are named to who may pull, five of them at the most, and to nobody else', async () => {
  const grants = ['@staff', 'bob', 'dora', 'eve', 'fred', 'gina'].map(
    (subject): GrantRecord => ({ pattern: parseNamePattern('acme/web'), subject, role: 'owner' }),
  );
  const reader: GrantRecord = { pattern: parseNamePattern('acme/web'), subject: 'carol', role: 'reader' };
  const readsOnly = accessOf(({ action }) => action === 'pull', { grants: [reader, ...grants] });
  expect(await refusal(readsOnly, callerOf(alice), { action: 'push', name })).toMatchObject({
    message: 'alice may not push to acme/web. Ask an owner: @staff, bob, dora, eve, fred.',
  });
  const nothing = accessOf(() => false, { grants });
  expect(await refusal(nothing, callerOf(alice), { action: 'push', name })).toMatchObject({
    message: 'alice may not push to acme/web.',
  });
});

test('where somebody can log in, nobody gets 401 with the scopes to ask for, and where nobody can, the refusal itself', async () => {
  for (const [action, scopes] of [
    ['pull', [scope(name, 'pull')]],
    ['push', [scope(name, 'pull', 'push')]],
    ['delete', [scope(name, 'delete')]],
  ] as const) {
    for (const repository of [record, undefined]) {
      const access = accessOf(() => false, { canLogIn: true, repository });
      expect(await refusal(access, anonymous, { action, name })).toMatchObject({
        code: 'UNAUTHORIZED',
        scopes,
        isInsufficient: false,
      });
    }
    const code = action === 'pull' ? 'NAME_UNKNOWN' : 'DENIED';
    expect(
      await refusal(
        accessOf(() => false),
        anonymous,
        { action, name },
      ),
    ).toMatchObject({ code });
  }
});

test('a token that was not made for a repository is insufficient, whatever its owner may do there', async () => {
  for (const isAllowed of [true, false]) {
    for (const repository of [record, undefined]) {
      const access = accessOf(() => isAllowed, { repository });
      const caller = callerOf(alice, { scopes: [scope(other, 'pull', 'push', 'delete')] });
      for (const action of ['pull', 'push', 'delete'] as const) {
        expect(await access.findPermit(caller, { action, name })).toBeUndefined();
        expect(await refusal(access, caller, { action, name })).toMatchObject({
          code: 'UNAUTHORIZED',
          isInsufficient: true,
        });
      }
    }
  }
});

test('a token that lacks an action is insufficient where a new one would have it, and is refused where it would not', async () => {
  const caller = callerOf(alice, { scopes: [scope(name, 'pull')] });
  const wanted = { action: 'push', name } as const;
  expect(
    await refusal(
      accessOf(() => true),
      caller,
      wanted,
    ),
  ).toMatchObject({
    code: 'UNAUTHORIZED',
    isInsufficient: true,
    scopes: [scope(name, 'pull', 'push')],
  });
  expect(
    await refusal(
      accessOf(() => false),
      caller,
      wanted,
    ),
  ).toMatchObject({ code: 'DENIED' });
});

test('a token with a refused scope reads a private repository and none alike', async () => {
  const caller = callerOf(alice, { scopes: [scope(name)] });
  const hidden = accessOf(() => false);
  const missing = accessOf(() => true, { repository: undefined });
  for (const access of [hidden, missing]) {
    expect(await refusal(access, caller, { action: 'pull', name })).toMatchObject({ code: 'NAME_UNKNOWN' });
  }
});

test('a token never widens: what it holds and its owner lost is refused', async () => {
  const caller = callerOf(alice, { scopes: [scope(name, 'pull', 'push', 'delete')] });
  const access = accessOf(() => false);
  expect(await refusal(access, caller, { action: 'pull', name })).toMatchObject({ code: 'NAME_UNKNOWN' });
  expect(await refusal(access, caller, { action: 'push', name })).toMatchObject({ code: 'DENIED' });
});

test('a mount wants a token for both repositories, and its source may have been refused in it', async () => {
  const wanted = { action: 'push', name, alsoPulls: other } as const;
  const access = accessOf(() => true);
  const one = callerOf(alice, { scopes: [scope(name, 'pull', 'push')] });
  expect(await refusal(access, one, wanted)).toMatchObject({
    code: 'UNAUTHORIZED',
    isInsufficient: true,
    scopes: [scope(name, 'pull', 'push'), scope(other, 'pull')],
  });
  const both = callerOf(alice, { scopes: [scope(name, 'pull', 'push'), scope(other)] });
  expect(await refusal(access, both, wanted)).toBe('a permit');
  expect(await access.findPermit(both, { action: 'pull', name: other })).toBeUndefined();
});

test('an access token or robot never reaches beyond its list, whatever the decision says', async () => {
  const list: AccessTokenRecord = {
    id: 'a'.repeat(32),
    kind: 'robot',
    identity: 'robot+ci',
    secretHash: new Uint8Array(32),
    pattern: parseNamePattern('acme/web'),
    actions: ['pull'],
    createdMs: 0,
    expiresMs: 1,
  };
  const allowedWith = async (more: Partial<AccessTokenRecord>) => {
    const caller = callerOf({ id: 'robot+ci', isRobot: true }, { accessToken: { ...list, ...more } });
    const access = accessOf(() => true);
    expect(await access.findPermit(caller, { action: 'manage', name })).toBeUndefined();
    return access.listAllowed(caller, name, scopeActions);
  };
  expect(await allowedWith({})).toEqual(['pull']);
  expect(await allowedWith({ actions: ['push', 'delete'] })).toEqual(['push', 'delete']);
  expect(await allowedWith({ pattern: parseNamePattern('acme/*') })).toEqual(['pull']);
  expect(await allowedWith({ pattern: undefined })).toEqual(['pull']);
  expect(await allowedWith({ pattern: parseNamePattern('acme') })).toEqual([]);
  expect(await allowedWith({ pattern: parseNamePattern('acme/web/*') })).toEqual([]);
  expect(await allowedWith({ pattern: parseNamePattern('acme/we') })).toEqual([]);
  expect(await allowedWith({ actions: [] })).toEqual([]);
});

test('a token gets the part of what it asks for that its owner may do now', async () => {
  const access = accessOf(({ action }) => action !== 'delete');
  expect(await access.listAllowed(callerOf(alice), name, scopeActions)).toEqual(['pull', 'push']);
  expect(await access.listAllowed(callerOf(alice), name, ['delete'])).toEqual([]);
});

test('nobody is asked to log in where nobody can, and an anonymous token is somebody who asked for one', () => {
  const open = accessOf(() => true);
  const closed = accessOf(() => true, { canLogIn: true });
  expect(() => open.checkIdentity(anonymous, 'identity')).not.toThrow();
  expect(() => closed.checkIdentity(callerOf(alice), 'list')).not.toThrow();
  expect(() => closed.checkIdentity({ ...anonymous, scopes: [] }, 'identity')).not.toThrow();
  expect(() => closed.checkIdentity(anonymous, 'identity')).toThrow('Log in first.');
});

test('a token reaches the catalog where it was made for it, and is told what it lacks where it was not', () => {
  const access = accessOf(() => true, { canLogIn: true });
  const token = { ...callerOf(alice), scopes: [] };
  expect(() => access.checkIdentity({ ...token, reachesCatalog: true }, 'list')).not.toThrow();
  expect(() => access.checkIdentity(token, 'list')).toThrow(
    expect.objectContaining({ code: 'UNAUTHORIZED', wantsCatalog: true, isInsufficient: true }),
  );
  expect(() => access.checkIdentity(anonymous, 'list')).toThrow(expect.objectContaining({ wantsCatalog: true }));
});

test('a refusal with words is told for every action, of a pull and of what is not there, too; without words a pull sees nothing', async () => {
  for (const repository of [record, undefined]) {
    const access = accessOf(() => ({ refuse: 'Ask for an approval first.' }), { repository });
    for (const action of ['pull', 'push', 'delete', 'manage'] as const) {
      const refused = access.getPermit(callerOf(alice), { action, name });
      await expect(refused).rejects.toMatchObject({ code: 'DENIED', message: 'Ask for an approval first.' });
      expect(await access.findPermit(callerOf(alice), { action, name })).toBeUndefined();
    }
    expect(await access.listAllowed(callerOf(alice), name, ['pull', 'push'])).toEqual([]);
    expect(await access.sees(callerOf(alice), record)).toBe(false);
  }
});
