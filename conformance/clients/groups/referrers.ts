import { deepEqual, equal } from 'node:assert';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { push } from '../transfer.ts';
import type { Group, World } from '../world.ts';

const sbomType = 'application/spdx+json';
const signatureType = 'application/vnd.example.signature';
const sbom = '{"spdxVersion":"SPDX-2.3","name":"harbor-light"}';
const signature = 'c2lnbmF0dXJl';
const repository = 'referrers/image';

/** An SBOM and a signature that refer to an image. */
export const referrers: Group = {
  name: 'referrers',
  cases: [
    {
      name: 'oras attaches an SBOM, regctl finds and reads it',
      run: (world) =>
        world.inFolder(async (folder) => {
          const reference = `${world.server.host}/${repository}:v1`;
          await push(world, 'crane', { fixture: world.fixtures.gzipImage, to: `${repository}:v1` });
          await writeFile(join(folder, 'sbom.json'), sbom);
          const attach = ['attach', '--plain-http', '--artifact-type', sbomType, reference, `sbom.json:${sbomType}`];
          await world.run('oras', attach, { cwd: folder });
          const get = ['artifact', 'get', '--subject', reference, '--filter-artifact-type', sbomType];
          equal((await world.run('regctl', get)).stdout, sbom);
        }),
    },
    {
      name: 'regctl adds a signature, oras discovers both and filters by type',
      async run(world) {
        const reference = `${world.server.host}/${repository}:v1`;
        const put = ['artifact', 'put', '--artifact-type', signatureType, '--subject', reference];
        await world.run('regctl', put, { input: signature });
        const discover = ['discover', '--plain-http', '--format=json', reference];
        deepEqual(await discoverTypes(world, discover), [sbomType, signatureType]);
        deepEqual(await discoverTypes(world, [...discover, '--artifact-type', signatureType]), [signatureType]);
      },
    },
    {
      name: 'regctl lists both',
      async run(world) {
        const reference = `${world.server.host}/${repository}:v1`;
        const { stdout } = await world.run('regctl', ['artifact', 'list', '--format={{json .Descriptors}}', reference]);
        const descriptors: { artifactType: string }[] = JSON.parse(stdout);
        deepEqual(descriptors.map(({ artifactType }) => artifactType).sort(), [sbomType, signatureType]);
      },
    },
    {
      name: 'no client fell back to tags of the old referrers scheme',
      async run(world) {
        const { stdout } = await world.run('crane', ['ls', `${world.server.host}/${repository}`]);
        deepEqual(stdout.trim().split('\n'), ['v1']);
      },
    },
    {
      name: 'oras copies the image with its referrers to another repository',
      async run(world) {
        const { host } = world.server;
        const copy = ['cp', '--recursive', '--from-plain-http', '--to-plain-http'];
        await world.run('oras', [...copy, `${host}/${repository}:v1`, `${host}/referrers/copy:v1`]);
        const types = await discoverTypes(world, [
          'discover',
          '--plain-http',
          '--format=json',
          `${host}/referrers/copy:v1`,
        ]);
        deepEqual(types, [sbomType, signatureType]);
      },
    },
  ],
};

async function discoverTypes(world: World, discover: readonly string[]): Promise<string[]> {
  const { stdout } = await world.run('oras', discover);
  const found: { referrers: { artifactType: string }[] } = JSON.parse(stdout);
  return found.referrers.map(({ artifactType }) => artifactType).sort();
}
