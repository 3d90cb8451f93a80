import type { Digest, DigestAlgorithm } from '../oci/digest.ts';
import type { Edge, Manifest } from '../oci/manifest.ts';
import type { Reference, RepositoryName, SessionId, Tag } from '../oci/name.ts';
import type { AccessStore, NamePattern } from './access-records.ts';
import type { StorageKey } from './blob-store.ts';

/** Times are ms since 1970 and sizes bytes; digests and names are checked before they come here. */
export interface RepositoryRecord {
  readonly id: number;
  readonly name: RepositoryName;
  readonly visibility: 'public' | 'private';
  /** Identity that made it; undefined for anonymous. */
  readonly createdBy: string | undefined;
  readonly manifestCount: number;
}

/** What a repository takes. */
export interface RepositoryUsage {
  readonly id: number;
  readonly name: RepositoryName;
  readonly manifestCount: number;
  readonly manifestBytes: number;
  readonly tagCount: number;
  /** Manifests that clients got. */
  readonly pullCount: number;
  /** Bytes of blobs and manifests in answers to clients. */
  readonly sentBytes: number;
}

/** A blob of a repository, seen from the repositories of a pattern. */
export interface BlobUsage {
  /** Place in the list. */
  readonly id: number;
  readonly sizeBytes: number;
  /** Whether a repository of the pattern that was made earlier holds it, which counts it. */
  readonly isCounted: boolean;
  /** Whether a repository that the pattern does not mean holds it, too; told where it is not counted. */
  readonly isShared: boolean;
}

/** A repository as a permit knows it. `id` undefined: there was none of that name, and a push will make it. */
export interface RepositoryTarget {
  readonly id: number | undefined;
  readonly name: RepositoryName;
}

/** A blob that a repository may serve. */
export interface BlobRecord {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Small blobs lie in the metadata (`bytes`), others in the blob store (`key`). */
  readonly content: { readonly bytes: Uint8Array } | { readonly key: StorageKey };
  /** Until when a client that was told of it may rely on it, though no manifest names it. */
  readonly leaseUntilMs: number;
}

/** A manifest without its bytes. */
export interface ManifestRecord {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
}

/** A tag and the manifest that it points to. */
export interface TagRecord extends ManifestRecord {
  readonly tag: Tag;
  /** When it was pointed there, in ms since 1970. */
  readonly movedMs: number;
  /** When it is to go; undefined: never. */
  readonly expiresMs: number | undefined;
}

/** A manifest as a referrers list shows it. */
export interface ReferrerRecord extends ManifestRecord {
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

/** An upload session. */
export interface UploadRecord {
  readonly session: SessionId;
  readonly key: StorageKey;
  readonly algorithm: DigestAlgorithm;
  /** How often it was taken by a writer. A later writer has a higher epoch, and the earlier one's commands fail with `busy`. */
  readonly epoch: number;
  /** Until when its writer holds it; in the past: nobody does. */
  readonly leaseUntilMs: number;
  /** When it was opened, or last taken, renewed or given back. */
  readonly usedMs: number;
}

/** Who acts, and when. */
export interface Act {
  /** Identity's id; undefined for anonymous. */
  readonly by: string | undefined;
  readonly nowMs: number;
}

/** Where a page starts (exclusive) and how long it is. */
export interface PageRequest<Key extends string> {
  readonly after: Key | undefined;
  readonly limit: number;
}

/** Which referrers are wanted. */
export interface ReferrersRequest extends PageRequest<Digest> {
  /** Undefined: of any type. */
  readonly artifactType: string | undefined;
  /** How long the list may get as descriptors in JSON; an estimate from above. */
  readonly pageBytes: number;
}

/** Some entries of a list, and whether more follow. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly hasMore: boolean;
}

/** A condition on the tag that a push moves, decided in the transaction that moves it (RFC 9110, section 13). `'*'`: any manifest. */
export interface TagCondition {
  readonly ifMatch?: '*' | readonly string[];
  readonly ifNoneMatch?: '*' | readonly string[];
}

/** What is known about repositories, blobs, manifests, tags and sessions. Whether a repository has something is a row here.
 *
 *  Reads, and named commands: each command is atomic, takes plain data and returns plain data, and when it returns its effect has survived a power
 *  cut. A command that throws has changed nothing. Every driver passes `metadataStoreContract`. */
export interface MetadataStore extends AccessStore {
  /** Opens the store and brings its tables up to date, once; every other call waits for it. `unavailable` also once the store cannot go on. */
  ready(): Promise<void>;
  /** Finishes what was asked and ends; later calls are `unavailable`. Closing again is nothing. */
  close(): Promise<void>;

