import type { Database, Row } from './database.ts';
import { hashPassword, randomPassword } from './passwords.ts';

/** A user as everybody who manages users may see it. */
export interface User {
  readonly name: string;
  readonly isAdmin: boolean;
  /** May not log in, and what was given to clients before is refused, too. */
  readonly isDisabled: boolean;
  /** Ms since 1970. */
  readonly createdMs: number;
  /** When the password was set, in ms since 1970: what was given to clients before is refused. */
  readonly sinceMs: number;
  /** In byte order. */
  readonly groups: readonly string[];
}

/** The users. Names and passwords are checked before they come here (`isAccountName`, `isPassword`). */
export interface Users {
  /** False when there is one of that name. */
  add(user: { readonly name: string; readonly password: string; readonly isAdmin: boolean }): Promise<boolean>;
  /** Where there is no user, adds the administrator `admin` with a random password, which is told this once; else undefined. */
  addFirst(): Promise<{ readonly name: string; readonly password: string } | undefined>;
  find(name: string): User | undefined;
  findPasswordHash(name: string): string | undefined;
  /** In byte order of their names. */
  list(): readonly User[];
  /** False when there is none of that name, as below. */
  setDisabled(name: string, isDisabled: boolean): boolean;
  setPassword(name: string, password: string): Promise<boolean>;
  /** Removes the user from every group, too. */
  remove(name: string): boolean;
}

const columns = `name, is_admin, is_disabled, created_ms, since_ms, (
  select json_group_array(group_name order by group_name) from memberships where user_name = name) as groups`;

const insert = 'insert into users (name, password_hash, is_admin, created_ms, since_ms)';

/** The users of the database that `open` returns. */
export function createUsers(open: () => Database, { now }: { now(): number }): Users {
  return {
    async add({ name, password, isAdmin }) {
      const passwordHash = await hashPassword(password);
      const values = [name, passwordHash, Number(isAdmin), now(), now()] as const;
      return open().change(`${insert} values (?, ?, ?, ?, ?) on conflict do nothing`, ...values);
    },
    async addFirst() {
      const { find, change } = open();
      if (find('select 1 from users limit 1') !== undefined) return undefined;
      const [name, password] = ['admin', randomPassword()];
      const passwordHash = await hashPassword(password);
      const isFirst = change(
        `${insert} select ?, ?, 1, ?, ? where not exists (select 1 from users)`,
        name,
        passwordHash,
        now(),
        now(),
      );
      return isFirst ? { name, password } : undefined;
    },
    find(name) {
      const row = open().recall(`select ${columns} from users where name = ?`, name);
      return row === undefined ? undefined : parseUser(row);
    },
    findPasswordHash(name) {
      const row = open().find('select password_hash from users where name = ?', name);
      return row === undefined ? undefined : String(row['password_hash']);
    },
    list: () => open().list(`select ${columns} from users order by name`).map(parseUser),
    setDisabled: (name, isDisabled) =>
      open().change('update users set is_disabled = ? where name = ?', Number(isDisabled), name),
    async setPassword(name, password) {
      const passwordHash = await hashPassword(password);
      return open().change(
        'update users set password_hash = ?, since_ms = ? where name = ?',
        passwordHash,
        now(),
        name,
      );
    },
    remove: (name) => open().change('delete from users where name = ?', name),
  };
}

function parseUser(row: Row): User {
  return {
    name: String(row['name']),
    isAdmin: row['is_admin'] === 1,
    isDisabled: row['is_disabled'] === 1,
    sinceMs: Number(row['since_ms']),
    createdMs: Number(row['created_ms']),
    groups: JSON.parse(String(row['groups'])),
  };
}
