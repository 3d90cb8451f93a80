import type { Digest } from '../oci/digest.ts';
import type { Edge } from '../oci/manifest.ts';
import type { RepositoryName } from '../oci/name.ts';
import type { StorageKey } from './blob-store.ts';

/** A blob as its rows have it, whether or not they make sense. */
export interface BlobRows {
  readonly id: number;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Undefined: its bytes were given up. */
  readonly content: { readonly bytes: Uint8Array } | { readonly key: StorageKey } | undefined;
}

/** A manifest as its rows have it, whether or not they make sense. */
export interface ManifestRows {
  readonly id: number;
  readonly repository: { readonly id: number; readonly name: RepositoryName };
  readonly digest: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly subject: Digest | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly edges: readonly Pick<Edge, 'digest' | 'kind'>[];
  /** Blobs that it names and its repository does not hold. */
  readonly missing: ReadonlySet<Digest>;
}

/** Who needs a blob, or what a manifest is in its repository. */
export interface Use {
  readonly repository: RepositoryName;
  /** Undefined: the repository holds the blob, and no manifest of it names it. */
  readonly manifest: Digest | undefined;
  /** That point to the manifest. */
  readonly tags: readonly string[];
}

/** Rows that contradict each other. */
export interface Contradiction {
  /** One sentence. */
  readonly message: string;
  /** The statement of SQL that puts it right; undefined: nothing does but a backup. */
  readonly sql: string | undefined;
}

/** Where a page starts (exclusive) and how long it is. */
export interface IdPage {
  readonly afterId: number;
  readonly limit: number;
}

/** The metadata as a check reads it, beside a running registry if need be: nothing is changed, and no read holds the database for longer than a page takes. */
export interface MetadataCheck {
  /** What is wrong with the database itself, a sentence each, and then nothing else can be trusted. Asked first. `isQuick` leaves out whether indexes fit their tables.
   *  `unavailable` where it cannot be looked at: it is not there, may not be read, or has another version than this program. */
  findDamage(options: { readonly isQuick: boolean }): Promise<readonly string[]>;
  findContradictions(): Promise<readonly Contradiction[]>;
  /** How much there is to look at. */
  count(): Promise<{ readonly blobs: number; readonly blobBytes: number; readonly manifests: number }>;
  /** Blobs that repositories serve or wait for, in the order of their ids. */
  listBlobs(page: IdPage): Promise<readonly BlobRows[]>;
  listManifests(page: IdPage): Promise<readonly ManifestRows[]>;
  /** Whether the blob still is what it was when it was listed: a push, a delete or a collection may have come between. */
  isCurrent(blob: BlobRows): Promise<boolean>;
  /** Who needs the blob: the first 100. */
  findUses(digest: Digest): Promise<readonly Use[]>;
  /** Tags that point to the manifest. */
  findTags(manifestId: number): Promise<readonly string[]>;
  /** Those of `keys` that a session or a blob names. */
  findKnownKeys(keys: readonly StorageKey[]): Promise<ReadonlySet<StorageKey>>;
  close(): Promise<void>;
}
