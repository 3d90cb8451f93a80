import { mediaTypes } from '../oci/media-type.ts';

/** Where the registry's time, randomness and ids come from. */
export interface Sources {
  /** Ms since 1970. */
  now(): number;
  /** 32 characters of 0-9 and a-f, from 128 random bits. */
  randomId(): string;
}

/** What a registry can be told, with every default filled in. */
export interface Settings {
  readonly uploads: {
    /** A session that was not used for so long expires, in seconds. */
    readonly ttlSeconds: number;
    /** Content types that an upload may have; empty: any. */
    readonly contentTypes: readonly string[];
  };
  readonly push: {
    /** How long a client that was told of a blob may rely on it though no manifest names it, in seconds. */
    readonly leaseSeconds: number;
  };
  readonly manifests: {
    readonly maxBytes: number;
    /** Whether a manifest may name content that the repository does not have. */
    readonly sparse: boolean;
    /** Of a manifest that neither says its type nor is pushed with one. */
    readonly defaultMediaType: string;
  };
  readonly deletes: {
    /** Of manifests and tags alike. */
    readonly manifests: boolean;
    readonly blobs: boolean;
  };
  readonly tokens: {
    /** How long a bearer token lives, in seconds; clients take one of less than 60 for one of 60. */
    readonly ttlSeconds: number;
  };
  readonly repositories: {
    /** Of a new repository. */
    readonly visibility: 'public' | 'private';
  };
}

/** Every group, and every setting in it, may be left out. */
export type SettingsInput = { readonly [Group in keyof Settings]?: Partial<Settings[Group]> };

const defaults: Settings = {
  uploads: { ttlSeconds: 86_400, contentTypes: [] },
  push: { leaseSeconds: 86_400 },
  manifests: { maxBytes: 4 * 1024 * 1024, sparse: false, defaultMediaType: mediaTypes.imageManifest },
  deletes: { manifests: true, blobs: true },
  tokens: { ttlSeconds: 300 },
  repositories: { visibility: 'private' },
};

/** `input` with the defaults where it says nothing. */
export function withDefaults(input: SettingsInput): Settings {
  return {
    uploads: { ...defaults.uploads, ...input.uploads },
    push: { ...defaults.push, ...input.push },
    manifests: { ...defaults.manifests, ...input.manifests },
    deletes: { ...defaults.deletes, ...input.deletes },
    tokens: { ...defaults.tokens, ...input.tokens },
    repositories: { ...defaults.repositories, ...input.repositories },
  };
}
