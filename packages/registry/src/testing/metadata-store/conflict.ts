import { equal, ok } from 'node:assert/strict';
import type { Digest } from '../../oci/digest.ts';
import { parseTag } from '../../oci/name.ts';
import { isStorageError, type StorageErrorCode } from '../../storage/error.ts';
import type { BlobRecord, MetadataStore } from '../../storage/metadata-store.ts';
import { digestOfNumber, type StoreCase } from './builders.ts';

/** How a command ended: with its value, or with the code of its refusal. Anything else is a fault and is thrown. */
export type Ending = { readonly value: unknown } | { readonly code: StorageErrorCode };

/** Runs `command` to its end. */
export async function endingOf(command: () => Promise<unknown>): Promise<Ending> {
  try {
    return { value: await command() };
  } catch (error) {
    if (isStorageError(error)) return { code: error.code };
    throw error;
  }
}

/** Whether the command was done. */
export const done = (ending: Ending): boolean => 'value' in ending;

/** A pair of commands that conflict, in a repository of their own, and what must hold after both, whichever came first. */
export interface Conflict {
  readonly first: () => Promise<unknown>;
  readonly second: () => Promise<unknown>;
  holds(first: Ending, second: Ending): Promise<void>;
}

/** One round of a conflict, with a repository name and a number of its own for sessions, keys and contents. */
export interface Round {
  readonly name: string;
  readonly n: number;
}

/** A case that starts both commands at once, in both orders, many times. */
export function conflict(name: string, prepare: (store: MetadataStore, round: Round) => Promise<Conflict>): StoreCase {
  return {
    name,
    async run(store) {
      for (let n = 1; n <= 10; n++) {
        const { first, second, holds } = await prepare(store, { name: `acme/round-${n}`, n });
        if (n % 2 === 0) {
          const [a, b] = await Promise.all([endingOf(first), endingOf(second)]);
          await holds(a, b);
        } else {
          const [b, a] = await Promise.all([endingOf(second), endingOf(first)]);
          await holds(a, b);
        }
      }
    },
  };
}

/** Asserts that exactly one of two commands was done, and that the other was refused with one of `codes`. */
export function oneOf(first: Ending, second: Ending, codes: readonly StorageErrorCode[]): void {
  equal([first, second].filter(done).length, 1, `${JSON.stringify(first)} and ${JSON.stringify(second)}`);
  for (const ending of [first, second]) if ('code' in ending) ok(codes.includes(ending.code), ending.code);
}

/** The digest that a tag holds. */
export const tagged = async (store: MetadataStore, repositoryId: number, tag: string): Promise<Digest | undefined> =>
  (await store.findManifest(repositoryId, { tag: parseTag(tag) }))?.digest;

/** The blob of content `n`. */
export const blob = (store: MetadataStore, repositoryId: number, n: number): Promise<BlobRecord | undefined> =>
  store.findBlob(repositoryId, digestOfNumber(n));
