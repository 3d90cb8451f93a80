import { pullAndCompare, push } from '../transfer.ts';
import type { Group } from '../world.ts';

/** A copy between two repositories of one registry moves no bytes: each blob is mounted. */
export const mounts: Group = {
  name: 'mounts',
  cases: [
    {
      name: 'crane copies to another repository without an upload',
      async run(world) {
        const { host } = world.server;
        await push(world, 'crane', { fixture: world.fixtures.image, to: 'mounts/source:v1' });
        const { stderr } = await world.run('crane', [
          'copy',
          '-v',
          `${host}/mounts/source:v1`,
          `${host}/mounts/by-crane:v1`,
        ]);
        expectMountsOnly(stderr, { mounted: /<-- 201 \S+[?&]mount=/, uploaded: /--> (PATCH|PUT) \S+\/blobs\// });
        await pullAndCompare(world, 'skopeo', { fixture: world.fixtures.image, from: 'mounts/by-crane:v1' });
      },
    },
    {
      name: 'regctl copies to another repository without an upload',
      async run(world) {
        const { host } = world.server;
        const copy = ['image', 'copy', `${host}/mounts/source:v1`, `${host}/mounts/by-regctl:v1`];
        const { stderr } = await world.run('regctl', ['--verbosity=trace', ...copy]);
        expectMountsOnly(stderr, {
          mounted: /req-method=POST \S+[?&]mount=.* resp-status="201/,
          uploaded: /req-method=(PATCH|PUT) req-url="?\S+\/blobs\//,
        });
        await pullAndCompare(world, 'oras', { fixture: world.fixtures.image, from: 'mounts/by-regctl:v1' });
      },
    },
  ],
};

function expectMountsOnly(log: string, patterns: { readonly mounted: RegExp; readonly uploaded: RegExp }): void {
  const lines = log.split('\n');
  const uploaded = lines.filter((line) => patterns.uploaded.test(line));
  if (uploaded.length > 0) throw new Error(`The client uploaded instead of mounting:\n${uploaded.join('\n')}`);
  if (!lines.some((line) => patterns.mounted.test(line))) throw new Error('The client mounted nothing.');
}
