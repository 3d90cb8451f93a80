import type { Permit } from '../access/permit.ts';
import { OciError } from '../oci/error.ts';
import type { BlobStore } from '../storage/blob-store.ts';
import { isStorageError } from '../storage/error.ts';
import type { Act, MetadataStore, Push } from '../storage/metadata-store.ts';
import type { Events } from './hooks.ts';
import type { Settings, Sources } from './settings.ts';

/** What the acts of a registry stand on. */
export interface Needs {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly settings: Settings;
  readonly sources: Sources;
  readonly events: Events;
}

/** The repository of a permit; where there is none of that name `NAME_UNKNOWN`, in the words of a refused read: nobody can tell them apart. */
export function existingId(permit: Permit): number {
  const { id } = permit.repository;
  if (id === undefined) throw new OciError('NAME_UNKNOWN');
  return id;
}

/** Who acts and when, for the rows that remember it. */
export function actOf(permit: Permit, { sources }: Needs): Act {
  return { by: permit.identity?.id, nowMs: sources.now() };
}

/** A push by the permit's identity, which may make the repository. */
export function pushOf(permit: Permit<'push'>, needs: Needs): Push {
  return { ...actOf(permit, needs), repository: permit.repository, visibility: needs.settings.repositories.visibility };
}

/** Until when a link made now may be relied on, in ms since 1970. */
export function leaseUntil({ sources, settings }: Needs): number {
  return sources.now() + settings.push.leaseSeconds * 1000;
}

/** What a client is told of a store's refusal; any other error is returned as it is. */
export function toOciError(error: unknown): unknown {
  if (!isStorageError(error)) return error;
  const options = { cause: error } as const;
  switch (error.code) {
    case 'repository-changed':
      return new OciError('DENIED', `${error.message} Push again.`, options);
    case 'below-reserve': // not 507: docker, podman and skopeo show the message of a 4xx alone, and oras tries a 507 again and again
      return new OciError('DENIED', error.message, { ...options, status: 413, detail: error.detail });
    case 'no-space':
      return new OciError('UNKNOWN', 'The registry has no space left. Ask its administrator to free some.', {
        ...options,
        status: 507,
      });
    case 'unavailable':
    case 'locked':
      return new OciError('UNKNOWN', 'The registry cannot do this now. Try again.', {
        ...options,
        status: 503,
        headers: { 'Retry-After': '5' },
      });
    default:
      return error;
  }
}
