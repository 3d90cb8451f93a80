import type { Credentials, Identity } from '@moorage/registry';
import { type Database, openDatabase, refuseNewerAccounts } from './database.ts';
import { createGroups, type Groups } from './groups.ts';
import { nobodysHash } from './passwords.ts';
import { createPeople, type People } from './people.ts';
import { createUsers, type Users } from './users.ts';
import { createVerifier } from './verifier.ts';

/** The users and groups of a server, in a file of their own beside the registry's. Every call reads the file, so that what another process changed counts at once. */
export interface Accounts {
  readonly users: Users;
  readonly groups: Groups;
  /** People whom an issuer outside knows. */
  readonly people: People;
  /** Who shows this name and password; undefined for a wrong password, for no such user and for a disabled one alike, in the same time. */
  authenticate(credentials: Credentials): Promise<Identity | undefined>;
  /** What is known of a user now; undefined: disabled or removed. */
  identify(id: string): Identity | undefined;
  /** Refuses what a newer Moorage wrote, and touches nothing: asked before the metadata is brought up to date. */
  refuseNewer(): void;
  close(): void;
}

/** The accounts in `file`, which is opened at the first call; its directory must be there. `now` is for tests. */
export function createAccounts({ file, now = Date.now }: { readonly file: string; now?(): number }): Accounts {
  let database: Database | undefined;
  const open = () => {
    database ??= openDatabase(file);
    return database;
  };
  const users = createUsers(open, { now });
  const isGood = createVerifier({ now });

  function identify(id: string): Identity | undefined {
    const user = users.find(id);
    if (user === undefined || user.isDisabled) return undefined;
    return { id, groups: user.groups, admin: user.isAdmin, sinceMs: user.sinceMs };
  }

  return {
    users,
    groups: createGroups(open, { now }),
    people: createPeople(open, { now }),
    identify,
    async authenticate(credentials) {
      if ('token' in credentials) return undefined;
      const { username, password } = credentials;
      const passwordHash = users.findPasswordHash(username) ?? nobodysHash;
      const wasGood = await isGood({ username, password, passwordHash });
      // The password may have been changed while it was checked.
      const isStill = passwordHash === (users.findPasswordHash(username) ?? nobodysHash);
      return wasGood && isStill ? identify(username) : undefined;
    },
    refuseNewer: () => refuseNewerAccounts(file),
    close: () => database?.close(),
  };
}
