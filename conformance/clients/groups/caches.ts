import { pullAndCompare, push } from '../transfer.ts';
import type { Group } from '../world.ts';

/** BuildKit's cache (`--cache-to type=registry`), in both of its forms. */
export const caches: Group = {
  name: 'caches',
  cases: [
    {
      name: 'regctl pushes a cache whose index names layers, oras pulls it unchanged',
      async run(world) {
        const { cacheIndex: fixture } = world.fixtures;
        await push(world, 'regctl', { fixture, to: 'caches/index:regctl' });
        await pullAndCompare(world, 'oras', { fixture, from: 'caches/index:regctl' });
      },
    },
    {
      name: 'oras pushes a cache whose index names layers, regctl pulls it unchanged',
      async run(world) {
        const { cacheIndex: fixture } = world.fixtures;
        await push(world, 'oras', { fixture, to: 'caches/index:oras' });
        await pullAndCompare(world, 'regctl', { fixture, from: 'caches/index:oras' });
      },
    },
    {
      name: 'crane pushes a cache as an image manifest, skopeo pulls it unchanged',
      async run(world) {
        const { cacheManifest: fixture } = world.fixtures;
        await push(world, 'crane', { fixture, to: 'caches/manifest:v1' });
        await pullAndCompare(world, 'skopeo', { fixture, from: 'caches/manifest:v1' });
      },
    },
  ],
};
