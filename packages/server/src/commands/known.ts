import type { Group } from '../accounts/groups.ts';
import { accountNameRule, isAccountName } from '../accounts/names.ts';
import type { User } from '../accounts/users.ts';
import { ExitError } from '../exit-error.ts';
import { nearest } from '../nearest.ts';
import type { Data } from './open-data.ts';

/** `There is no user alic: the nearest is alice.` */
export function unknown(kind: string, name: string, known: readonly string[]): ExitError {
  const hint = known.length === 0 ? `there is none yet` : `the nearest is ${nearest(name, known)}`;
  return new ExitError(`There is no ${kind} ${name}: ${hint}.`);
}

/** A name for a new user, group or robot; else an `ExitError`. */
export function newName(kind: string, name: string): string {
  if (isAccountName(name)) return name;
  throw new ExitError(`${JSON.stringify(name)} cannot name a ${kind}: it must be ${accountNameRule}.`);
}

/** The user of that name; else an `ExitError` with the nearest one. */
export function getUser({ accounts: { users } }: Pick<Data, 'accounts'>, name: string): User {
  const user = users.find(name);
  if (user !== undefined) return user;
  throw unknown(
    'user',
    name,
    users.list().map((other) => other.name),
  );
}

/** The group of that name; else an `ExitError` with the nearest one. */
export function getGroup({ accounts: { groups } }: Pick<Data, 'accounts'>, name: string): Group {
  const group = groups.find(name);
  if (group !== undefined) return group;
  throw unknown(
    'group',
    name,
    groups.list().map((other) => other.name),
  );
}
