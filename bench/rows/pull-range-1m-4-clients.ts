import { blobsOf, mib, repository } from '../content.ts';
import type { Read } from '../load/job.ts';
import { runLoad } from '../load/load.ts';
import type { Row } from '../row.ts';
import { seed } from '../seed.ts';

const makeBlob = blobsOf(256 * mib);

/** 4 clients pull ranges of 1 MiB, each begun 16 MiB behind the one before, out of a blob of 256 MiB: lazy pullers, and pulls that go on. */
export const row: Row = {
  name: 'pull-range-1m-4-clients',
  unit: 'MiB/s',
  setup: (target) => seed(target, { blobs: [makeBlob('pulled')] }),
  run: (target, seconds) => {
    const path = `/v2/${repository}/blobs/${makeBlob('pulled').digest}`;
    const reads = Array.from({ length: 16 }, (_, index): Read => {
      const first = index * 16 * mib;
      return { method: 'GET', path, range: `${first}-${first + mib - 1}` };
    });
    return runLoad(target, { clients: 4, seconds, work: { kind: 'read', reads } });
  },
};
