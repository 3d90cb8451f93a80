import type { Database, Row } from './database.ts';

/** A group of users; rights name it `@` and its name. */
export interface Group {
  readonly name: string;
  /** Ms since 1970. */
  readonly createdMs: number;
  /** Users, in byte order. */
  readonly members: readonly string[];
}

/** The groups. Names are checked before they come here (`isAccountName`). */
export interface Groups {
  /** False when there is one of that name. */
  add(name: string): boolean;
  find(name: string): Group | undefined;
  /** In byte order of their names. */
  list(): readonly Group[];
  /** False when there is none of that name. */
  remove(name: string): boolean;
  /** The user is in the group when it returns. Group and user must be there. */
  join(membership: Membership): void;
  /** False when the user is not in the group. */
  leave(membership: Membership): boolean;
}

export interface Membership {
  readonly group: string;
  readonly user: string;
}

const columns = `name, created_ms, (
  select json_group_array(user_name order by user_name) from memberships where group_name = name) as members`;

/** The groups of the database that `open` returns. */
export function createGroups(open: () => Database, { now }: { now(): number }): Groups {
  return {
    add: (name) => open().change('insert into groups values (?, ?) on conflict do nothing', name, now()),
    find(name) {
      const row = open().find(`select ${columns} from groups where name = ?`, name);
      return row === undefined ? undefined : parseGroup(row);
    },
    list: () => open().list(`select ${columns} from groups order by name`).map(parseGroup),
    remove: (name) => open().change('delete from groups where name = ?', name),
    join({ group, user }) {
      open().change(
        'insert into memberships (group_name, user_name) values (?, ?) on conflict do nothing',
        group,
        user,
      );
    },
    leave: ({ group, user }) =>
      open().change('delete from memberships where group_name = ? and user_name = ?', group, user),
  };
}

function parseGroup(row: Row): Group {
  return {
    name: String(row['name']),
    createdMs: Number(row['created_ms']),
    members: JSON.parse(String(row['members'])),
  };
}