  findRepository(name: RepositoryName): Promise<RepositoryRecord | undefined>;
  /** Repositories of the pattern, all without one, in byte order of their names. */
  listUsage(pattern: NamePattern | undefined, page: PageRequest<string>): Promise<readonly RepositoryUsage[]>;
  /** Blobs of a repository of the pattern, in the order of their ids. */
  listBlobUsage(
    repositoryId: number,
    pattern: NamePattern | undefined,
    page: { readonly afterId: number; readonly limit: number },
  ): Promise<readonly BlobUsage[]>;
  /** Repositories that hold a manifest, in byte order of their names. */
  listRepositories(page: PageRequest<string>): Promise<readonly RepositoryRecord[]>;
  /** The name of a repository; undefined when there is none of that id. */
  findRepositoryName(id: number): Promise<RepositoryName | undefined>;
  findBlob(repositoryId: number, digest: Digest): Promise<BlobRecord | undefined>;
  /** Repositories that hold the blob, at most `limit`. */
  findRepositoriesWithBlob(digest: Digest, limit: number): Promise<readonly RepositoryRecord[]>;
  findManifest(repositoryId: number, reference: Reference): Promise<ManifestRecord | undefined>;
  readManifest(
    repositoryId: number,
    reference: Reference,
  ): Promise<(ManifestRecord & { readonly bytes: Uint8Array }) | undefined>;
  /** In byte order. */
  listTags(repositoryId: number, page: PageRequest<string>): Promise<readonly Tag[]>;
  /** The same, with what each points to. */
  listTagRecords(repositoryId: number, page: PageRequest<string>): Promise<readonly TagRecord[]>;
  /** Manifests of the repository whose subject is `subject`, in byte order of their digests: at most `limit`, and no more than
   *  fit `pageBytes`, but always one. */
  listReferrers(repositoryId: number, subject: Digest, page: ReferrersRequest): Promise<Page<ReferrerRecord>>;
  /** `undefined` also when the session belongs to another repository. */
  findUpload(repositoryId: number, session: SessionId): Promise<UploadRecord | undefined>;
  /** Those of `keys` that a session or a blob names. */
  findKnownKeys(keys: readonly StorageKey[]): Promise<ReadonlySet<StorageKey>>;

  /** Makes the session, and the repository if there is none. `repository-changed` when the repository appeared meanwhile through someone else. */
  openUpload(command: OpenUpload): Promise<{ readonly repositoryId: number }>;
  /** Takes the session for one writer until `untilMs`, with a new epoch; a use, as far as expiry goes. `not-found`; `busy` while another writer's lease runs. */
  leaseUpload(command: {
    readonly repositoryId: number;
    readonly session: SessionId;
    readonly nowMs: number;
    readonly untilMs: number;
  }): Promise<UploadRecord>;
  /** Prolongs the lease while bytes flow; a use, as far as expiry goes. `not-found`; `busy` when another writer took over. */
  renewUpload(command: {
    readonly session: SessionId;
    readonly epoch: number;
    readonly nowMs: number;
    readonly untilMs: number;
  }): Promise<void>;
  /** Gives the lease back and begins the time to expiry again. `not-found`; `busy` when another writer took over. */
  saveUpload(command: { readonly session: SessionId; readonly epoch: number; readonly nowMs: number }): Promise<void>;
  /** Ends the session, also under a writer, who then finds it gone; returns its key, whose bytes the caller removes. `undefined` when there is none. */
  cancelUpload(command: {
    readonly repositoryId: number;
    readonly session: SessionId;
  }): Promise<StorageKey | undefined>;
  /** Ends sessions last used before `usedBeforeMs` that nobody writes to, at most `limit`; returns their keys. */
  expireUploads(command: {
    readonly usedBeforeMs: number;
    readonly nowMs: number;
    readonly limit: number;
  }): Promise<readonly StorageKey[]>;

  /** Ends the session, whose epoch must be `epoch`, and links the blob to the repository. Where the same content is there already, or came in `bytes`, what lies in the blob store is not needed: returns its key, which the
   *  caller removes. `not-found`; `busy` when another writer took over. */
  publishBlob(command: PublishBlob): Promise<{ readonly unneededKey: StorageKey | undefined }>;
  /** Publishes a small blob that came in one request, without a session. Makes the repository if there is none. */
  putSmallBlob(command: PutSmallBlob): Promise<void>;
  /** Links a blob of one repository to another, which is made if there is none. False when the source does not hold it. */
  mountBlob(command: MountBlob): Promise<boolean>;
  /** Prolongs the lease of a link; nothing happens when the link is gone. */
  renewBlobLease(command: {
    readonly repositoryId: number;
    readonly digest: Digest;
    readonly leaseUntilMs: number;
  }): Promise<void>;
  /** Takes the blob from the repository. False when it does not hold it; `in-use` while a manifest of the repository names it. */
  deleteBlob(command: { readonly repositoryId: number; readonly digest: Digest }): Promise<boolean>;
  /** Gives up the bytes of a blob that a check found missing or broken, which lie under `key`, or in the metadata without one. Until the content is pushed again, to whatever
   *  repository, none of those that hold it serves it; then all of them do. False when the blob has other bytes by now. */
  discardBlobBytes(command: { readonly digest: Digest; readonly key: StorageKey | undefined }): Promise<boolean>;

