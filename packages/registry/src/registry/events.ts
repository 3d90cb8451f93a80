import type { Identity, Refusal } from '../access/identity.ts';
import type { Digest } from '../oci/digest.ts';
import type { RepositoryName, Tag } from '../oci/name.ts';

/** What a manifest is, as changes and events tell it. */
export interface ManifestFacts {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly artifactType: string | undefined;
  /** The manifest that this one refers to, such as the image of a signature. */
  readonly subject: Digest | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

/** What every change tells. */
export interface ChangeFacts {
  readonly repository: RepositoryName;
  /** Who wants it; undefined: anonymous. */
  readonly identity: Identity | undefined;
}

/** Something that somebody may do and is about to: `before` is asked about it. */
export type Change = ChangeFacts & ChangeKind;

/** What a change is about. */
export type ChangeKind =
  | {
      /** A session for a blob is about to begin: the cheapest time to say no to more bytes. */
      readonly type: 'upload';
    }
  | {
      /** A blob is about to be in the repository; if it is pushed, its bytes were received. */
      readonly type: 'blob-push';
      readonly digest: Digest;
      readonly sizeBytes: number;
      /** The repository that it is mounted from; undefined: it is pushed. */
      readonly mountedFrom: RepositoryName | undefined;
    }
  | (ManifestFacts & {
      /** A manifest is about to be stored, unless it is there already, and its tags to be set, all or nothing. */
      readonly type: 'manifest-push';
      readonly tags: readonly Tag[];
    })
  | { readonly type: 'tag-delete'; readonly tag: Tag }
  | { readonly type: 'manifest-delete'; readonly digest: Digest }
  | { readonly type: 'blob-delete'; readonly digest: Digest }
  | { readonly type: 'repository-remove' };

/** What every event tells. */
export interface EventFacts {
  /** 32 characters of 0-9 and a-f, another for each event. */
  readonly id: string;
  /** In ms since 1970. */
  readonly atMs: number;
}

/** What every event of an act tells. */
export interface ActFacts extends EventFacts {
  readonly repository: RepositoryName;
  /** The identity's id; undefined: anonymous, or the application itself. */
  readonly by: string | undefined;
}

/** Something that has happened and is durable. */
export type RegistryEvent = (ActFacts & EventKind) | PulledEvent;

/** What an event is about. */
export type EventKind =
  | (ManifestFacts & {
      readonly type: 'manifest-pushed';
      /** Those that the push named, whether or not they pointed to it before. */
      readonly tags: readonly Tag[];
      /** False: the repository had the manifest already. */
      readonly isNew: boolean;
    })
  | {
      readonly type: 'tag-moved';
      readonly tag: Tag;
      /** Undefined: the tag is new. */
      readonly from: Digest | undefined;
      readonly to: Digest;
    }
  | {
      readonly type: 'tag-deleted';
      readonly tag: Tag;
      /** Where it pointed. */
      readonly digest: Digest;
      /** Whether its time had come (`expire`), and nobody deleted it. */
      readonly isExpired: boolean;
    }
  | { readonly type: 'manifest-deleted'; readonly digest: Digest; readonly isExpired: boolean }
  | {
      readonly type: 'blob-pushed';
      readonly digest: Digest;
      readonly sizeBytes: number;
      /** The repository that it was mounted from; undefined: it was pushed. */
      readonly mountedFrom: RepositoryName | undefined;
    }
  | { readonly type: 'blob-deleted'; readonly digest: Digest }
  | { readonly type: 'repository-removed' };

/** Pulls of the last seconds, gathered. */
export interface PulledEvent extends EventFacts {
  readonly type: 'pulled';
  readonly pulls: readonly PullCount[];
}

/** How often somebody got a manifest: HEAD and 304 are no pulls, and blobs are not told one by one. */
export interface PullCount {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  /** Undefined: it was asked for by digest. */
  readonly tag: Tag | undefined;
  /** The identity's id; undefined: anonymous, or the application itself. */
  readonly by: string | undefined;
  readonly count: number;
}

/** Who is asked before a change, and told after it. */
export interface Hooks {
  /** Asked once a change is allowed and before anything of it is kept; the client waits. A refusal is what its user reads. An error is a fault, and the change does not happen.
   *  Not asked about what the application does itself, on the registry and not through `as`. */
  before?(change: Change): Refusal | undefined | Promise<Refusal | undefined>;
  /** Told of each event once it is durable, in the order in which they became so; no answer waits for it, nor one event for another's promise. An error is a fault that is told to `onError`.
   *  An event whose process ends first is not told again: compare with the registry at start where that matters. */
  after?(event: RegistryEvent): void | Promise<void>;
}
