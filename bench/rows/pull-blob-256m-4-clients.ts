import { blobsOf, mib, repository } from '../content.ts';
import { runLoad } from '../load/load.ts';
import type { Row } from '../row.ts';
import { seed } from '../seed.ts';

const makeBlob = blobsOf(256 * mib);

/** 4 clients pull the same blob of 256 MiB again and again. */
export const row: Row = {
  name: 'pull-blob-256m-4-clients',
  unit: 'MiB/s',
  setup: (target) => seed(target, { blobs: [makeBlob('pulled')] }),
  run: (target, seconds) => {
    const reads = [{ method: 'GET', path: `/v2/${repository}/blobs/${makeBlob('pulled').digest}` }] as const;
    return runLoad(target, { clients: 4, seconds, work: { kind: 'read', reads } });
  },
};
