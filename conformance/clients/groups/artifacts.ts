import { equal } from 'node:assert';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from '../layout.ts';
import type { Group, World } from '../world.ts';

const artifactType = 'application/vnd.example.firmware';
const helmConfig = 'application/vnd.cncf.helm.config.v1+json';
const helmContent = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';

/** What is no image: files with a type of their own, and Helm charts. */
export const artifacts: Group = {
  name: 'artifacts',
  cases: [
    {
      name: 'oras pushes an artifact, regctl pulls the same file',
      run: (world) =>
        world.inFolder(async (folder) => {
          const reference = `${world.server.host}/artifacts/firmware:by-oras`;
          await copyFile(world.fixtures.smallArchive, join(folder, 'firmware.bin'));
          const file = 'firmware.bin:application/octet-stream';
          await world.run('oras', ['push', '--plain-http', '--artifact-type', artifactType, reference, file], {
            cwd: folder,
          });
          await mkdir(join(folder, 'pulled'));
          await world.run('regctl', ['artifact', 'get', '--output', join(folder, 'pulled'), reference]);
          await expectSameFile(join(folder, 'pulled/firmware.bin'), world.fixtures.smallArchive);
        }),
    },
    {
      name: 'regctl pushes an artifact, oras pulls the same file',
      run: (world) =>
        world.inFolder(async (folder) => {
          const reference = `${world.server.host}/artifacts/firmware:by-regctl`;
          await copyFile(world.fixtures.smallArchive, join(folder, 'firmware.bin'));
          const file = ['--file-title', '--file', 'firmware.bin', '--file-media-type', 'application/octet-stream'];
          await world.run('regctl', ['artifact', 'put', '--artifact-type', artifactType, ...file, reference], {
            cwd: folder,
          });
          await world.run('oras', ['pull', '--plain-http', '--output', join(folder, 'pulled'), reference]);
          await expectSameFile(join(folder, 'pulled/firmware.bin'), world.fixtures.smallArchive);
        }),
    },
    {
      name: 'helm pushes a chart and pulls it, oras fetches the same bytes',
      run: (world) =>
        world.inFolder(async (folder) => {
          const { host } = world.server;
          const chart = await packageChart(world, folder);
          await world.run('helm', ['push', '--plain-http', chart, `oci://${host}/charts`]);
          await pullChart(world, `${host}/charts/harbor-light`, join(folder, 'pulled'));
          await expectSameFile(join(folder, 'pulled/harbor-light-1.2.3.tgz'), chart);
          const fetched = join(folder, 'fetched.tgz');
          const blob = `${host}/charts/harbor-light@${await digestFile(chart)}`;
          await world.run('oras', ['blob', 'fetch', '--plain-http', '--output', fetched, blob]);
          await expectSameFile(fetched, chart);
        }),
    },
    {
      name: 'oras pushes a chart, helm pulls it',
      run: (world) =>
        world.inFolder(async (folder) => {
          const { host } = world.server;
          const chart = await packageChart(world, folder);
          await writeFile(join(folder, 'config.json'), '{"name":"by-oras","version":"1.2.3","apiVersion":"v2"}');
          const files = ['--config', `config.json:${helmConfig}`, `${host}/charts/by-oras:1.2.3`];
          const content = `harbor-light-1.2.3.tgz:${helmContent}`;
          await world.run('oras', ['push', '--plain-http', ...files, content], { cwd: folder });
          await pullChart(world, `${host}/charts/by-oras`, join(folder, 'pulled'));
          await expectSameFile(join(folder, 'pulled/by-oras-1.2.3.tgz'), chart);
        }),
    },
  ],
};

async function packageChart(world: World, folder: string): Promise<string> {
  const chart = join(folder, 'chart');
  await mkdir(join(chart, 'templates'), { recursive: true });
  await writeFile(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: harbor-light\nversion: 1.2.3\n');
  const template = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n';
  await writeFile(join(chart, 'templates/config-map.yaml'), template);
  await world.run('helm', ['package', chart, '--destination', folder]);
  return join(folder, 'harbor-light-1.2.3.tgz');
}

async function pullChart(world: World, chart: string, destination: string): Promise<void> {
  await mkdir(destination);
  await world.run('helm', ['pull', '--plain-http', '--version=1.2.3', '--destination', destination, `oci://${chart}`]);
}

async function expectSameFile(file: string, original: string): Promise<void> {
  equal(await digestFile(file), await digestFile(original), `${file} differs from ${original}`);
}
