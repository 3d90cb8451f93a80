import { deepEqual, notEqual } from 'node:assert';
import { push } from '../transfer.ts';
import type { Group, World } from '../world.ts';

const repository = 'tags/image';

/** Tags: listed by every client, in pages, and deleted. */
export const tags: Group = {
  name: 'tags',
  cases: [
    {
      name: 'crane tags, and crane, regctl, skopeo and oras list the same tags',
      async run(world) {
        const reference = `${world.server.host}/${repository}`;
        await push(world, 'crane', { fixture: world.fixtures.gzipImage, to: `${repository}:a1` });
        await push(world, 'crane', { fixture: world.fixtures.cacheManifest, to: `${repository}:b1` });
        for (const tag of ['a2', 'a3', 'a4']) await world.run('crane', ['tag', `${reference}:a1`, tag]);
        const expected = ['a1', 'a2', 'a3', 'a4', 'b1'];
        deepEqual(await listWithCrane(world), expected);
        deepEqual((await world.run('regctl', ['tag', 'ls', reference])).stdout.trim().split('\n'), expected);
        deepEqual(
          JSON.parse((await world.run('skopeo', ['list-tags', `docker://${reference}`])).stdout).Tags,
          expected,
        );
        const byOras = await world.run('oras', ['repo', 'tags', '--plain-http', reference]);
        deepEqual(byOras.stdout.trim().split('\n'), expected);
      },
    },
    {
      name: 'pages of two follow each other by Link and give every tag once',
      async run(world) {
        const found: string[] = [];
        let path: string | undefined = `${repository}/tags/list?n=2`;
        while (path !== undefined) {
          const response = await world.ask(path);
          const page: { tags: string[] } = JSON.parse(await response.text());
          notEqual(page.tags.length, 0);
          found.push(...page.tags);
          path = /<(?:https?:\/\/[^/]+)?\/v2\/([^>]+)>; *rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
        }
        deepEqual(found, await listWithCrane(world));
      },
    },
    {
      name: 'regctl and crane delete a tag and leave the others and the manifest',
      async run(world) {
        await world.run('regctl', ['tag', 'delete', `${world.server.host}/${repository}:a2`]);
        await world.run('crane', ['delete', `${world.server.host}/${repository}:a3`]);
        deepEqual(await listWithCrane(world), ['a1', 'a4', 'b1']);
        await world.ask(`${repository}/manifests/a3`, { expect: 404 });
        await world.ask(`${repository}/manifests/${world.fixtures.gzipImage.root.digest}`);
      },
    },
    {
      name: 'regctl deletes a manifest and with it its tags',
      async run(world) {
        const { digest } = world.fixtures.gzipImage.root;
        await world.run('regctl', ['manifest', 'delete', `${world.server.host}/${repository}@${digest}`]);
        deepEqual(await listWithCrane(world), ['b1']);
        await world.ask(`${repository}/manifests/${digest}`, { expect: 404 });
      },
    },
    {
      name: 'skopeo deletes the last image, which regctl can push again',
      async run(world) {
        await world.run('skopeo', ['delete', `docker://${world.server.host}/${repository}:b1`]);
        deepEqual(await listWithCrane(world), []);
        await push(world, 'regctl', { fixture: world.fixtures.cacheManifest, to: `${repository}:b1` });
        deepEqual(await listWithCrane(world), ['b1']);
      },
    },
  ],
};

async function listWithCrane(world: World): Promise<string[]> {
  const { stdout } = await world.run('crane', ['ls', `${world.server.host}/${repository}`]);
  return stdout.split('\n').filter((line) => line !== '');
}
