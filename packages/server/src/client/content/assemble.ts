import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Content, ContentBlob } from '../content.ts';
import { mediaTypes } from './media-types.ts';
import { readStable } from './stable-file.ts';
import { type StoredGzip, storeGzip } from './store-gzip.ts';

export type Annotations = Readonly<Record<string, string>>;

/** The empty config of an artifact, with its two bytes inside the descriptor (image-spec, "Guidance for an Empty Descriptor"). */
export const emptyConfig = bytesBlob(new TextEncoder().encode('{}'), mediaTypes.emptyConfig);

/** A blob of bytes in memory. */
export function bytesBlob(bytes: Uint8Array, mediaType: string): ContentBlob {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return {
    digest,
    size: bytes.length,
    mediaType,
    async *open(offset = 0) {
      yield bytes.subarray(offset);
    },
  };
}

/** A blob that is a file as it lies there. Each reading refuses the file when it is not as it was at the first. */
export async function fileBlob(
  file: string,
  state: Stats,
  described: { readonly mediaType: string; readonly annotations?: Annotations },
): Promise<ContentBlob> {
  const hash = createHash('sha256');
  for await (const bytes of readStable(file, state)) hash.update(bytes);
  return {
    digest: `sha256:${hash.digest('hex')}`,
    size: state.size,
    ...described,
    open: (offset = 0) => readStable(file, state, offset),
  };
}

/** Runs `make` with a place for one compressed archive, in a temporary directory that the content's `close` removes, as does a failure. */
export async function withArchive(
  archive: AsyncIterable<Uint8Array>,
  make: (stored: StoredGzip, open: ContentBlob['open']) => Omit<Content, 'close'>,
): Promise<Content> {
  const directory = await mkdtemp(join(tmpdir(), 'moorage-push-'));
  const close = () => rm(directory, { recursive: true, force: true });
  try {
    const file = join(directory, 'archive.tar.gz');
    const stored = await storeGzip(archive, file);
    return { ...make(stored, (offset = 0) => createReadStream(file, { start: offset })), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A manifest of these blobs. Its bytes follow from what is given: annotations stand in the order of their keys. */
export function assemble(parts: {
  readonly artifactType?: string | undefined;
  readonly config: ContentBlob;
  readonly layers: readonly ContentBlob[];
  readonly annotations?: Annotations | undefined;
}): Omit<Content, 'close'> {
  const { artifactType, config, layers, annotations = {} } = parts;
  const data = config === emptyConfig ? { data: Buffer.from('{}').toString('base64') } : {};
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    ...(artifactType === undefined ? {} : { artifactType }),
    config: { ...describe(config), ...data },
    layers: layers.map(describe),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations: inOrder(annotations) }),
  };
  return {
    manifest: new TextEncoder().encode(JSON.stringify(manifest)),
    mediaType: mediaTypes.manifest,
    blobs: [config, ...layers],
  };
}

/** The entries in the order of their keys. */
export function inOrder(entries: Annotations): Annotations {
  return Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function describe({ mediaType, digest, size, annotations }: ContentBlob) {
  return { mediaType, digest, size, ...(annotations === undefined ? {} : { annotations: inOrder(annotations) }) };
}
