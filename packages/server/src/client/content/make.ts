import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ExitError } from '../../exit-error.ts';
import type { Content } from '../content.ts';
import { makeDirectoryArtifact, makeFileArtifact } from './artifact.ts';
import { isChartArchive, makeArchivedChart, makeChart } from './chart.ts';
import { type ImageOptions, makeImage } from './image.ts';
import { fileState, refuse } from './stable-file.ts';

/** What a path can become. */
export type ContentKind = 'image' | 'artifact' | 'chart';

export interface MakeOptions {
  /** Overrides what the path looks like. */
  readonly as?: ContentKind | undefined;
  /** Of an artifact. */
  readonly artifactType?: string | undefined;
  /** Of the manifest. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Of an image. */
  readonly image?: ImageOptions | undefined;
  /** The variable SOURCE_DATE_EPOCH: seconds since 1970 that every time in the content becomes; 0 unless it is given. */
  readonly sourceDateEpoch?: string | undefined;
}

const rootNames = ['bin', 'etc', 'usr', 'lib'];

/**
 * The content that a path becomes, with the same bytes each time for the same names and contents: a directory with Chart.yaml (or its .tgz) a Helm chart, one
 * with two of bin, etc, usr and lib an image, and all else an artifact. Refuses with an `ExitError`. The caller closes it.
 */
export async function makeContent(path: string, options: MakeOptions): Promise<Content> {
  const state = await fileState(path);
  if (!state.isFile() && !state.isDirectory()) throw new ExitError(`${path} is neither a file nor a directory.`);
  const directory = state.isDirectory();
  // The name of `.` is that of the directory.
  const file = resolve(path);
  const kind = options.as ?? (await kindOf(file, directory));
  requireFitting(kind, options);
  const common = { annotations: options.annotations, timeSeconds: parseEpoch(options.sourceDateEpoch) };
  switch (kind) {
    case 'chart':
      return directory ? makeChart(file, common) : makeArchivedChart(file, state, common);
    case 'image':
      if (!directory) throw new ExitError(`${path} is a file: an image is made of a directory, its root file system.`);
      return makeImage(file, { ...common, ...options.image });
    case 'artifact': {
      const artifact = { ...common, artifactType: options.artifactType };
      return directory ? makeDirectoryArtifact(file, artifact) : makeFileArtifact(file, state, artifact);
    }
  }
}

async function kindOf(file: string, directory: boolean): Promise<ContentKind> {
  if (!directory) return file.endsWith('.tgz') && (await isChartArchive(file)) ? 'chart' : 'artifact';
  const names = await readdir(file).catch((error: unknown) => refuse(file, error));
  if (names.includes('Chart.yaml')) return 'chart';
  return rootNames.filter((name) => names.includes(name)).length >= 2 ? 'image' : 'artifact';
}

function requireFitting(kind: ContentKind, { artifactType, image = {} }: MakeOptions): void {
  const given = Object.entries(image).find(([, value]) => value !== undefined)?.[0];
  if (kind !== 'image' && given !== undefined) {
    throw new ExitError(`This would become ${article(kind)}, which has no ${given}: add --as image.`);
  }
  if (kind !== 'artifact' && artifactType !== undefined) {
    throw new ExitError(`This would become ${article(kind)}, which has no artifact type: add --as artifact.`);
  }
}

function article(kind: ContentKind): string {
  return kind === 'chart' ? 'a Helm chart' : `an ${kind}`;
}

function parseEpoch(text = '0'): number {
  // Eleven digits are as many as an archive's octal field holds of seconds.
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 33) return Number(text);
  throw new ExitError(`SOURCE_DATE_EPOCH is ${JSON.stringify(text)}: it must be a number of seconds since 1970.`);
}
