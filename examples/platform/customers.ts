import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

const MiB = 2 ** 20;

/** What customers may store, in bytes. */
export const plans: ReadonlyMap<string, number> = new Map([
  ['free', MiB],
  ['team', 10 * 1024 * MiB],
]);

/** Somebody with a namespace of the same name. */
export interface Customer {
  readonly name: string;
  readonly plan: string;
  readonly limitBytes: number;
}

/** Who has a namespace. */
export interface Customers {
  /** Returns the customer's key, which is kept nowhere; undefined when the name is taken. */
  add(name: string): string | undefined;
  find(name: string): Customer | undefined;
  hasKey(name: string, key: string): boolean;
  list(): readonly Customer[];
  setPlan(name: string, plan: string): void;
}

/** The customers in the platform's database. */
export function createCustomers(database: DatabaseSync): Customers {
  const insert = database.prepare(
    `INSERT INTO customers (name, key_hash, plan) VALUES (?, ?, 'free') ON CONFLICT DO NOTHING`,
  );
  const find = database.prepare('SELECT name, plan FROM customers WHERE name = ?');
  const findHash = database.prepare('SELECT key_hash FROM customers WHERE name = ?');
  const list = database.prepare('SELECT name, plan FROM customers ORDER BY name');
  const setPlan = database.prepare('UPDATE customers SET plan = ? WHERE name = ?');
  return {
    add(name) {
      const key = `key_${randomBytes(32).toString('base64url')}`;
      return insert.run(name, hashKey(key)).changes === 1 ? key : undefined;
    },
    find(name) {
      const row = find.get(name);
      return row === undefined ? undefined : toCustomer(row);
    },
    hasKey(name, key) {
      const kept = findHash.get(name)?.['key_hash'];
      return kept instanceof Uint8Array && timingSafeEqual(kept, hashKey(key));
    },
    list: () => list.all().map(toCustomer),
    setPlan: (name, plan) => void setPlan.run(plan, name),
  };
}

/** A key has 256 random bits: nobody guesses it, so a quick hash does. */
function hashKey(key: string): Uint8Array {
  return createHash('sha256').update(key).digest();
}

function toCustomer({ name, plan }: Readonly<Record<string, unknown>>): Customer {
  return { name: String(name), plan: String(plan), limitBytes: plans.get(String(plan)) ?? 0 };
}
