import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { type Ended, startServer, temporaryDirectory, typeMoorage } from './run-moorage.ts';

// Each test starts the command several times, perhaps on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 120_000 });

const layer = Buffer.alloc(50_000, 'layer');
const config = Buffer.from('{}');
const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const descriptor = (mediaType: string, bytes: Buffer) => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.byteLength,
});
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: manifestType,
  config: descriptor('application/vnd.oci.image.config.v1+json', config),
  layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
});

/** Pushes as a client does: what is there already is not sent. */
async function pushImage(url: string, name: string): Promise<void> {
  for (const bytes of [config, layer]) {
    const digest = digestOf(bytes);
    if ((await fetch(`${url}/v2/${name}/blobs/${digest}`, { method: 'HEAD' })).status === 200) continue;
    const target = `${url}/v2/${name}/blobs/uploads/?digest=${digest}`;
    const headers = { 'Content-Type': 'application/octet-stream' };
    expect((await fetch(target, { method: 'POST', headers, body: new Uint8Array(bytes) })).status).toBe(201);
  }
  const headers = { 'Content-Type': manifestType };
  const put = await fetch(`${url}/v2/${name}/manifests/1`, { method: 'PUT', headers, body: manifest });
  expect(put.status).toBe(201);
}

/** A directory in which a server stored an image and ended. */
async function makeData(): Promise<string> {
  const server = await startServer();
  await pushImage(server.url, 'acme/web');
  server.process.kill('SIGTERM');
  await server.ended;
  return server.data;
}

/** A copy of `data` that a test may damage. */
function copyOf(data: string): string {
  const copy = temporaryDirectory();
  cpSync(data, copy, { recursive: true });
  return copy;
}

function blobFile(data: string): string {
  const blobs = join(data, 'blobs', 'blobs');
  const [name = ''] = readdirSync(blobs, { recursive: true, encoding: 'utf8' }).filter((path) => path.length > 2);
  return join(blobs, name);
}

/** Every file with its bytes, as a digest; what SQLite puts beside a database while it is read is not the registry's. */
function snapshot(data: string): Readonly<Record<string, string>> {
  const paths = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter(
    (path) => !/-(wal|shm)$/.test(path) && statSync(join(data, path)).isFile(),
  );
  return Object.fromEntries(paths.sort().map((path) => [path, digestOf(readFileSync(join(data, path)))]));
}

async function check(data: string, flags = ''): Promise<Ended> {
  return typeMoorage(data, `check${flags}`);
}

test('check ends with 0 where all is well, with the server or without, and changes nothing', async () => {
  const data = await makeData();
  const before = snapshot(data);
  const { code, stdout, stderr } = await check(data);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe('Checked 1 manifest and 2 blobs; 48.8 KiB of files were read.\n');
  expect(snapshot(data)).toEqual(before);

  const server = await startServer([], data);
  expect((await check(data)).code).toBe(0);
  await pushImage(server.url, 'acme/api');
  const { code: again, stdout: json } = await check(data, ' --quick --json');
  expect(again).toBe(0);
  expect(JSON.parse(json)).toEqual({
    data,
    isQuick: true,
    blobs: 2,
    manifests: 2,
    readBytes: 0,
    leftovers: { files: 0, bytes: 0 },
    findings: [],
  });
});

test('a flipped bit is found with 1, and beside the running server mended by --mend and a push to another name', async () => {
  const data = await makeData();
  const server = await startServer([], data);
  const bytes = readFileSync(blobFile(data));
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  writeFileSync(blobFile(data), bytes);
  expect((await check(data, ' --quick')).code).toBe(0);

  const found = await check(data, ' --mend');
  expect([found.code, found.stderr]).toEqual([1, 'Found 1 fault.\n']);
  expect(found.stdout).toBe(
    [
      `broken: The blob ${digestOf(layer)} has bytes of the digest ${digestOf(bytes)}.`,
      `  hits  acme/web@${digestOf(Buffer.from(manifest))} (1)`,
      `  mend  moorage check --mend --data ${data}, then push it again. Once it was pushed to any name, all that hold it serve it; crane wants a name that is new.`,
      'Took 1 out of the way: push them again.',
      'Checked 1 manifest and 2 blobs; 48.8 KiB of files were read.\n',
    ].join('\n'),
  );
  const blob = `${server.url}/v2/acme/web/blobs/${digestOf(layer)}`;
  expect((await fetch(blob)).status).toBe(404);
  await pushImage(server.url, 'acme/again');
  expect(Buffer.from(await (await fetch(blob)).arrayBuffer())).toEqual(layer);
  const after = await check(data);
  expect(after.code).toBe(0);
  expect(after.stdout).toContain('Left over: 1 file of 48.8 KiB that nothing names.');
  expect((await typeMoorage(data, 'audit')).stdout).toContain(`mend-discard-blob`);
});

test('a missing file and a broken manifest are found with 1; --mend takes the manifest with its tags', async () => {
  const data = await makeData();
  rmSync(blobFile(data));
  const database = new DatabaseSync(join(data, 'registry.db'));
  database.prepare('update manifest_bytes set bytes = ?').run(new Uint8Array(10));
  database.close();
  const found = await check(data, ' --mend --json');
  expect(found.code).toBe(1);
  expect(JSON.parse(found.stdout)).toMatchObject({
    mended: 2,
    findings: [
      { kind: 'broken', uses: [{ repository: 'acme/web', tags: ['1'] }] },
      { kind: 'missing', message: expect.stringContaining('has no file') },
    ],
  });
  const server = await startServer([], data);
  expect((await fetch(`${server.url}/v2/acme/web/manifests/1`)).status).toBe(404);
  await pushImage(server.url, 'acme/web');
  expect((await check(data)).code).toBe(0);
});

test('a damaged database is found with 1, explained, and neither changed nor mended', async () => {
  const whole = await makeData();
  const database = (data: string) => join(data, 'registry.db');
  const damages: readonly ((file: string) => void)[] = [
    (file) => truncateSync(file, Math.floor(statSync(file).size / 8192) * 4096),
    (file) => truncateSync(file, 0),
    (file) => writeFileSync(file, 'a letter to a friend\n'.repeat(1000)),
  ];
  for (const damage of damages) {
    const data = copyOf(whole);
    damage(database(data));
    const before = snapshot(data);
    const { code, stdout } = await check(data, ' --mend');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^damaged: The database is damaged: .*\n {2}mend {2}Stop the server and restore a backup\./);
    expect(stdout).toContain(`sqlite3 ${database(data)} .recover`);
    expect(stdout).toContain('Took 0 out of the way');
    expect(snapshot(data)).toEqual(before);
  }
});

test('where it cannot look it ends with 2, says why, and makes nothing', async () => {
  const empty = temporaryDirectory();
  const nothing = await check(empty);
  expect(nothing).toMatchObject({ code: 2, stdout: '' });
  expect(nothing.stderr).toMatch(/^Could not look\. There is no registry in .*--data DIRECTORY\.\n$/);
  expect(readdirSync(empty)).toEqual([]);

  const data = await makeData();
  rmSync(join(data, 'blobs'), { recursive: true });
  const unmounted = await check(data);
  expect(unmounted.code).toBe(2);
  expect(unmounted.stderr).toMatch(/^Could not look\. .* is its disk mounted\?\n$/);
  expect(readdirSync(data)).not.toContain('blobs');

  expect((await check(data, ' --fast')).code).toBe(2);
  expect((await check(data, ' --help')).code).toBe(0);
});
