import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { ExitError } from '../../exit-error.ts';
import type { Content } from '../content.ts';
import { type Annotations, assemble, bytesBlob, fileBlob, withArchive } from './assemble.ts';
import { type ChartMetadata, maxChartFileBytes, parseChartMetadata } from './chart-metadata.ts';
import { createBudget, decompressed } from './guarded-stream.ts';
import { parseHelmIgnore } from './helm-ignore.ts';
import { annotationKeys, mediaTypes } from './media-types.ts';
import { readTar, readWhole } from './read-tar.ts';
import { fileState, linkState, readStable } from './stable-file.ts';
import { type TreeEntry, walkTree } from './walk-tree.ts';
import { writeArchive } from './write-archive.ts';

export type ChartOptions = { readonly annotations?: Annotations | undefined; readonly timeSeconds: number };

// Helm refuses charts above 100 MiB.
const chartLimits = { maxBytes: 100 * 2 ** 20, maxEntries: 100_000 };

/** A Helm chart of its directory: the files that `.helmignore` leaves, below the chart's name, as `helm package` packs them. */
export async function makeChart(directory: string, options: ChartOptions): Promise<Content> {
  const file = join(directory, 'Chart.yaml');
  const metadata = parseChartMetadata(await readText(file), file);
  const ignoreFile = join(directory, '.helmignore');
  const ignored = parseHelmIgnore((await exists(ignoreFile)) ? await readText(ignoreFile) : '');
  const skip = ({ path, kind }: TreeEntry) => path !== 'Chart.yaml' && ignored(path, kind === 'directory');
  const { timeSeconds } = options;
  const archive = writeArchive(filesOf(walkTree(directory, skip)), {
    prefix: `${metadata.name}/`,
    timeSeconds,
    modes: 'plain',
    hardLinks: false,
  });
  return withArchive(archive, ({ digest, sizeBytes }, open) =>
    finish({ digest, size: sizeBytes, mediaType: mediaTypes.chart, open }, metadata, options),
  );
}

/** A Helm chart of a package that is there already, as it is. */
export async function makeArchivedChart(file: string, state: Stats, options: ChartOptions): Promise<Content> {
  const text = await findMetadata(file, state);
  if (text === undefined) throw new ExitError(`${file} is no packaged chart: it holds no NAME/Chart.yaml.`);
  const layer = await fileBlob(file, state, { mediaType: mediaTypes.chart });
  return { ...finish(layer, parseChartMetadata(text, file), options), close: async () => undefined };
}

/** Whether a file is a packaged chart. */
export async function isChartArchive(file: string): Promise<boolean> {
  try {
    return (await findMetadata(file, await fileState(file))) !== undefined;
  } catch (error) {
    // No archive, or too large for a chart; a file that cannot be read is told of by whoever reads it next.
    if (error instanceof ExitError) return false;
    throw error;
  }
}

async function findMetadata(file: string, state: Stats): Promise<string | undefined> {
  const budget = createBudget(chartLimits);
  const bytes = decompressed(readStable(file, state), file);
  for await (const item of readTar(budget.counted(bytes), file)) {
    budget.addEntry();
    if (item.type === 'file' && /^(\.\/)?[^/]+\/Chart\.yaml$/.test(item.path)) {
      return new TextDecoder().decode(await readWhole(item, maxChartFileBytes));
    }
  }
  return undefined;
}

function finish(
  layer: Content['blobs'][number],
  metadata: ChartMetadata,
  { annotations }: ChartOptions,
): Omit<Content, 'close'> {
  const { name, version, description } = metadata;
  return assemble({
    config: bytesBlob(new TextEncoder().encode(JSON.stringify(metadata)), mediaTypes.chartConfig),
    layers: [layer],
    annotations: {
      ...metadata.annotations,
      ...(description === undefined ? {} : { [annotationKeys.description]: description }),
      [annotationKeys.title]: name,
      [annotationKeys.version]: version,
      ...annotations,
    },
  });
}

/** A package has files only: Helm makes the directories of their names and knows no links. */
async function* filesOf(entries: AsyncIterable<TreeEntry>): AsyncGenerator<TreeEntry> {
  for await (const entry of entries) {
    if (entry.kind === 'symlink') {
      throw new ExitError(
        `${entry.file} is a symbolic link, which Helm cannot read from a package: put the file there.`,
      );
    }
    if (entry.kind === 'file') yield entry;
  }
}

async function readText(file: string): Promise<string> {
  const state = await linkState(file);
  if (!state.isFile()) throw new ExitError(`${file} is no file.`);
  if (state.size > maxChartFileBytes) throw new ExitError(`${file} is larger than ${maxChartFileBytes} bytes.`);
  return new TextDecoder().decode(Buffer.concat(await Array.fromAsync(readStable(file, state))));
}

async function exists(file: string): Promise<boolean> {
  return linkState(file).then(
    () => true,
    () => false,
  );
}
