import type { Stats } from 'node:fs';
import { basename } from 'node:path';
import { ExitError } from '../../exit-error.ts';
import type { Content } from '../content.ts';
import { type Annotations, assemble, emptyConfig, fileBlob, withArchive } from './assemble.ts';
import { isPrintable } from './entry-name.ts';
import { annotationKeys, mediaTypes } from './media-types.ts';
import { linkState } from './stable-file.ts';
import { type TreeEntry, walkTree } from './walk-tree.ts';
import { writeArchive } from './write-archive.ts';

export type ArtifactOptions = {
  readonly artifactType?: string | undefined;
  readonly annotations?: Annotations | undefined;
  readonly timeSeconds: number;
};

/** An artifact of one file: its own bytes as a layer with its name as the title. */
export async function makeFileArtifact(file: string, state: Stats, options: ArtifactOptions): Promise<Content> {
  const annotations = { [annotationKeys.title]: titleOf(file) };
  const layer = await fileBlob(file, state, { mediaType: mediaTypes.file, annotations });
  return { ...finish([layer], options), close: async () => undefined };
}

/** An artifact of one directory: a compressed archive, below the directory's name, with the annotations by which oras unpacks it. Names of one file become copies, as with oras: its older versions cannot read links. */
export function makeDirectoryArtifact(directory: string, options: ArtifactOptions): Promise<Content> {
  const title = titleOf(directory);
  const { timeSeconds } = options;
  const archive = writeArchive(underTitle(directory, title), {
    prefix: '',
    timeSeconds,
    modes: 'plain',
    hardLinks: false,
  });
  return withArchive(archive, ({ digest, sizeBytes, contentDigest }, open) => {
    const annotations = {
      [annotationKeys.title]: title,
      [annotationKeys.unpack]: 'true',
      [annotationKeys.archiveDigest]: contentDigest,
    };
    return finish([{ digest, size: sizeBytes, mediaType: mediaTypes.archive, annotations, open }], options);
  });
}

async function* underTitle(directory: string, title: string): AsyncGenerator<TreeEntry> {
  yield { path: title, file: directory, kind: 'directory', state: await linkState(directory) };
  for await (const entry of walkTree(directory)) yield { ...entry, path: `${title}/${entry.path}` };
}

function finish(layers: Content['blobs'], { artifactType, annotations }: ArtifactOptions): Omit<Content, 'close'> {
  return assemble({
    artifactType: artifactType ?? mediaTypes.unknownArtifact,
    config: emptyConfig,
    layers,
    annotations,
  });
}

function titleOf(file: string): string {
  const title = basename(file);
  if (title !== '' && isPrintable(title)) return title;
  throw new ExitError(`${JSON.stringify(file)} has no name that a file could get where it is pulled.`);
}
