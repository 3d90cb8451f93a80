import { mib } from '../content.ts';
import { runLoad } from '../load/load.ts';
import type { Row } from '../row.ts';

/** 4 clients push a new blob of 256 MiB each (POST, PUT): 1 GiB a round. */
export const row: Row = {
  name: 'push-blob-256m-4-clients',
  unit: 'MiB/s',
  setup: async () => undefined,
  run: (target, seconds) =>
    runLoad(target, { clients: 4, seconds, maxSteps: 4, work: { kind: 'push-blobs', sizeBytes: 256 * mib } }),
};
