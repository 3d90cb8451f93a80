import { blobsOf, describeManifest, imageManifest, kib, repository } from '../content.ts';
import type { Read } from '../load/job.ts';
import { runLoad } from '../load/load.ts';
import type { Row } from '../row.ts';
import { seed } from '../seed.ts';

const configuration = blobsOf(8 * kib)('configuration');
const layers = Array.from({ length: 40 }, (_, index) => blobsOf(256 * kib)(`layer ${index}`));
const text = imageManifest([configuration, ...layers], {});

const read = (method: Read['method'], path: string): Read => ({ method, path: `/v2/${repository}/${path}` });
const reads: readonly Read[] = [
  { method: 'GET', path: '/v2/' },
  read('HEAD', 'manifests/latest'),
  read('GET', `manifests/${describeManifest(text).digest}`),
  ...[configuration, ...layers].map(({ digest }) => read('GET', `blobs/${digest}`)),
];

/** 32 clients pull an image of 40 layers of 256 KiB, as docker asks for it, each over one connection. */
export const row: Row = {
  name: 'pull-image-40-layers-32-clients',
  unit: 'images/s',
  setup: (target) => seed(target, { blobs: [configuration, ...layers], manifest: { tag: 'latest', text } }),
  run: (target, seconds) => runLoad(target, { clients: 32, seconds, work: { kind: 'read', reads } }),
};
