import { mib } from '../content.ts';
import { runLoad } from '../load/load.ts';
import type { Row } from '../row.ts';

/** A client pushes new blobs of 256 MiB (POST, PUT), at most two a round so that a disk is not filled. */
export const row: Row = {
  name: 'push-blob-256m',
  unit: 'MiB/s',
  setup: async () => undefined,
  run: (target, seconds) =>
    runLoad(target, { clients: 1, seconds, maxSteps: 2, work: { kind: 'push-blobs', sizeBytes: 256 * mib } }),
};
