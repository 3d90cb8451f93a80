import { equal } from 'node:assert';
import { join } from 'node:path';
import { childDescriptors, type Descriptor } from '../layout.ts';
import { transfers } from '../transfer.ts';
import { expectLayout, type Group, type World } from '../world.ts';

const docker = 'application/vnd.docker.distribution.manifest';

/** Docker's older formats, alone and beside OCI's. */
export const dockerFormats: Group = {
  name: 'docker',
  cases: [
    {
      name: 'skopeo pushes a schema 2 image, crane validates it, buildah pulls it',
      async run(world) {
        await pushAsDocker(world, [], 'docker/image:v2');
        await describe(world, 'docker/image', { reference: 'v2', mediaType: `${docker}.v2+json` });
        await world.run('crane', ['validate', '--remote', `${world.server.host}/docker/image:v2`]);
        await world.run('buildah', ['pull', `${world.server.host}/docker/image:v2`]);
      },
    },
    {
      name: 'skopeo pushes a manifest list, regctl pulls it unchanged',
      async run(world) {
        await pushAsDocker(world, ['--all'], 'docker/list:v2');
        const root = await describe(world, 'docker/list', { reference: 'v2', mediaType: `${docker}.list.v2+json` });
        await pullWithRegctl(world, 'docker/list:v2', root);
      },
    },
    {
      name: 'regctl makes an OCI index of a Docker and an OCI manifest, skopeo reads each platform',
      async run(world) {
        const { host } = world.server;
        await pushAsDocker(world, ['--all'], 'docker/mixed:docker');
        const oci = transfers.crane.push(world.fixtures.gzipImage.directory, `${host}/docker/mixed:oci`);
        await world.run('crane', oci);
        const pick = async (tag: string, platform: string) =>
          (await world.run('crane', ['digest', `--platform=${platform}`, `${host}/docker/mixed:${tag}`])).stdout.trim();
        const digests = [await pick('docker', 'linux/amd64'), await pick('oci', 'linux/arm64')];
        const references = digests.flatMap((digest) => ['--ref', `${host}/docker/mixed@${digest}`]);
        await world.run('regctl', ['index', 'create', `${host}/docker/mixed:both`, ...references]);
        const mediaType = 'application/vnd.oci.image.index.v1+json';
        const root = await describe(world, 'docker/mixed', { reference: 'both', mediaType });
        await pullWithRegctl(world, 'docker/mixed:both', root);
        for (const architecture of ['amd64', 'arm64']) {
          const inspect = [`--override-arch=${architecture}`, 'inspect', `docker://${host}/docker/mixed:both`];
          const { stdout } = await world.run('skopeo', inspect);
          equal(JSON.parse(stdout).Architecture, architecture);
        }
      },
    },
  ],
};

async function pushAsDocker(world: World, flags: readonly string[], to: string): Promise<void> {
  const source = `oci:${world.fixtures.gzipImage.directory}:latest`;
  await world.run('skopeo', ['copy', '--format=v2s2', ...flags, source, `docker://${world.server.host}/${to}`]);
}

async function pullWithRegctl(world: World, from: string, root: Descriptor): Promise<void> {
  await world.inFolder(async (folder) => {
    await world.run('regctl', transfers.regctl.pull(`${world.server.host}/${from}`, join(folder, 'layout')));
    await expectLayout(join(folder, 'layout'), root);
  });
}

/** The descriptor of a manifest that the registry serves, of which the media type and all children's types are as expected. */
async function describe(
  world: World,
  repository: string,
  expected: { readonly reference: string; readonly mediaType: string },
): Promise<Descriptor> {
  const response = await world.ask(`${repository}/manifests/${expected.reference}`);
  const mediaType = response.headers.get('content-type') ?? '';
  const digest = response.headers.get('docker-content-digest') ?? '';
  const json = await response.text();
  equal(mediaType, expected.mediaType);
  if (mediaType.startsWith(docker)) {
    const foreign = childDescriptors(json).filter((child) => !child.mediaType.startsWith('application/vnd.docker.'));
    equal(foreign.length, 0, `Not Docker's: ${JSON.stringify(foreign)}`);
  }
  return { mediaType, digest, size: Buffer.byteLength(json) };
}
