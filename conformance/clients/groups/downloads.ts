import { equal, ok } from 'node:assert';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Descriptor, digestFile, verifyLayout } from '../layout.ts';
import { push } from '../transfer.ts';
import type { Group, World } from '../world.ts';

const repository = 'downloads/image';
const MiB = 2 ** 20;

/** A large blob in parts. */
export const downloads: Group = {
  name: 'downloads',
  cases: [
    {
      name: 'curl loses its connection and resumes the download by range',
      run: (world) =>
        world.inFolder(async (folder) => {
          await push(world, 'regctl', { fixture: world.fixtures.image, to: `${repository}:v1` });
          const blob = await findLargestBlob(world);
          const file = join(folder, 'blob');
          // head ends after 20 MiB; curl's pipe breaks and it hangs up in the middle of the answer.
          const cut = `curl --silent "$0" | head --bytes=${20 * MiB} > "$1"`;
          await world.run('sh', ['-c', cut, urlOf(world, blob), file]);
          equal((await stat(file)).size, 20 * MiB);
          await world.run('curl', [
            '--fail',
            '--silent',
            '--show-error',
            '--continue-at',
            '-',
            '--output',
            file,
            urlOf(world, blob),
          ]);
          equal(await digestFile(file), blob.digest);
        }),
    },
    {
      name: 'curl downloads four ranges at once, which make the blob',
      run: (world) =>
        world.inFolder(async (folder) => {
          const blob = await findLargestBlob(world);
          const partBytes = Math.ceil(blob.size / 4);
          const parts = [0, 1, 2, 3].map((part) => ({
            file: join(folder, `part-${part}`),
            range: `${part * partBytes}-${Math.min((part + 1) * partBytes, blob.size) - 1}`,
          }));
          await Promise.all(
            parts.map(({ file, range }) =>
              world.run('curl', [
                '--fail',
                '--silent',
                '--show-error',
                '--range',
                range,
                '--output',
                file,
                urlOf(world, blob),
              ]),
            ),
          );
          const whole = join(folder, 'whole');
          await world.run('sh', ['-c', 'cat "$@" > "$0"', whole, ...parts.map(({ file }) => file)]);
          equal(await digestFile(whole), blob.digest);
        }),
    },
  ],
};

async function findLargestBlob({ fixtures: { image } }: World): Promise<Descriptor> {
  const descriptors = await verifyLayout(image.directory, image.root);
  const largest = descriptors.reduce((a, b) => (b.size > a.size ? b : a));
  ok(largest.size > 32 * MiB, 'The image has no layer that is large enough.');
  return largest;
}

function urlOf({ server }: World, { digest }: Descriptor): string {
  return `${server.url}/v2/${repository}/blobs/${digest}`;
}
