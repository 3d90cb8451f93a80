// What Next.js does to pushes behind its proxy file, by real clients: `node tools/run.js conformance/next-proxy.ts`. The host's proxy file leaves the registry alone, but not under the name localhost.
import { equal, match } from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { prepareHosts } from './hosts/hosts.ts';
import { runCommand, tryCommand } from './run-command.ts';
import { startHost } from './server.ts';

const megabyte = 1_000_000;
const words = /bytes of this body came through Next\.js, .*leave the paths of the registry out of the matcher/;

const directory = await mkdtemp(join(tmpdir(), 'moorage-next-proxy-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
await prepareHosts(['next']);
const server = await startHost('next');
const kept = server.host.replace('127.0.0.1', 'localhost');
let passed = 0;
let failed = 0;

/** A layer of random bytes; clients do not look inside. */
async function makeLayer(
  name: string,
  sizeBytes: number,
): Promise<{ readonly file: string; readonly bytes: Uint8Array }> {
  const file = join(directory, `${name}.tar`);
  const bytes = randomBytes(sizeBytes);
  await writeFile(file, bytes);
  return { file, bytes };
}

const large = await makeLayer('large', 20 * megabyte);
const small = await makeLayer('small', megabyte);
const digest = `sha256:${createHash('sha256').update(large.bytes).digest('hex')}`;
const append = (layer: string, to: string) => ['append', '--new_layer', layer, '--new_tag', to];

/** Pushes 20 MB in one request that says so. */
function putLarge(host: string): Promise<Response> {
  const url = `http://${host}/v2/put/large/blobs/uploads/?digest=${digest}`;
  return fetch(url, {
    method: 'POST',
    body: Buffer.from(large.bytes),
    headers: { 'Content-Type': 'application/octet-stream' },
  });
}

const cases = [
  {
    name: 'crane pushes 20 MB past the proxy file, and pulls them',
    async run() {
      const reference = `${server.host}/crane/large:1`;
      await runCommand('crane', append(large.file, reference));
      const file = join(directory, 'pulled');
      await runCommand('crane', ['pull', '--format=oci', reference, file]);
      const { layers } = JSON.parse((await runCommand('crane', ['manifest', reference])).stdout);
      const pulled = await readFile(join(file, 'blobs', layers[0].digest.replace(':', '/')));
      equal(`sha256:${createHash('sha256').update(pulled).digest('hex')}`, layers[0].digest);
    },
  },
  {
    name: '20 MB that say so are taken past the proxy file',
    run: async () => equal((await putLarge(server.host)).status, 201),
  },
  {
    name: 'crane, which does not say how much it sends, is told why 20 MB do not go through the proxy file',
    async run() {
      const { exitCode, transcript } = await tryCommand('crane', append(large.file, `${kept}/crane/cut:1`));
      equal(exitCode, 1, transcript);
      match(transcript, words);
    },
  },
  {
    name: '20 MB that say so are refused behind the proxy file, with both numbers',
    async run() {
      const answer = await putLarge(kept);
      const { errors } = JSON.parse(await answer.text());
      equal(answer.status, 413);
      match(errors[0].message, words);
      match(errors[0].message, new RegExp(`there were ${large.bytes.byteLength}:`));
    },
  },
  {
    name: 'what is small goes through the proxy file',
    run: () => runCommand('crane', append(small.file, `${kept}/crane/small:1`)),
  },
];

for (const { name, run } of cases) {
  try {
    await run();
    passed += 1;
    console.log(`ok     ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}\n${error instanceof Error ? error.message : error}\n${await server.lastLog()}`);
  }
}
await server.stop();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
