import { createBlobPlans } from './blobs.ts';
import { createLeasePlans } from './leases.ts';
import { createManifestPlans } from './manifests.ts';
import type { Plans } from './plans.ts';
import { createRepositoryPlans } from './repositories.ts';
import type { Define } from './statement.ts';
import { createTagPlans } from './tags.ts';
import { createUploadPlans } from './uploads.ts';

/** The plans, over statements in the words of the database that `define` has them for. */
export function createPlans(define: Define): Plans {
  const repositories = createRepositoryPlans(define);
  const uploads = createUploadPlans(define, repositories);
  const blobs = createBlobPlans(define, repositories, uploads);
  const tags = createTagPlans(define);
  const manifests = createManifestPlans(define, { repositories, blobs, tags });
  return { ...repositories, ...uploads, ...blobs, ...tags, ...manifests, ...createLeasePlans(define) };
}
