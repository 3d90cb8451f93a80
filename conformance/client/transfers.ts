// What is worth a large image: a copy that was cut off goes on, and nobody sees a difference.
import { equal, ok } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createGzip } from 'node:zlib';
import { createLayout, digestFile, type Layout } from '../clients/layout.ts';
import { runCommand } from '../run-command.ts';
import { startCountingProxy } from './counting-proxy.ts';
import { startDistribution } from './distribution.ts';
import { repositoryRoot, type World } from './world.ts';

const MiB = 2 ** 20;
const oci = 'application/vnd.oci.image';
const layerBytes = 100 * MiB;
const layers = 3;

/** A case with its sentence. */
export interface TransferCase {
  readonly name: string;
  run(world: World): Promise<void>;
}

export const transferCases: readonly TransferCase[] = [
  {
    name: 'a folder is pushed twice with one digest, crane reads it, and it is pulled as it was',
    async run(world) {
      const [first, second] = ['1', '2'].map((tag) => `${world.registry}/demo/docs:${tag}`);
      const digests = [];
      for (const reference of [first, second]) {
        const printed = lastLine(await world.moorage('push', './docs', reference ?? ''));
        const [, name, digest] = /^(.*)@(sha256:[0-9a-f]{64})$/.exec(printed) ?? [];
        equal(name, reference);
        equal((await world.crane('digest', '--insecure', reference ?? '')).trim(), digest);
        digests.push(digest);
      }
      equal(digests[0], digests[1]);
      await world.crane('manifest', '--insecure', first ?? '');
      const folder = await world.makeFolder();
      await world.moorage('pull', first ?? '', folder);
      await runCommand('diff', ['-r', join(repositoryRoot, 'docs'), join(folder, 'docs')]);
    },
  },
  {
    name: `a copy of ${(layers * layerBytes) / MiB} MiB from distribution, killed in the middle, sends the rest when it is typed again`,
    async run(world) {
      const folder = await world.makeFolder();
      const source = await startDistribution(folder);
      const proxy = await startCountingProxy(world.registry);
      try {
        const from = `${source.host}/team/large:1`;
        const wanted = await pushImage(world, folder, from);
        await expectResumed(world, { from, to: `${proxy.host}/copies/large:1`, proxy, flags: [] });
        const reference = `${world.registry}/copies/large:1`;
        equal((await world.crane('digest', '--insecure', reference)).trim(), wanted);
        await world.crane('validate', '--insecure', '--remote', reference);
      } finally {
        proxy.close();
        await source.stop();
      }
    },
  },
  {
    name: 'a copy to distribution in chunks, killed in the middle, likewise',
    async run(world) {
      const folder = await world.makeFolder();
      const target = await startDistribution(folder);
      const proxy = await startCountingProxy(target.host);
      try {
        const from = `${world.registry}/copies/large:1`;
        await expectResumed(world, { from, to: `${proxy.host}/back/large:1`, proxy, flags: ['--chunk', '8MiB'] });
        const reference = `${target.host}/back/large:1`;
        const wanted = await world.crane('digest', '--insecure', from);
        equal(await world.crane('digest', '--insecure', reference), wanted);
        await world.crane('validate', '--insecure', '--remote', reference);
      } finally {
        proxy.close();
        await target.stop();
      }
    },
  },
];

interface Resumed {
  readonly from: string;
  readonly to: string;
  readonly proxy: Awaited<ReturnType<typeof startCountingProxy>>;
  readonly flags: readonly string[];
}

/** Copies, killed at 40 % and typed again; throws unless both runs together sent little more than there is. */
async function expectResumed(world: World, { from, to, proxy, flags }: Resumed): Promise<void> {
  const wholeBytes = layers * layerBytes;
  const words = ['copy', from, to, ...flags];
  const middle = proxy.reached(0.4 * wholeBytes);
  const first = world.start(words);
  await Promise.race([middle, first.ended]);
  first.kill();
  const { signal, stderr } = await first.ended;
  equal(signal, 'SIGKILL', `The first run was over before it was killed:\n${stderr}`);
  const firstBytes = proxy.take();
  const printed = lastLine(await world.moorage(...words));
  ok(printed.startsWith(`${to}@sha256:`), printed);
  const secondBytes = proxy.take();
  const shown = [firstBytes, secondBytes].map((bytes) => `${(bytes / MiB).toFixed(0)} MiB`).join(', then ');
  console.log(`       sent ${shown} of ${wholeBytes / MiB} MiB`);
  ok(secondBytes < 0.75 * wholeBytes, `The second run began anew: ${shown}.`);
  ok(firstBytes + secondBytes < 1.15 * wholeBytes, `Too much was sent twice: ${shown}.`);
}

/** Pushes an image with crane; returns its digest. */
async function pushImage(world: World, folder: string, reference: string): Promise<string> {
  const layout = await createLayout(join(folder, 'layout'));
  const parts = [];
  for (let index = 0; index < layers; index += 1) parts.push(await addLayer(layout, join(folder, `layer-${index}`)));
  const config = await layout.putJson(`${oci}.config.v1+json`, {
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: parts.map(({ diffId }) => diffId) },
  });
  const mediaType = `${oci}.manifest.v1+json`;
  const descriptors = parts.map(({ descriptor }) => descriptor);
  const image = await layout.putJson(mediaType, { schemaVersion: 2, mediaType, config, layers: descriptors });
  await layout.finish(image);
  await world.crane('push', '--insecure', join(folder, 'layout'), reference);
  return image.digest;
}

/** A layer whose compression costs nothing and gains nothing. */
async function addLayer(layout: Layout, file: string) {
  await writeFile(`${file}.bin`, randomBytes(layerBytes - MiB));
  await runCommand('tar', ['-C', dirname(file), '-cf', `${file}.tar`, `${basename(file)}.bin`]);
  const encoders = [createGzip({ level: 0 })];
  const descriptor = await layout.putFile(`${oci}.layer.v1.tar+gzip`, `${file}.tar`, encoders);
  return { descriptor, diffId: await digestFile(`${file}.tar`) };
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
