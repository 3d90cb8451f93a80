import { describeManifest, makeManifest, manifestBlobs, repository } from '../content.ts';
import { runGets } from '../load/load.ts';
import type { Row } from '../row.ts';
import { seed } from '../seed.ts';

const text = makeManifest('latest');

/** GET of one manifest by digest over 16 connections. */
export const row: Row = {
  name: 'get-manifest-by-digest',
  unit: 'requests/s',
  setup: (target) => seed(target, { blobs: manifestBlobs, manifest: { tag: 'latest', text } }),
  run: (target, seconds) =>
    runGets(target, { path: `/v2/${repository}/manifests/${describeManifest(text).digest}`, clients: 16, seconds }),
};
