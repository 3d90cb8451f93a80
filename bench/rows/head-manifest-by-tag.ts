import { makeManifest, manifestBlobs, repository } from '../content.ts';
import { runLoad } from '../load/load.ts';
import type { Row } from '../row.ts';
import { seed } from '../seed.ts';

/** HEAD of one manifest by tag over 16 connections: what docker asks before each pull. */
export const row: Row = {
  name: 'head-manifest-by-tag',
  unit: 'requests/s',
  setup: (target) => seed(target, { blobs: manifestBlobs, manifest: { tag: 'latest', text: makeManifest('latest') } }),
  run: (target, seconds) => {
    const reads = [{ method: 'HEAD', path: `/v2/${repository}/manifests/latest` }] as const;
    return runLoad(target, { clients: 16, seconds, work: { kind: 'read', reads } });
  },
};
