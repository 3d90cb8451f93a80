import { ExitError } from '../../exit-error.ts';

/** A machine that an image is for. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** Names content (image-spec, "Content Descriptors"). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly platform?: Platform;
}

/** What this client reads of a manifest; what is not there is empty. */
export interface ManifestDocument {
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly config: Descriptor | undefined;
  /** Layers of an image, and blobs of an artifact in its older form. */
  readonly layers: readonly Descriptor[];
  /** Children of an index. */
  readonly manifests: readonly Descriptor[];
  readonly subject: Descriptor | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

type Json = Readonly<Record<string, unknown>>;

const digestPattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Reads the bytes of a manifest that came under `mediaType`; an `ExitError` when they are none. */
export function parseManifest(bytes: Uint8Array, mediaType: string): ManifestDocument {
  const document = parse(bytes);
  if (document === undefined) throw new ExitError('What came is no manifest: it is not an object of JSON.');
  if (document['schemaVersion'] === 1) {
    throw new ExitError('The manifest is of schema 1, which registries gave up years ago: push the image anew.');
  }
  const { artifactType, annotations } = document;
  return {
    mediaType: typeof document['mediaType'] === 'string' ? document['mediaType'] : mediaType,
    artifactType: typeof artifactType === 'string' && artifactType !== '' ? artifactType : undefined,
    config: document['config'] === undefined ? undefined : readDescriptor(document['config']),
    layers: [...readDescriptors(document['layers']), ...readDescriptors(document['blobs'])],
    manifests: readDescriptors(document['manifests']),
    subject: document['subject'] === undefined ? undefined : readDescriptor(document['subject']),
    annotations: readStrings(annotations),
  };
}

/** `linux/arm64/v8` in its parts; else an `ExitError`. */
export function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant, ...rest] = text.split('/');
  if (os === '' || architecture === '' || variant === '' || rest.length > 0) {
    throw new ExitError(
      `${JSON.stringify(text)} is not a platform: type OS/ARCHITECTURE[/VARIANT], such as linux/arm64.`,
    );
  }
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

/** `linux/arm64/v8` */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
}

/** The descriptors as they stand there, each once, config first. */
export function blobsOf(
  { config, layers, manifests }: ManifestDocument,
  isChild: (type: string) => boolean,
): readonly Descriptor[] {
  const all = [
    ...(config === undefined ? [] : [config]),
    ...layers,
    ...manifests.filter(({ mediaType }) => !isChild(mediaType)),
  ];
  return [...new Map(all.map((descriptor) => [descriptor.digest, descriptor])).values()];
}

function readDescriptors(value: unknown): readonly Descriptor[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value))
    throw new ExitError('The manifest is broken: what should be a list of descriptors is none.');
  return value.map(readDescriptor);
}

function readDescriptor(value: unknown): Descriptor {
  const { mediaType, digest, size, annotations, artifactType, platform } = isObject(value) ? value : {};
  if (typeof digest !== 'string' || !digestPattern.test(digest)) {
    throw new ExitError('The manifest is broken: one of its descriptors has no digest of sha256 or sha512.');
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw new ExitError(`The manifest is broken: its descriptor of ${digest} has no size.`);
  }
  return {
    mediaType: typeof mediaType === 'string' ? mediaType : 'application/octet-stream',
    digest,
    size,
    ...(annotations !== undefined && { annotations: readStrings(annotations) }),
    ...(typeof artifactType === 'string' && { artifactType }),
    ...(isObject(platform) && { platform: readPlatform(platform) }),
  };
}

function readPlatform({ os, architecture, variant }: Json): Platform {
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : 'unknown');
  return {
    os: text(os),
    architecture: text(architecture),
    ...(typeof variant === 'string' && variant !== '' && { variant }),
  };
}

function readStrings(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function parse(bytes: Uint8Array): Json | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // not JSON
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
