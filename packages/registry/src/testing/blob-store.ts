import type { BlobStore } from '../storage/blob-store.ts';
import { appendCases } from './blob-store/append.ts';
import { changeCases } from './blob-store/changes.ts';
import { lifecycleCases } from './blob-store/lifecycle.ts';
import { readCases } from './blob-store/reads.ts';
import { type ContractCase, contractOf, type OpenedStore, type StoreCase } from './contract.ts';

/** Every promise of `BlobStore` as a case that any test runner can run, in any order and side by side. `open` gives an empty store each time. */
export function blobStoreContract(open: () => Promise<OpenedStore<BlobStore>>): readonly ContractCase[] {
  const cases: readonly StoreCase<BlobStore>[] = [...lifecycleCases, ...appendCases, ...changeCases, ...readCases];
  return contractOf(cases, open);
}
