import type { Generated } from 'kysely';

/** The tables as statements see them. Integer keys inside, digests and names at the edge; times are ms since 1970; text compares by bytes. */
export interface Schema {
  /** One row a repository, made by its first push. */
  repositories: {
    id: Generated<number>;
    name: string;
    visibility: 'public' | 'private';
    created_by: string | null;
    created_ms: number;
    /** The catalog lists repositories where it is above 0. */
    manifest_count: number;
    manifest_bytes: number;
    tag_count: number;
    /** Manifests that clients got, and bytes in answers to them. */
    pull_count: number;
    sent_bytes: number;
  };
  /** Contents, each stored once; one live row a digest. `storage_key` is null where the bytes are in `blob_bytes`, and where they were lost and are waited for. */
  blobs: {
    id: Generated<number>;
    digest: string;
    size_bytes: number;
    storage_key: string | null;
    state: 'live' | 'claimed';
    created_ms: number;
  };
  blob_bytes: { blob_id: number; bytes: Uint8Array };
  /** Which repository may serve which blob. */
  repository_blobs: { repository_id: number; blob_id: number; lease_until_ms: number };
  manifests: {
    id: Generated<number>;
    repository_id: number;
    digest: string;
    media_type: string;
    size_bytes: number;
    artifact_type: string | null;
    subject: string | null;
    /** A JSON object of strings. */
    annotations: string | null;
    pushed_by: string | null;
    pushed_ms: number;
  };
  manifest_bytes: { manifest_id: number; bytes: Uint8Array };
  /** What a manifest names: by digest, since a sparse child has no row. */
  manifest_edges: { manifest_id: number; repository_id: number; digest: string; kind: 'blob' | 'manifest' };
  tags: {
    repository_id: number;
    name: string;
    manifest_id: number;
    moved_ms: number;
    /** When it is to go; null: never. */
    expires_ms: number | null;
  };
  /** Each move of a tag; `to_digest` null: it was deleted. */
  tag_history: {
    id: Generated<number>;
    repository_id: number;
    name: string;
    at_ms: number;
    moved_by: string | null;
    from_digest: string | null;
    to_digest: string | null;
  };
  uploads: {
    session: string;
    repository_id: number;
    storage_key: string;
    algorithm: 'sha256' | 'sha512';
    epoch: number;
    lease_until_ms: number;
    created_by: string | null;
    used_ms: number;
  };
  leases: { name: string; holder: string; until_ms: number };
  /** Who was given which role on what pattern of names. */
  roles: { pattern: string; subject: string; role: 'owner' | 'contributor' | 'reader' };
  access_tokens: {
    id: string;
    kind: 'user' | 'robot' | 'offline';
    identity: string;
    secret_hash: Uint8Array;
    pattern: string | null;
    /** A JSON array of strings. */
    actions: string;
    created_ms: number;
    expires_ms: number;
  };
  /** In the order in which they were added: a clock that goes back does not bring an old key to the front. */
  signing_keys: { sequence: Generated<number>; id: string; private_jwk: string; created_ms: number };
  /** Its ids only grow, so that who reads on from one misses nothing. */
  audit: {
    id: Generated<number>;
    at_ms: number;
    identity: string | null;
    address: string | null;
    act: string;
    is_allowed: 0 | 1;
    repository: string | null;
    about: string | null;
  };
}
