// What the clients push: made of this machine's own files, so that sizes and contents are those of real images.
import { join } from 'node:path';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { createLayout, type Descriptor, digestFile, type Layout } from './layout.ts';
import { packFiles, takeFiles, walkFiles } from './machine-files.ts';

const MiB = 2 ** 20;
const oci = 'application/vnd.oci.image';

/** A layout on disk and the descriptor of its only root, which has the tag `latest`. */
export type Fixture = { readonly directory: string; readonly root: Descriptor };

export type Fixtures = {
  /** An index of linux/amd64 and linux/arm64; layers plain, gzip and zstd; some hundred MiB. */
  readonly image: Fixture;
  /** The plain tar archives of the amd64 image's layers. */
  readonly archives: readonly string[];
  /** A plain tar archive of some MiB. */
  readonly smallArchive: string;
  /** An index of two platforms with gzip layers only, which a client can turn into Docker's schema 2. */
  readonly gzipImage: Fixture;
  /** BuildKit's cache as an index whose entries are layers and a cache config. */
  readonly cacheIndex: Fixture;
  /** BuildKit's cache as an image manifest (`image-manifest=true`). */
  readonly cacheManifest: Fixture;
};

type Layer = { readonly descriptor: Descriptor; readonly diffId: string };
type Compression = 'none' | 'gzip' | 'zstd';

/** Builds every fixture below the directory. */
export async function buildFixtures(directory: string): Promise<Fixtures> {
  const lib = walkFiles('/usr/lib', '/usr/local');
  const share = walkFiles('/usr/share');
  const pack = async (name: string, walk: typeof lib, budgetMiB: number) => {
    const archive = join(directory, `${name}.tar`);
    await packFiles(archive, await takeFiles(walk, budgetMiB * MiB));
    return archive;
  };
  const libraries = await pack('libraries', lib, 160);
  const programs = await pack('programs', walkFiles('/usr/bin'), 64);
  const texts = await pack('texts', share, 48);
  const otherLibraries = await pack('other-libraries', lib, 64);
  const small = await pack('small', share, 8);

  const layout = await createLayout(join(directory, 'image'));
  const base = await addLayer(layout, texts, 'gzip');
  const layers = [base, await addLayer(layout, libraries, 'none'), await addLayer(layout, programs, 'zstd')];
  const amd64 = await addImage(layout, 'amd64', layers);
  const arm64 = await addImage(layout, 'arm64', [base, await addLayer(layout, otherLibraries, 'zstd')]);
  const image = await finishIndex(layout, [amd64, arm64]);

  const gzipLayout = await createLayout(join(directory, 'gzip-image'));
  const gzipLayer = await addLayer(gzipLayout, small, 'gzip');
  const gzipImage = await finishIndex(gzipLayout, [
    await addImage(gzipLayout, 'amd64', [gzipLayer]),
    await addImage(gzipLayout, 'arm64', [gzipLayer]),
  ]);
  const archives = [texts, libraries, programs];
  return { image, archives, smallArchive: small, gzipImage, ...(await buildCaches(directory, small)) };
}

async function buildCaches(directory: string, archive: string) {
  const indexLayout = await createLayout(join(directory, 'cache-index'));
  const manifestLayout = await createLayout(join(directory, 'cache-manifest'));
  const parts = async (layout: Layout) => {
    const layer = await addLayer(layout, archive, 'zstd');
    const annotations = {
      'buildkit/createdat': '2026-01-01T00:00:00Z',
      'containerd.io/uncompressed': layer.diffId,
    };
    const config = await layout.putJson('application/vnd.buildkit.cacheconfig.v0', {
      layers: [{ blob: layer.descriptor.digest, parent: -1 }],
      records: [{ digest: layer.diffId, layers: [{ layer: 0, createdAt: '2026-01-01T00:00:00Z' }] }],
    });
    return { layer: { ...layer.descriptor, annotations }, config };
  };
  const entries = await parts(indexLayout);
  const cacheIndex = await finishIndex(indexLayout, [entries.layer, entries.config]);
  const { layer, config } = await parts(manifestLayout);
  const mediaType = `${oci}.manifest.v1+json`;
  const manifest = { schemaVersion: 2, mediaType, config, layers: [layer] };
  const cacheManifest = await finish(manifestLayout, await manifestLayout.putJson(mediaType, manifest));
  return { cacheIndex, cacheManifest };
}

async function addLayer(layout: Layout, archive: string, compression: Compression): Promise<Layer> {
  const suffix = compression === 'none' ? '' : `+${compression}`;
  const encoders = {
    none: () => [],
    gzip: () => [createGzip({ level: 1 })],
    zstd: () => [createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } })],
  };
  const descriptor = await layout.putFile(`${oci}.layer.v1.tar${suffix}`, archive, encoders[compression]());
  return { descriptor, diffId: await digestFile(archive) };
}

async function addImage(layout: Layout, architecture: string, layers: readonly Layer[]): Promise<Descriptor> {
  const config = await layout.putJson(`${oci}.config.v1+json`, {
    created: '2026-01-01T00:00:00Z',
    os: 'linux',
    architecture,
    config: { Cmd: ['/usr/bin/true'] },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(() => ({ created: '2026-01-01T00:00:00Z', created_by: 'tar' })),
  });
  const mediaType = `${oci}.manifest.v1+json`;
  const manifest = { schemaVersion: 2, mediaType, config, layers: layers.map(({ descriptor }) => descriptor) };
  return { ...(await layout.putJson(mediaType, manifest)), platform: { os: 'linux', architecture } };
}

async function finishIndex(layout: Layout, manifests: readonly Descriptor[]): Promise<Fixture> {
  const mediaType = `${oci}.index.v1+json`;
  return finish(layout, await layout.putJson(mediaType, { schemaVersion: 2, mediaType, manifests }));
}

async function finish(layout: Layout, root: Descriptor): Promise<Fixture> {
  await layout.finish(root);
  return { directory: layout.directory, root };
}
