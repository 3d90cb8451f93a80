import { mib } from '../content.ts';
import { runLoad } from '../load/load.ts';
import type { Row } from '../row.ts';

/** A client pushes new blobs of 256 MiB in chunks of 16 MiB (POST, PATCH …, PUT), at most two a round so that a disk is not filled. */
export const row: Row = {
  name: 'push-blob-256m-chunked',
  unit: 'MiB/s',
  setup: async () => undefined,
  run: (target, seconds) => {
    const work = { kind: 'push-blobs', sizeBytes: 256 * mib, chunkBytes: 16 * mib } as const;
    return runLoad(target, { clients: 1, seconds, maxSteps: 2, work });
  },
};
