import { createHash, randomBytes } from 'node:crypto';
import { database } from './database.ts';

/** Makes a user and returns their API key, which is not shown again; undefined: the name is taken. */
export function addUser(name: string): string | undefined {
  const key = makeSecret();
  const added = database().prepare('INSERT OR IGNORE INTO users VALUES (?, ?)').run(name, hashOf(key));
  return added.changes === 0 ? undefined : key;
}

/** Makes a new API key; the one before is good no more. */
export function renewKey(name: string): string {
  const key = makeSecret();
  database().prepare('UPDATE users SET key_hash = ? WHERE name = ?').run(hashOf(key), name);
  return key;
}

/** Whether there is a user of this name with this API key. Keys are random, so a plain hash keeps them, and finding one by it tells nothing by its time. */
export function findUser(name: string, key: string): boolean {
  return database().prepare('SELECT 1 FROM users WHERE name = ? AND key_hash = ?').get(name, hashOf(key)) !== undefined;
}

export function hasUser(name: string): boolean {
  return database().prepare('SELECT 1 FROM users WHERE name = ?').get(name) !== undefined;
}

/** Returns what the cookie of a new session holds. */
export function openSession(user: string): string {
  const secret = makeSecret();
  database().prepare('INSERT INTO sessions VALUES (?, ?)').run(hashOf(secret), user);
  return secret;
}

/** Who has this cookie. */
export function userOfSession(secret: string): string | undefined {
  const user = database().prepare('SELECT user FROM sessions WHERE hash = ?').get(hashOf(secret))?.user;
  return typeof user === 'string' ? user : undefined;
}

export function closeSession(secret: string): void {
  database().prepare('DELETE FROM sessions WHERE hash = ?').run(hashOf(secret));
}

const makeSecret = () => randomBytes(32).toString('base64url');
const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex');
