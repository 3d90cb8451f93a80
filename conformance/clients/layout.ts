// An OCI image layout on disk: written for the clients to push, and checked byte for byte after they pulled.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export type Descriptor = {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
};

export type Layout = {
  readonly directory: string;
  /** Stores the bytes and returns their descriptor. */
  putBytes(mediaType: string, bytes: Uint8Array): Promise<Descriptor>;
  putJson(mediaType: string, value: object): Promise<Descriptor>;
  /** Stores a file, through `encoders` (compression) if there are any. */
  putFile(mediaType: string, file: string, encoders?: readonly Transform[]): Promise<Descriptor>;
  /** Makes the descriptor the only entry of index.json, under the tag `latest`: crane takes no layout with several. */
  finish(root: Descriptor): Promise<void>;
};

/** Where a layout keeps a blob. */
export function blobFile(directory: string, digest: string): string {
  return join(directory, 'blobs', ...digest.split(':'));
}

/** Begins an empty layout in the directory, which it makes. */
export async function createLayout(directory: string): Promise<Layout> {
  await mkdir(join(directory, 'blobs/sha256'), { recursive: true });
  await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const putBytes = async (mediaType: string, bytes: Uint8Array) => {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    await writeFile(blobFile(directory, digest), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  return {
    directory,
    putBytes,
    putJson: (mediaType, value) => putBytes(mediaType, new TextEncoder().encode(JSON.stringify(value))),
    async putFile(mediaType, file, encoders = []) {
      const partial = join(directory, `blobs/${crypto.randomUUID()}`);
      const { digest, size, meter } = measure();
      await pipeline([createReadStream(file), ...encoders, meter, createWriteStream(partial)]);
      await rename(partial, blobFile(directory, digest()));
      return { mediaType, digest: digest(), size: size() };
    },
    async finish(root) {
      const annotations = { ...root.annotations, 'org.opencontainers.image.ref.name': 'latest' };
      await writeFile(
        join(directory, 'index.json'),
        JSON.stringify({ schemaVersion: 2, manifests: [{ ...root, annotations }] }),
      );
    },
  };
}

/** The SHA-256 of a file, as a digest. */
export async function digestFile(file: string): Promise<string> {
  const { digest, meter } = measure();
  meter.resume();
  await pipeline(createReadStream(file), meter);
  return digest();
}

/** Throws unless the layout holds `root` and all that it leads to, each blob with its digest and size. Returns the descriptors. */
export async function verifyLayout(directory: string, root: Descriptor): Promise<Descriptor[]> {
  const file = blobFile(directory, root.digest);
  const { size } = await stat(file);
  if (size !== root.size) throw new Error(`${file} has ${size} bytes instead of ${root.size}.`);
  const found = await digestFile(file);
  if (found !== root.digest) throw new Error(`${file} has the digest ${found}.`);
  if (!isManifest(root.mediaType)) return [root];
  const children = childDescriptors(await readFile(file, 'utf8'));
  const below = await Promise.all(children.map((child) => verifyLayout(directory, child)));
  return [root, ...below.flat()];
}

/** The descriptors in a manifest's or index's `config`, `layers` and `manifests`. */
export function childDescriptors(json: string): Descriptor[] {
  const manifest: { config?: Descriptor; layers?: Descriptor[]; manifests?: Descriptor[] } = JSON.parse(json);
  return [...(manifest.config ? [manifest.config] : []), ...(manifest.layers ?? []), ...(manifest.manifests ?? [])];
}

function isManifest(mediaType: string): boolean {
  return /\.image\.(manifest|index)\.v1\+json$|\.distribution\.manifest(\.list)?\.v2\+json$/.test(mediaType);
}

function measure() {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let digest: string | undefined;
  const meter = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  return {
    meter,
    size: () => sizeBytes,
    digest: () => {
      digest ??= `sha256:${hash.digest('hex')}`;
      return digest;
    },
  };
}
