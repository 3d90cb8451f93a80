import { manifestBlobs } from '../content.ts';
import { runLoad } from '../load/load.ts';
import type { Row } from '../row.ts';
import { seed } from '../seed.ts';

/** 32 clients PUT new manifests, each to a new tag; their two blobs are there. */
export const row: Row = {
  name: 'put-manifest-32-clients',
  unit: 'requests/s',
  setup: (target) => seed(target, { blobs: manifestBlobs }),
  run: (target, seconds) => runLoad(target, { clients: 32, seconds, work: { kind: 'put-manifests', tags: 'any' } }),
};
