import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ExitError } from '../../exit-error.ts';
import { applyLayer } from './apply-layer.ts';
import { maxChartFileBytes, parseChartMetadata } from './chart-metadata.ts';
import { parseEntryName } from './entry-name.ts';
import {
  type Budget,
  createBudget,
  decompressed,
  readBlob,
  type UnpackLimits,
  type VerifiedBlob,
  verifiedBlob,
} from './guarded-stream.ts';
import { annotationKeys, imageConfigTypes, mediaTypes } from './media-types.ts';
import { moveTree, requireFree, requireRoom } from './move-tree.ts';
import { putEntry, putFile } from './put-entry.ts';
import { readTar } from './read-tar.ts';
import { createStagedTree, finishDirectories, type StagedTree } from './staged-tree.ts';

/** Where the blobs of a manifest come from. Their bytes are checked here. */
export interface BlobSource {
  open(digest: string): AsyncIterable<Uint8Array>;
}

export interface UnpackTarget {
  /** Is made if there is none. */
  readonly directory: string;
  /** Replaces files that exist. Never links, and never a directory by a file. */
  readonly force?: boolean | undefined;
  /** Of what is unpacked, over all blobs. Default: 100 GiB and 1,000,000 entries. */
  readonly limits?: Partial<UnpackLimits> | undefined;
}

const descriptor = z.object({
  mediaType: z.string(),
  digest: z.string(),
  size: z.int().nonnegative(),
  annotations: z.record(z.string(), z.string()).nullish(),
});
const manifestSchema = z.object({ config: descriptor, layers: z.array(descriptor) });
type Layer = z.infer<typeof descriptor>;

/**
 * Writes into the directory what a manifest stands for: the files and directories that the titles of an artifact's layers name, the
 * .tgz of a chart, or the root file system of an image. All of it is written aside and checked before anything gets its name there; then it moves. Returns what is
 * there now, below the directory, whole directories with `/` at their end. Refuses with an `ExitError`, and leaves nothing behind then.
 */
export async function unpack(
  manifest: Uint8Array,
  blobs: BlobSource,
  target: string | UnpackTarget,
): Promise<readonly string[]> {
  const { directory, force = false, limits } = typeof target === 'string' ? { directory: target } : target;
  const { maxBytes = 100 * 2 ** 30, maxEntries = 1_000_000 } = limits ?? {};
  const { config, layers } = parseManifest(manifest);
  const kind = kindOf(config, layers);
  await mkdir(directory, { recursive: true });
  const stage = await mkdtemp(join(directory, '.moorage-pull-'));
  try {
    const tree = createStagedTree(stage, { place: `The ${kind}`, image: kind === 'image' });
    const needs = { tree, blobs, budget: createBudget({ maxBytes, maxEntries }) };
    if (kind === 'image') {
      for (const layer of layers) await stageLayer(layer, needs);
    } else {
      const files = kind === 'chart' ? await chartFiles(config, layers, blobs) : titledFiles(layers);
      // Told before anything is downloaded.
      for (const { parts, archive } of files) if (!archive) await requireFree(join(directory, ...parts), { force });
      for (const file of files) await stageFile(file, needs);
    }
    await requireRoom(stage, directory, { force });
    const moved = await moveTree(stage, directory);
    if (kind === 'image') await finishDirectories(directory, tree.directories);
    return moved;
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

type Needs = { readonly tree: StagedTree; readonly blobs: BlobSource; readonly budget: Budget };
type NamedFile = {
  readonly layer: Layer;
  readonly parts: readonly string[];
  /** Whether the layer is an archive of a directory of this name. */
  readonly archive: boolean;
};

function parseManifest(bytes: Uint8Array) {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new ExitError('The manifest is no JSON.', { cause: error });
  }
  const result = manifestSchema.safeParse(document);
  if (result.success) return result.data;
  if (document instanceof Object && 'manifests' in document) {
    throw new ExitError('This is an index of several manifests: choose one by its digest or its platform.');
  }
  throw new ExitError(`The manifest is none of an image or an artifact: ${z.prettifyError(result.error)}.`);
}

function kindOf(config: Layer, layers: readonly Layer[]): 'chart' | 'image' | 'artifact' {
  if (config.mediaType === mediaTypes.chartConfig) return 'chart';
  const titled = layers.some((layer) => titleOf(layer) !== undefined);
  return imageConfigTypes.includes(config.mediaType) && !titled ? 'image' : 'artifact';
}

const titleOf = ({ annotations }: Layer) => annotations?.[annotationKeys.title];

/** The files of a chart, named as `helm pull` names them. */
async function chartFiles(config: Layer, layers: readonly Layer[], blobs: BlobSource): Promise<readonly NamedFile[]> {
  const text = new TextDecoder().decode(await readBlob(blobs.open(config.digest), config, maxChartFileBytes));
  const { name, version } = parseChartMetadata(text, `The chart's config ${config.digest}`);
  const suffixes = new Map<string, string>([
    [mediaTypes.chart, '.tgz'],
    [mediaTypes.chartProvenance, '.tgz.prov'],
  ]);
  const files = layers.flatMap((layer) => {
    const suffix = suffixes.get(layer.mediaType);
    return suffix === undefined ? [] : [{ layer, parts: [`${name}-${version}${suffix}`], archive: false }];
  });
  if (files.length === 0) throw new ExitError('The chart has no content.');
  return files;
}

function titledFiles(layers: readonly Layer[]): readonly NamedFile[] {
  const files = layers.flatMap((layer) => {
    const title = titleOf(layer);
    if (title === undefined) return [];
    const parts = parseEntryName(title, `The blob ${layer.digest}`);
    if (parts.length === 0) throw new ExitError(`The blob ${layer.digest} has a title without a name.`);
    return [{ layer, parts, archive: layer.annotations?.[annotationKeys.unpack] === 'true' }];
  });
  if (files.length === 0) throw new ExitError('None of its blobs says which file it is: there is nothing to unpack.');
  return files;
}

async function stageFile({ layer, parts, archive }: NamedFile, { tree, blobs, budget }: Needs): Promise<void> {
  budget.addEntry();
  const blob = verifiedBlob(blobs.open(layer.digest), layer);
  if (!archive) {
    if ((await tree.kindAt(parts)) !== undefined) throw new ExitError(`Two blobs have the title ${parts.join('/')}.`);
    await putFile(tree, parts, { content: budget.counted(blob.bytes) });
  } else {
    for await (const item of itemsOf(blob, layer, budget)) {
      budget.addEntry();
      const name = parseEntryName(item.path, `The archive ${layer.digest}`);
      if (parts.some((part, index) => name[index] !== part)) {
        throw new ExitError(
          `The archive ${layer.digest} has ${JSON.stringify(item.path)}, outside of ${parts.join('/')}.`,
        );
      }
      if (name.length === parts.length && item.type !== 'directory') throw tree.refusal(name, 'is no directory');
      await putEntry(tree, name, item);
    }
  }
  blob.requireVerified();
}

async function stageLayer(layer: Layer, { tree, blobs, budget }: Needs): Promise<void> {
  const blob = verifiedBlob(blobs.open(layer.digest), layer);
  const items = itemsOf(blob, layer, budget);
  await applyLayer(tree, items, { place: `The layer ${layer.digest}`, onEntry: budget.addEntry });
  blob.requireVerified();
}

function itemsOf({ bytes }: VerifiedBlob, { digest }: Layer, budget: Budget) {
  return readTar(budget.counted(decompressed(bytes, digest)), digest);
}
