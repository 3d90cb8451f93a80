import type { BlobStore } from '../storage/blob-store.ts';
import { appendCases } from './blob-store/append.ts';
import type { StoreCase } from './blob-store/builders.ts';
import { changeCases } from './blob-store/changes.ts';
import { lifecycleCases } from './blob-store/lifecycle.ts';
import { readCases } from './blob-store/reads.ts';

/** A store that was made for one case, empty, and how it is thrown away. */
export interface OpenedBlobStore {
  readonly store: BlobStore;
  /** Removes what the store left behind; the store itself is closed already. */
  close(): Promise<void>;
}

/** One promise of `BlobStore`, and its proof. */
export interface BlobStoreCase {
  readonly name: string;
  /** Opens a store of its own; rejects with an `AssertionError` where the promise is broken. */
  run(): Promise<void>;
}

/** Every promise of `BlobStore` as a case that any test runner can run, in any order and side by side. `open` gives an empty store each time. */
export function blobStoreContract(open: () => Promise<OpenedBlobStore>): readonly BlobStoreCase[] {
  const cases: readonly StoreCase[] = [...lifecycleCases, ...appendCases, ...changeCases, ...readCases];
  return cases.map(({ name, run }) => ({
    name,
    async run() {
      const { store, close } = await open();
      try {
        await run(store);
      } finally {
        await store.close();
        await close();
      }
    },
  }));
}
