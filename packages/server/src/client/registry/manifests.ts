import { createHash } from 'node:crypto';
import { ExitError } from '../../exit-error.ts';
import { type ManifestDocument, parseManifest } from './manifest-document.ts';
import { acceptedTypes } from './media-types.ts';
import type { RegistryClient } from './registry-client.ts';
import { pullScope, pushScope } from './scopes.ts';

/** A manifest as a registry keeps it. */
export interface StoredManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** Compared with the bytes. */
  readonly digest: string;
}

/** end-3. The manifest of a tag or digest; `undefined` when the registry has none. Rejects with an `ExitError` when the bytes are not those of the digest that was asked for, or told. */
export async function findManifest(
  client: RegistryClient,
  repository: string,
  wanted: string,
): Promise<StoredManifest | undefined> {
  const { status, bytes, headers } = await client.request({
    method: 'GET',
    url: `/v2/${repository}/manifests/${wanted}`,
    headers: { Accept: acceptedTypes },
    scopes: [pullScope(repository)],
    accepts: [200, 404],
    doing: `give the manifest ${repository}${wanted.includes(':') ? '@' : ':'}${wanted}`,
  });
  if (status === 404) return undefined;
  const told = wanted.includes(':') ? wanted : headers['docker-content-digest'];
  const digest = digestLike(bytes, typeof told === 'string' ? told : '');
  if (typeof told === 'string' && /^sha(?:256|512):/.test(told) && told !== digest) {
    throw new ExitError(
      `${client.host} gave a manifest with the digest ${digest} for ${repository} ${wanted}: it should be ${told}.`,
    );
  }
  return { bytes, digest, mediaType: (headers['content-type'] ?? '').split(';', 1)[0] ?? '' };
}

async function getManifest(client: RegistryClient, repository: string, wanted: string): Promise<StoredManifest> {
  const manifest = await findManifest(client, repository, wanted);
  if (manifest !== undefined) return manifest;
  throw new ExitError(`${client.host} has no ${repository}${wanted.includes(':') ? '@' : ':'}${wanted}.`);
}

/** A manifest with what it says. */
export interface ReadManifest extends StoredManifest {
  readonly document: ManifestDocument;
}

/** The same, read; an `ExitError` also when it is broken. */
export async function readManifest(client: RegistryClient, repository: string, wanted: string): Promise<ReadManifest> {
  const stored = await getManifest(client, repository, wanted);
  return { ...stored, document: parseManifest(stored.bytes, stored.mediaType) };
}

/** end-7. Puts a manifest under a tag or its digest; returns whether the registry lists it among the referrers of its subject. */
export async function putManifest(
  client: RegistryClient,
  {
    repository,
    wanted,
    bytes,
    mediaType,
  }: { repository: string; wanted: string; bytes: Uint8Array; mediaType: string },
): Promise<{ readonly listsReferrers: boolean }> {
  const { headers } = await client.request({
    method: 'PUT',
    url: `/v2/${repository}/manifests/${wanted}`,
    headers: { 'Content-Type': mediaType },
    body: bytes,
    scopes: [pushScope(repository)],
    accepts: [201],
    doing: `take the manifest ${repository}${wanted.includes(':') ? '@' : ':'}${wanted}`,
  });
  return { listsReferrers: headers['oci-subject'] !== undefined };
}

/** end-3 with HEAD. Whether the repository has the manifest; asked with the right to push, which is wanted next. */
export async function hasManifest(client: RegistryClient, repository: string, wanted: string): Promise<boolean> {
  const { status } = await client.request({
    method: 'HEAD',
    url: `/v2/${repository}/manifests/${wanted}`,
    headers: { Accept: acceptedTypes },
    scopes: [pushScope(repository)],
    accepts: [200, 404],
    doing: `take a push to ${repository}`,
  });
  return status === 200;
}

/** The digest of `bytes`, under the algorithm of another digest: sha256 unless that is one of sha512. */
export function digestLike(bytes: Uint8Array, other: string): string {
  const algorithm = other.startsWith('sha512:') ? 'sha512' : 'sha256';
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}
