import type { Permit } from '../access/permit.ts';
import type { Digest } from '../oci/digest.ts';
import type { Page, ReferrerRecord, ReferrersRequest } from '../storage/metadata-store.ts';
import type { Needs } from './needs.ts';

/** Size of a page, in bytes: clients read a referrers list as they read a manifest, of which they must take 4 MiB. What is around the descriptors has its room beside it. */
const maximumPageBytes = 4 * 1024 * 1024 - 1024;

/** Who refers to a manifest. */
export interface Referrers {
  /** Manifests whose subject is `subject`, in byte order of their digests (end-12); none where subject or repository is unknown. Every manifest with a subject is in it,
   *  also those that clients list under a tag of the older scheme. */
  list(
    permit: Permit<'pull'>,
    subject: Digest,
    page: Omit<ReferrersRequest, 'pageBytes'>,
  ): Promise<Page<ReferrerRecord>>;
}

export function createReferrers({ metadata }: Needs): Referrers {
  return {
    async list({ repository }, subject, page) {
      const { id } = repository;
      if (id === undefined || page.limit === 0) return { items: [], hasMore: false };
      return metadata.listReferrers(id, subject, { ...page, pageBytes: maximumPageBytes });
    },
  };
}
