import { blobsOf, kib, repository } from '../content.ts';
import { runGets } from '../load/load.ts';
import type { Row } from '../row.ts';
import { seed } from '../seed.ts';

const blob = blobsOf(4 * kib)('small');

/** GET of one blob of 4 KiB over 16 connections: configurations, signatures, attestations. */
export const row: Row = {
  name: 'get-blob-4k',
  unit: 'requests/s',
  setup: (target) => seed(target, { blobs: [blob] }),
  run: (target, seconds) => runGets(target, { path: `/v2/${repository}/blobs/${blob.digest}`, clients: 16, seconds }),
};
