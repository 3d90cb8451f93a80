/** Media types of what `moorage push` makes and `moorage pull` unpacks. */
export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  emptyConfig: 'application/vnd.oci.empty.v1+json',
  imageConfig: 'application/vnd.oci.image.config.v1+json',
  archive: 'application/vnd.oci.image.layer.v1.tar+gzip',
  file: 'application/octet-stream',
  /** What oras says of an artifact without a type: with the empty config there must be one (image-spec, "Guidelines for Artifact Usage"). */
  unknownArtifact: 'application/vnd.unknown.artifact.v1',
  chartConfig: 'application/vnd.cncf.helm.config.v1+json',
  chart: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
  chartProvenance: 'application/vnd.cncf.helm.chart.provenance.v1.prov',
} as const;

/** Configs of runnable images: OCI's and Docker's. */
export const imageConfigTypes: readonly string[] = [
  mediaTypes.imageConfig,
  'application/vnd.docker.container.image.v1+json',
];

/** Annotations that say which file a blob is. */
export const annotationKeys = {
  title: 'org.opencontainers.image.title',
  version: 'org.opencontainers.image.version',
  description: 'org.opencontainers.image.description',
  /** oras: the blob is a compressed archive of the directory that the title names. */
  unpack: 'io.deis.oras.content.unpack',
  /** oras: the digest of that archive before compression. */
  archiveDigest: 'io.deis.oras.content.digest',
} as const;
