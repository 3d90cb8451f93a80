import type { Database, Row } from './database.ts';

/** Somebody whom an issuer outside knows, under the name that they have here. */
export interface Person {
  readonly name: string;
  readonly issuer: string;
  /** Who it is at the issuer, whatever they are called there. */
  readonly subject: string;
  /** Groups that the last login told, in its order. */
  readonly groups: readonly string[];
  /** Changes with the settings under which the last login was taken. */
  readonly settings: string;
  /** Of the first and the last login, in ms since 1970. */
  readonly createdMs: number;
  readonly seenMs: number;
}

/** People from outside who logged in. A name is its first bearer's until it is removed, so that nobody gets the rights of another person by taking their name at the issuer. */
export interface People {
  find(name: string): Person | undefined;
  /** Remembers a login; false where the name is another person's. */
  login(person: Omit<Person, 'createdMs' | 'seenMs'>): boolean;
  /** In byte order of their names. */
  list(): readonly Person[];
  /** False when there is none of that name. */
  remove(name: string): boolean;
}

/** The people of the database that `open` returns. */
export function createPeople(open: () => Database, { now }: { now(): number }): People {
  return {
    find(name) {
      const row = open().find('select * from people where name = ?', name);
      return row === undefined ? undefined : parsePerson(row);
    },
    login({ name, issuer, subject, groups, settings }) {
      return open().change(
        `insert into people (name, issuer, subject, groups, settings, created_ms, seen_ms) values (?, ?, ?, ?, ?, ?, ?)
         on conflict (name) do update set groups = excluded.groups, settings = excluded.settings, seen_ms = excluded.seen_ms
         where issuer = excluded.issuer and subject = excluded.subject`,
        ...[name, issuer, subject, JSON.stringify(groups), settings, now(), now()],
      );
    },
    list: () => open().list('select * from people order by name').map(parsePerson),
    remove: (name) => open().change('delete from people where name = ?', name),
  };
}

function parsePerson(row: Row): Person {
  return {
    name: String(row['name']),
    issuer: String(row['issuer']),
    subject: String(row['subject']),
    groups: JSON.parse(String(row['groups'])),
    settings: String(row['settings']),
    createdMs: Number(row['created_ms']),
    seenMs: Number(row['seen_ms']),
  };
}
