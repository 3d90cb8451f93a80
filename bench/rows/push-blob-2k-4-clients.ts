import { kib } from '../content.ts';
import { runLoad } from '../load/load.ts';
import type { Row } from '../row.ts';

/** 4 clients push new blobs of 2 KiB (POST, PUT): configurations, signatures, attestations. */
export const row: Row = {
  name: 'push-blob-2k-4-clients',
  unit: 'blobs/s',
  setup: async () => undefined,
  run: (target, seconds) => runLoad(target, { clients: 4, seconds, work: { kind: 'push-blobs', sizeBytes: 2 * kib } }),
};
