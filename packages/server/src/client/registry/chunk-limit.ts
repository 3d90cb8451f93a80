import { ExitError } from '../../exit-error.ts';
import { formatBytes } from '../byte-size.ts';
import type { RefusedError } from '../http/refused-error.ts';

/** How many bytes are sent at once. */
export interface ChunkLimit {
  /** Of `wanted` bytes the most that go into one request. */
  most(wanted: number): number;
  /** Makes chunks smaller after a 413 for `bytes`; throws what to do when they are as small as they get. */
  shrink(error: RefusedError, bytes: number): void;
}

/** What passes the proxies that people have: Cloudflare takes 100 MB, an nginx that nobody asked 1 MiB. */
const smallerChunks = [50 * 2 ** 20, 900 * 2 ** 10];

/** No limit until a proxy shows one, unless `chunkBytes` is given. `tell` gets a sentence for people. */
export function createChunkLimit(
  chunkBytes: number | undefined,
  { host, tell }: { readonly host: string; readonly tell: (sentence: string) => void },
): ChunkLimit {
  let limit = chunkBytes;
  return {
    most: (wanted) => Math.min(wanted, limit ?? wanted),
    shrink(error, bytes) {
      const next = smallerChunks.find((size) => size < bytes);
      if (next === undefined) {
        throw new ExitError(
          `${error.message} Even ${formatBytes(bytes)} at once is too much for ${host}, or for a proxy before it: name a size that passes with --chunk, or raise the limit there (nginx: client_max_body_size 0).`,
        );
      }
      // Another blob's upload may have met the limit first.
      if (limit !== undefined && limit <= next) return;
      limit = next;
      const spelled = next >= 2 ** 20 ? `${next / 2 ** 20}MiB` : `${next / 2 ** 10}KiB`;
      tell(
        `${host}, or a proxy before it, does not take ${formatBytes(bytes)} at once (413): going on in chunks, as with --chunk ${spelled}.`,
      );
    },
  };
}
