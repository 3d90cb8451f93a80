import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { Registry } from '@moorage/registry';

/** A layer, as the manifest of an image names it. */
export interface Layer {
  readonly mediaType: string;
  readonly digest: string;
}

/** Layers as directories. */
export interface Layers {
  /** Unpacks a layer of the repository and returns its directory, which is the same for the same digest: what images share is unpacked once. */
  unpack(repository: string, layer: Layer): Promise<string>;
}

/** Keeps layers below `directory`. */
export function createLayers(registry: Registry, directory: string): Layers {
  return {
    async unpack(repository, { mediaType, digest }) {
      const unpacked = join(directory, digest.replace(':', '-'));
      if ((await stat(unpacked).catch(() => undefined)) !== undefined) return unpacked;
      await mkdir(directory, { recursive: true });
      const partial = await mkdtemp(join(directory, 'partial-'));
      try {
        const { bytes } = await registry.readBlob(repository, digest);
        await untar(Readable.from(bytes), { mediaType, directory: partial });
        await rename(partial, unpacked); // all of it, or nothing
      } finally {
        await rm(partial, { recursive: true, force: true });
      }
      return unpacked;
    },
  };
}

/** Every layer gets an empty directory of its own: tar then follows no link that another layer made, and it leaves out by itself what would lie outside. */
async function untar(archive: Readable, { mediaType, directory }: { mediaType: string; directory: string }) {
  const args = ['-xf', '-', '-C', directory, '--no-same-owner', '--no-same-permissions'];
  const tar = spawn('tar', args, { stdio: ['pipe', 'ignore', 'pipe'] });
  const [fed, [exitCode], messages] = await Promise.all([
    pipeline([archive, ...decodersOf(mediaType), tar.stdin]).catch((error: Error) => error),
    once(tar, 'close'),
    text(tar.stderr),
  ]);
  if (exitCode !== 0) throw new Error(`The layer is no tar archive: ${messages}`);
  if (fed instanceof Error && !isEarlyEnd(fed)) throw fed;
}

/** An archive ends before the padding behind it, and tar may hang up there. */
function isEarlyEnd(error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE');
}

function decodersOf(mediaType: string) {
  if (/[+.]gzip$/.test(mediaType)) return [createGunzip()];
  return mediaType.endsWith('+zstd') ? [createZstdDecompress()] : [];
}
