import { makeManifest, manifestBlobs, repository } from '../content.ts';
import { runGets } from '../load/load.ts';
import type { Row } from '../row.ts';
import { seed } from '../seed.ts';

/** GET of one manifest by tag over 16 connections. */
export const row: Row = {
  name: 'get-manifest-by-tag',
  unit: 'requests/s',
  setup: (target) => seed(target, { blobs: manifestBlobs, manifest: { tag: 'latest', text: makeManifest('latest') } }),
  run: (target, seconds) => runGets(target, { path: `/v2/${repository}/manifests/latest`, clients: 16, seconds }),
};
