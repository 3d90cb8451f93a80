import { equal, match, ok } from 'node:assert/strict';
import { statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Case, createClients, startMoorage } from '../tls/server.ts';

const append = (host: string, name: string) => ['append', '--new_layer', 'layer.tar', '--new_tag', `${host}/${name}`];

/** What is stored, and what is not. */
export const storage: readonly Case[] = [
  {
    name: 'blob unknown: oras is told which content is missing, and once that is pushed the manifest is taken',
    async run(directory) {
      const server = await startMoorage(directory, []);
      try {
        const clients = await createClients(directory);
        await clients.run('crane', append(server.host, 'hello:1'));
        const { stdout: manifest } = await clients.run('crane', ['manifest', `${server.host}/hello:1`]);
        await writeFile(join(clients.home, 'manifest.json'), manifest);
        const push = ['manifest', 'push', '--plain-http', `${server.host}/other:1`, 'manifest.json'];
        const refused = await clients.fail('oras', push);
        match(refused.stderr, /MANIFEST_BLOB_UNKNOWN|manifest blob unknown/i);
        match(refused.stderr, /which this repository does not have: push or mount it first/);
        const digests: readonly string[] = JSON.parse(manifest).layers.map(({ digest }: { digest: string }) => digest);
        ok(
          digests.some((digest) => refused.stderr.includes(digest)),
          refused.stderr,
        );
        const absent = await clients.fail('oras', [
          'blob',
          'fetch',
          '--plain-http',
          '--output',
          'blob',
          `${server.host}/hello@sha256:${'0'.repeat(64)}`,
        ]);
        match(absent.stderr, /not found|blob unknown/i);
        await clients.run('crane', ['copy', `${server.host}/hello:1`, `${server.host}/other:2`]);
        await clients.run('oras', push);
      } finally {
        await server.stop();
      }
    },
  },
  {
    name: 'disk full: skopeo is told how much is free and how much is kept, pulls go on, and with a smaller reserve it pushes',
    async run(directory) {
      // No disk is filled: more is to be kept free than there is.
      const { bavail, bsize } = await statfs(directory);
      const tooMuch = String(bavail * bsize + 2 ** 34);
      const clients = await createClients(directory);
      const empty = await startMoorage(directory, []);
      await clients.run('crane', append(empty.host, 'before:1'));
      await empty.stop();
      for (const reserve of [tooMuch, '0']) {
        const server = await startMoorage(directory, ['--uploads-reserve-bytes', reserve]);
        try {
          const source = `docker://${server.host}/before:1`;
          await clients.run('skopeo', ['copy', '--src-tls-verify=false', source, `dir:${directory}/pulled-${reserve}`]);
          const push = [
            'copy',
            '--dest-tls-verify=false',
            `dir:${directory}/pulled-${reserve}`,
            `docker://${server.host}/after:1`,
          ];
          if (reserve === '0') await clients.run('skopeo', push);
          else {
            const refused = await clients.fail('skopeo', push);
            match(
              refused.stderr,
              /denied: The disk of this registry has \d+ MiB left, and \d+ MiB are kept free: .* makes room/,
            );
            const limited = server.log().find(({ status }) => status === 413);
            match(String(limited?.['error']), /nothing can be pushed until its administrator makes room/);
          }
        } finally {
          await server.stop();
        }
      }
    },
  },
  {
    name: 'deletes that free nothing: after a delete by crane the disk holds as much, and the log says what gives the space back',
    async run(directory) {
      const server = await startMoorage(directory, []);
      try {
        const clients = await createClients(directory);
        const sizeOf = async () =>
          Number((await clients.run('du', ['-sb', join(server.data, 'blobs')])).stdout.split('\t')[0]);
        await clients.run('sh', ['-c', 'head -c 3000000 /dev/urandom > random && tar -cf layer.tar random']);
        await clients.run('crane', append(server.host, 'hello:1'));
        const before = await sizeOf();
        const { stdout: digest } = await clients.run('crane', ['digest', `${server.host}/hello:1`]);
        await clients.run('crane', ['delete', `${server.host}/hello@${digest.trim()}`]);
        await clients.fail('crane', ['manifest', `${server.host}/hello:1`]);
        equal(await sizeOf(), before);
        const entry = await server.told(/^deleted, which frees no space/);
        match(entry.msg, /copy what is wanted to a server with a new data directory \(moorage copy\)/);
      } finally {
        await server.stop();
      }
    },
  },
];
