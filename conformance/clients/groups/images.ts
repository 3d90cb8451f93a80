import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type LayoutClient, pullAndCompare, push, transfers } from '../transfer.ts';
import { expectLayout, type Group, type World } from '../world.ts';

const couples: readonly (readonly [pusher: LayoutClient, puller: LayoutClient])[] = [
  ['skopeo', 'crane'],
  ['crane', 'regctl'],
  ['regctl', 'oras'],
  ['oras', 'skopeo'],
];

/** The large image of two platforms, between every client. */
export const images: Group = {
  name: 'images',
  cases: [
    ...couples.map(([pusher, puller]) => ({
      name: `${pusher} pushes an index of two platforms, ${puller} pulls it unchanged`,
      async run(world: World) {
        const { image: fixture } = world.fixtures;
        await push(world, pusher, { fixture, to: `images/by-${pusher}:v1` });
        await pullAndCompare(world, puller, { fixture, from: `images/by-${pusher}:v1` });
      },
    })),
    { name: 'buildah pulls what skopeo pushed and unpacks the very files', run: unpackWithBuildah },
    { name: 'buildah builds and pushes an image, crane validates it, skopeo pulls it', run: buildWithBuildah },
    { name: 'buildah pushes an index of what others pushed, regctl pulls it', run: indexWithBuildah },
    { name: 'crane and skopeo push the same image at once, oras pulls it', run: pushAtOnce },
    { name: 'regctl pushes in chunks of 4 MiB, crane pulls it unchanged', run: pushInChunks },
  ],
};

async function unpackWithBuildah(world: World): Promise<void> {
  const { stdout } = await world.run('buildah', ['from', '--arch=amd64', `${world.server.host}/images/by-skopeo:v1`]);
  const { stdout: root } = await world.run('buildah', ['mount', stdout.trim()]);
  for (const archive of world.fixtures.archives) {
    await world.run('tar', ['--diff', `--file=${archive}`, `--directory=${root.trim()}`]);
  }
}

async function buildWithBuildah(world: World): Promise<void> {
  const reference = `${world.server.host}/images/built:v1`;
  const { stdout } = await world.run('buildah', ['from', 'scratch']);
  const name = stdout.trim();
  await world.run('buildah', ['add', name, world.fixtures.smallArchive, '/']);
  await world.run('buildah', ['config', '--cmd', '/usr/bin/true', name]);
  await world.run('buildah', ['commit', '--timestamp=0', name, 'built:v1']);
  await world.inFolder(async (folder) => {
    const digestFile = join(folder, 'digest');
    await world.run('buildah', ['push', `--digestfile=${digestFile}`, 'built:v1', `docker://${reference}`]);
    await world.run('crane', ['validate', '--remote', reference]);
    const directory = join(folder, 'layout');
    await world.run('skopeo', transfers.skopeo.pull(reference, directory));
    const { headers } = await world.ask('images/built/manifests/v1');
    await expectLayout(directory, {
      mediaType: headers.get('content-type') ?? '',
      digest: await readFile(digestFile, 'utf8'),
      size: Number(headers.get('content-length')),
    });
  });
}

async function indexWithBuildah(world: World): Promise<void> {
  const { host } = world.server;
  await world.run('buildah', ['manifest', 'create', 'list']);
  await world.run('buildah', ['manifest', 'add', '--all', 'list', `docker://${host}/images/by-skopeo:v1`]);
  await world.run('buildah', ['manifest', 'push', '--all', 'list', `docker://${host}/images/listed:v1`]);
  const { stdout } = await world.run('regctl', ['manifest', 'head', `${host}/images/listed:v1`]);
  const { headers } = await world.ask(`images/listed/manifests/${stdout.trim()}`);
  await world.inFolder(async (folder) => {
    await world.run('regctl', transfers.regctl.pull(`${host}/images/listed:v1`, join(folder, 'layout')));
    await expectLayout(join(folder, 'layout'), {
      mediaType: headers.get('content-type') ?? '',
      digest: stdout.trim(),
      size: Number(headers.get('content-length')),
    });
  });
}

async function pushAtOnce(world: World): Promise<void> {
  const { image: fixture } = world.fixtures;
  const to = 'images/at-once:v1';
  await Promise.all([push(world, 'crane', { fixture, to }), push(world, 'skopeo', { fixture, to })]);
  await pullAndCompare(world, 'oras', { fixture, from: to });
}

async function pushInChunks(world: World): Promise<void> {
  const { gzipImage: fixture } = world.fixtures;
  const { host } = world.server;
  const to = 'images/chunked:v1';
  const chunkBytes = String(4 * 2 ** 20);
  const chunked = ['--skip-check', '--blob-max', chunkBytes, '--blob-chunk', chunkBytes, host];
  await world.run('regctl', ['registry', 'set', ...chunked]);
  const { stderr } = await world.run('regctl', [
    '--verbosity=trace',
    ...transfers.regctl.push(fixture.directory, `${host}/${to}`),
  ]);
  await world.run('regctl', ['registry', 'set', '--skip-check', '--blob-max', '-1', host]);
  if (!stderr.includes('req-method=PATCH')) throw new Error('regctl sent no PATCH.');
  await pullAndCompare(world, 'crane', { fixture, from: to });
}
