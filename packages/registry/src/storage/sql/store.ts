import { createAccessPlans } from './access.ts';
import { createAccessTokenPlans } from './access-tokens.ts';
import { createAuditPlans } from './audit.ts';
import { createBlobPlans } from './blobs.ts';
import { createExpiryPlans } from './expiry.ts';
import { createKeyPlans } from './keys.ts';
import { createLeasePlans } from './leases.ts';
import { createManifestPlans } from './manifests.ts';
import type { Plans } from './plans.ts';
import { createRepositoryPlans } from './repositories.ts';
import type { Define } from './statement.ts';
import { createTagPlans } from './tags.ts';
import { createUploadPlans } from './uploads.ts';
import { createUsagePlans } from './usage.ts';
import { createVisiblePlans } from './visible.ts';

/** The plans, over statements in the words of the database that `define` has them for. */
export function createPlans(define: Define): Plans {
  const access = createAccessPlans(define);
  const repositories = createRepositoryPlans(define, access);
  const uploads = createUploadPlans(define, repositories);
  const blobs = createBlobPlans(define, repositories, uploads);
  const tags = createTagPlans(define, repositories);
  const manifests = createManifestPlans(define, { repositories, blobs, tags });
  return {
    ...access,
    ...repositories,
    ...uploads,
    ...blobs,
    ...tags,
    ...manifests,
    ...createExpiryPlans(define, { tags, manifests }),
    ...createUsagePlans(define),
    ...createVisiblePlans(define, repositories),
    ...createLeasePlans(define),
    ...createAccessTokenPlans(define),
    ...createKeyPlans(define),
    ...createAuditPlans(define),
  };
}
