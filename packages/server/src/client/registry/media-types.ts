/** Kinds of manifests that registries hold and this client reads. */
export const imageTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.artifact.manifest.v1+json',
] as const;

/** Kinds that name other manifests. */
export const indexTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
] as const;

/** What is accepted when a manifest is asked for. */
export const acceptedTypes = [...imageTypes, ...indexTypes].join(', ');

/** Whether content of that type names others. */
export function isManifestType(mediaType: string): boolean {
  return acceptedTypes.split(', ').includes(mediaType);
}

/** Whether a manifest of that type names manifests. */
export function isIndexType(mediaType: string): boolean {
  return indexTypes.some((type) => type === mediaType);
}
