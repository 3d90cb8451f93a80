import type { MetadataStore } from '../storage/metadata-store.ts';
import type { Mend } from './check.ts';

/** What mending stands on. */
export interface MendNeeds {
  readonly metadata: Pick<MetadataStore, 'discardBlobBytes' | 'deleteManifest'>;
  /** In the history of tags. */
  readonly by: string;
  /** How long blobs stay that a removed manifest named, in ms. */
  readonly leaseMs: number;
  now(): number;
}

/** Takes out of the way what is left of a blob or a manifest, so that pushing it again puts it right; safe beside a running registry. False where it is gone or right by now, or where
 *  this is not what mends. */
export async function mend(what: Mend, { metadata, by, leaseMs, now }: MendNeeds): Promise<boolean> {
  switch (what.by) {
    case 'discard-blob':
      return metadata.discardBlobBytes(what);
    case 'remove-manifest': {
      const nowMs = now();
      const { repository, digest } = what;
      const act = { by, nowMs, leaseUntilMs: nowMs + leaseMs };
      return (await metadata.deleteManifest({ ...act, repositoryId: repository.id, digest })) !== undefined;
    }
    case 'restore':
    case 'sql':
    case 'push':
      return false;
    default:
      return what satisfies never;
  }
}
