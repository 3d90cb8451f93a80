import { createHash, randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { hashPassword, verifyPassword } from './passwords.ts';

/** A key, without its secret. */
export interface ApiKey {
  readonly id: number;
  readonly label: string;
}

/** The application's users. A user's name is the id by which the registry knows them. */
export interface Users {
  /** False when the name is taken. */
  add(name: string, password: string): Promise<boolean>;
  exists(name: string): boolean;
  hasPassword(name: string, password: string): Promise<boolean>;

  /** Returns the key, which is kept nowhere. */
  addApiKey(user: string, label: string): string;
  listApiKeys(user: string): readonly ApiKey[];
  removeApiKey(user: string, id: number): void;
  /** The user whose key it is. */
  findByApiKey(key: string): string | undefined;
}

/** The users in the application's database. */
export function createUsers(database: DatabaseSync): Users {
  const insert = database.prepare('INSERT INTO users (name, password) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const find = database.prepare('SELECT password FROM users WHERE name = ?');
  const insertKey = database.prepare('INSERT INTO api_keys (user, label, hash) VALUES (?, ?, ?)');
  const listKeys = database.prepare('SELECT id, label FROM api_keys WHERE user = ? ORDER BY id');
  const deleteKey = database.prepare('DELETE FROM api_keys WHERE user = ? AND id = ?');
  const findKey = database.prepare('SELECT user FROM api_keys WHERE hash = ?');
  return {
    add: async (name, password) => insert.run(name, await hashPassword(password)).changes === 1,
    exists: (name) => find.get(name) !== undefined,
    hasPassword: (name, password) => verifyPassword(password, find.get(name)?.['password']?.toString()),

    addApiKey(user, label) {
      const key = `key_${randomBytes(32).toString('base64url')}`;
      insertKey.run(user, label, hashKey(key));
      return key;
    },
    listApiKeys: (user) => listKeys.all(user).map(({ id, label }) => ({ id: Number(id), label: String(label) })),
    removeApiKey: (user, id) => void deleteKey.run(user, id),
    findByApiKey: (key) => findKey.get(hashKey(key))?.['user']?.toString(),
  };
}

/** A key has 256 random bits: nobody guesses it, so a quick hash does. */
function hashKey(key: string): Uint8Array {
  return createHash('sha256').update(key).digest();
}
