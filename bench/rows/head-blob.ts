import { blobsOf, kib, repository } from '../content.ts';
import { runLoad } from '../load/load.ts';
import type { Row } from '../row.ts';
import { seed } from '../seed.ts';

const blob = blobsOf(64 * kib)('asked for');

/** HEAD of one blob over 16 connections: what clients ask before each push. */
export const row: Row = {
  name: 'head-blob',
  unit: 'requests/s',
  setup: (target) => seed(target, { blobs: [blob] }),
  run: (target, seconds) => {
    const reads = [{ method: 'HEAD', path: `/v2/${repository}/blobs/${blob.digest}` }] as const;
    return runLoad(target, { clients: 16, seconds, work: { kind: 'read', reads } });
  },
};
