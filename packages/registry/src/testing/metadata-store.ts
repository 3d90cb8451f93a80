import type { MetadataStore } from '../storage/metadata-store.ts';
import { type ContractCase, contractOf, type OpenedStore, type StoreCase } from './contract.ts';
import { accessAuditCases } from './metadata-store/access-audit.ts';
import { accessGrantCases } from './metadata-store/access-grants.ts';
import { accessKeyCases } from './metadata-store/access-keys.ts';
import { accessRemovalCases } from './metadata-store/access-removal.ts';
import { accessTokenCases } from './metadata-store/access-tokens.ts';
import { blobUsageCases } from './metadata-store/blob-usage.ts';
import { blobCases } from './metadata-store/blobs.ts';
import { contentConflictCases } from './metadata-store/content-conflicts.ts';
import { crowdCases } from './metadata-store/crowds.ts';
import { discardCases } from './metadata-store/discards.ts';
import { expiredContentCases } from './metadata-store/expired-content.ts';
import { leaseCases } from './metadata-store/leases.ts';
import { lifecycleCases } from './metadata-store/lifecycle.ts';
import { linkCases } from './metadata-store/links.ts';
import { manifestCases } from './metadata-store/manifests.ts';
import { outcomeCases } from './metadata-store/outcomes.ts';
import { referrerCases } from './metadata-store/referrers.ts';
import { repositoryCases } from './metadata-store/repositories.ts';
import { sessionConflictCases } from './metadata-store/session-conflicts.ts';
import { sessionLeaseCases } from './metadata-store/session-leases.ts';
import { tagConditionCases } from './metadata-store/tag-conditions.ts';
import { tagConflictCases } from './metadata-store/tag-conflicts.ts';
import { tagExpiryCases } from './metadata-store/tag-expiry.ts';
import { tagCases } from './metadata-store/tags.ts';
import { uploadCases } from './metadata-store/uploads.ts';
import { usageCases } from './metadata-store/usage.ts';
import { visibleCases } from './metadata-store/visible.ts';

/** Every promise of `MetadataStore` as a case that any test runner can run, in any order and side by side. `open` gives an empty store each time. */
export function metadataStoreContract(open: () => Promise<OpenedStore<MetadataStore>>): readonly ContractCase[] {
  const cases: readonly StoreCase<MetadataStore>[] = [
    ...lifecycleCases,
    ...repositoryCases,
    ...uploadCases,
    ...sessionLeaseCases,
    ...blobCases,
    ...linkCases,
    ...discardCases,
    ...manifestCases,
    ...tagCases,
    ...tagConditionCases,
    ...outcomeCases,
    ...tagExpiryCases,
    ...expiredContentCases,
    ...usageCases,
    ...blobUsageCases,
    ...referrerCases,
    ...leaseCases,
    ...contentConflictCases,
    ...sessionConflictCases,
    ...tagConflictCases,
    ...crowdCases,
    ...accessGrantCases,
    ...visibleCases,
    ...accessRemovalCases,
    ...accessTokenCases,
    ...accessKeyCases,
    ...accessAuditCases,
  ];
  return contractOf(cases, open);
}
