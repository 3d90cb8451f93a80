import type { Digest } from '../oci/digest.ts';
import type { RepositoryName, SessionId } from '../oci/name.ts';

/** The URLs that answers point to: relative, so that no proxy in front can make them wrong, or under `publicUrl` where that is set. */
export interface Urls {
  blob(name: RepositoryName, digest: Digest): string;
  manifest(name: RepositoryName, digest: Digest): string;
  upload(name: RepositoryName, session: SessionId): string;
  tags(name: RepositoryName, query: URLSearchParams): string;
  referrers(name: RepositoryName, digest: Digest, query: URLSearchParams): string;
  catalog(query: URLSearchParams): string;
}

/** URLs of a registry whose `/v2/` lies at `path`. */
export function createUrls({
  path,
  publicUrl,
}: {
  readonly path: string;
  readonly publicUrl: string | undefined;
}): Urls {
  const base = `${publicUrl?.replace(/\/$/, '') ?? ''}${path}`;
  return {
    blob: (name, digest) => `${base}/${name}/blobs/${digest}`,
    manifest: (name, digest) => `${base}/${name}/manifests/${digest}`,
    upload: (name, session) => `${base}/${name}/blobs/uploads/${session}`,
    tags: (name, query) => `${base}/${name}/tags/list?${query}`,
    referrers: (name, digest, query) => `${base}/${name}/referrers/${digest}?${query}`,
    catalog: (query) => `${base}/_catalog?${query}`,
  };
}
