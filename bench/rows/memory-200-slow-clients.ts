import { blobsOf, mib } from '../content.ts';
import { holdSlow } from '../load/hold.ts';
import { measureMemory } from '../memory.ts';
import type { Row } from '../row.ts';
import { push } from '../seed.ts';

const blob = blobsOf(64 * mib)('pulled slowly');

/** Resident memory while 100 clients pull and 100 push, each about 1.3 MiB/s: buffers that grow with a client show here. */
export const row: Row = {
  name: 'memory-200-slow-clients',
  unit: 'MiB',
  measure: (server, directory) =>
    measureMemory(server, directory, async (target) => {
      await push(target, { blobs: [blob] });
      return holdSlow(target, { pulls: 100, pushes: 100, digest: blob.digest });
    }),
};
