import { ExitError } from '../exit-error.ts';
import { type Descriptor, formatPlatform, type Platform } from './registry/manifest-document.ts';
import { type ReadManifest, readManifest } from './registry/manifests.ts';
import { isIndexType } from './registry/media-types.ts';
import type { RegistryClient } from './registry/registry-client.ts';

/** Which content is meant. */
export interface WantedManifest {
  readonly repository: string;
  /** A tag or digest. */
  readonly wanted: string;
}

/** The manifest of a tag or digest, and of an index the one child that is for `platform`; an `ExitError` names those that there are when there is none. A manifest that is no index is for any. */
export async function readForPlatform(
  client: RegistryClient,
  place: WantedManifest,
  platform: Platform,
): Promise<ReadManifest> {
  const manifest = await readManifest(client, place.repository, place.wanted);
  if (!isIndexType(manifest.document.mediaType)) return manifest;
  const child = choose(manifest.document.manifests, platform);
  if (child !== undefined) return readManifest(client, place.repository, child.digest);
  const names = manifest.document.manifests.flatMap((other) =>
    other.platform ? [formatPlatform(other.platform)] : [],
  );
  const known = [...new Set(names)].filter((name) => name !== 'unknown/unknown');
  throw new ExitError(
    `${place.repository} ${place.wanted} is an index with nothing for ${formatPlatform(platform)}: choose with --platform ${known.join(' or ') || 'one of none'}, or name a digest.`,
  );
}

/** The platform of this machine; images are for linux, whatever runs here. */
export function defaultPlatform(architecture: string): Platform {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return { os: 'linux', architecture: names[architecture] ?? architecture };
}

/** The first that fits; one without a variant fits any. An index of one thing for no machine means that one. */
function choose(children: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const fits = ({ platform }: Descriptor) =>
    platform?.os === wanted.os &&
    platform.architecture === wanted.architecture &&
    (wanted.variant === undefined || platform.variant === undefined || platform.variant === wanted.variant);
  const exact = children.find((child) => fits(child) && child.platform?.variant === wanted.variant);
  const [only, ...others] = children;
  return exact ?? children.find(fits) ?? (others.length === 0 && only?.platform === undefined ? only : undefined);
}
