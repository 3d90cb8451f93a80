import type { Permit } from '../access/permit.ts';
import type { Digest } from '../oci/digest.ts';
import type { Page, ReferrerRecord, ReferrersRequest } from '../storage/metadata-store.ts';
import type { Needs } from './needs.ts';

/** Annotations that one page may hold, in bytes: what a client must be able to take of a manifest. */
const maximumAnnotationBytes = 4 * 1024 * 1024;

/** Who refers to a manifest. */
export interface Referrers {
  /** Manifests whose subject is `subject`, in byte order of their digests (end-12); none where subject or repository is unknown. Every manifest with a subject is in it,
   *  also those that clients list under a tag of the older scheme. */
  list(
    permit: Permit<'pull'>,
    subject: Digest,
    page: Omit<ReferrersRequest, 'annotationBytes'>,
  ): Promise<Page<ReferrerRecord>>;
}

export function createReferrers({ metadata }: Needs): Referrers {
  return {
    async list({ repository }, subject, page) {
      const { id } = repository;
      if (id === undefined || page.limit === 0) return { items: [], hasMore: false };
      return metadata.listReferrers(id, subject, { ...page, annotationBytes: maximumAnnotationBytes });
    },
  };
}