  /** Stores the manifest, its edges and its tags, all or nothing, and makes the repository if there is none. Pushing it again changes nothing but tags.
   *  A required `blob` edge wants a blob, a `manifest` edge a manifest, of the same repository. The condition must hold for each of the tags, or without tags for the manifest itself.
   *  `missing-content`; `precondition-failed`; `repository-changed`. */
  putManifest(command: PutManifest): Promise<StoredManifest>;
  /** Deletes the manifest, which an index may still name, and the tags that point to it, which are returned; blobs that lose their last mention stay until `leaseUntilMs`. Undefined when there is none. */
  deleteManifest(
    command: Act & { readonly repositoryId: number; readonly digest: Digest; readonly leaseUntilMs: number },
  ): Promise<readonly Tag[] | undefined>;
  /** Deletes the tag and leaves its manifest, whose digest is returned. Undefined when there is none. */
  deleteTag(command: Act & { readonly repositoryId: number; readonly tag: Tag }): Promise<Digest | undefined>;
  /** Says when the tag is to go, at whatever manifest it points then; undefined: never. False when there is no such tag. */
  setTagExpiry(command: {
    readonly repositoryId: number;
    readonly tag: Tag;
    readonly expiresMs: number | undefined;
  }): Promise<boolean>;
  /** Deletes tags whose time has come, at most `limit`. With each goes its manifest where no tag points to it and no index names it, and then, by the same rule, what it
   *  names as an index and what refers to it. Blobs that lose their last mention stay until `leaseUntilMs`. */
  expireTags(command: {
    readonly nowMs: number;
    readonly limit: number;
    readonly leaseUntilMs: number;
  }): Promise<ExpiredContent>;
  /** Adds to what repositories have given out; one that is gone is passed over. */
  addPulls(command: {
    readonly entries: readonly {
      readonly repositoryId: number;
      readonly pullCount: number;
      readonly sentBytes: number;
    }[];
  }): Promise<void>;

  /** Takes or prolongs the lease of a background work. False while another holder's lease runs. */
  acquireLease(command: {
    readonly name: string;
    readonly holder: string;
    readonly nowMs: number;
    readonly untilMs: number;
  }): Promise<boolean>;
  /** Gives the lease back; nothing happens when another holds it. */
  releaseLease(command: { readonly name: string; readonly holder: string }): Promise<void>;
}

/** What a push of a manifest came to. */
export interface StoredManifest {
  /** What it names and the repository does not have, where that is allowed (`sparse`). */
  readonly missing: readonly Digest[];
  /** False: the repository had it already. */
  readonly isNew: boolean;
  /** Tags that point elsewhere now than before, and where they did; undefined: nowhere. */
  readonly moved: readonly { readonly tag: Tag; readonly from: Digest | undefined }[];
}

/** What went because its time had come. */
export interface ExpiredContent {
  readonly tags: readonly { readonly repository: RepositoryName; readonly tag: Tag; readonly digest: Digest }[];
  readonly manifests: readonly { readonly repository: RepositoryName; readonly digest: Digest }[];
}

/** A push into a repository that may not be there yet. */
export interface Push extends Act {
  readonly repository: RepositoryTarget;
  /** Of a repository that this push makes. */
  readonly visibility: 'public' | 'private';
}

/** Begins an upload session. */
export interface OpenUpload extends Push {
  readonly session: SessionId;
  readonly key: StorageKey;
  readonly algorithm: DigestAlgorithm;
}

/** Makes a blob of what lies under a session. */
export interface PublishBlob {
  readonly repositoryId: number;
  readonly session: SessionId;
  readonly epoch: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Bytes of a small blob; undefined: they lie in the blob store under the session's key. */
  readonly bytes: Uint8Array | undefined;
  readonly nowMs: number;
  readonly leaseUntilMs: number;
}

/** A small blob that came in one request. */
export interface PutSmallBlob extends Push {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly leaseUntilMs: number;
}

/** A blob of another repository. */
export interface MountBlob extends Push {
  readonly fromRepositoryId: number;
  readonly digest: Digest;
  readonly leaseUntilMs: number;
}

/** A manifest, with what it names and the tags that are to point to it. */
export interface PutManifest extends Push {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly manifest: Pick<Manifest, 'mediaType' | 'artifactType' | 'subject' | 'annotations'> & {
    readonly edges: readonly Edge[];
  };
  /** Each once. */
  readonly tags: readonly Tag[];
  readonly condition: TagCondition | undefined;
  /** Whether content that is named need not be there. */
  readonly sparse: boolean;
}
