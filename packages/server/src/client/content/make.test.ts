import { createHash } from 'node:crypto';
import { appendFile, chmod, link, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ExitError } from '../../exit-error.ts';
import type { Content } from '../content.ts';
import { type MakeOptions, makeContent } from './make.ts';
import { readTar } from './read-tar.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'moorage-make-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Writes files below the root: an empty text makes a directory. */
async function plant(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(root, name.endsWith('/') ? name : dirname(name)), { recursive: true });
    if (!name.endsWith('/')) await writeFile(join(root, name), text);
  }
  return root;
}

async function readAll(blob: Content['blobs'][number] | undefined, offset?: number): Promise<Buffer> {
  if (blob === undefined) throw new Error('There is no such blob.');
  return Buffer.concat(await Array.fromAsync(blob.open(offset)));
}

async function* once(bytes: Uint8Array) {
  yield bytes;
}

/** Makes content, hands on what it holds and closes it. */
async function make(path: string, options: MakeOptions = {}) {
  const content = await makeContent(path, options);
  try {
    const bytes = await Promise.all(content.blobs.map((blob) => readAll(blob)));
    for (const [index, { digest, size }] of content.blobs.entries()) {
      const blob = bytes[index] ?? Buffer.alloc(0);
      expect(digest).toBe(`sha256:${createHash('sha256').update(blob).digest('hex')}`);
      expect(size).toBe(blob.length);
    }
    const config = JSON.parse(String(bytes[0]));
    const layer = bytes[1] ?? Buffer.alloc(0);
    const entries = layer[0] === 0x1f ? await Array.fromAsync(readTar(once(gunzipSync(layer)), 'test')) : [];
    return {
      manifest: JSON.parse(new TextDecoder().decode(content.manifest)),
      digest: createHash('sha256').update(content.manifest).digest('hex'),
      config,
      layer,
      names: entries.map(({ path: name, mode, type }) => `${type} ${name} ${mode.toString(8)}`),
    };
  } finally {
    await content.close();
  }
}

const refuses = (path: string, options: MakeOptions, sentence: string) =>
  expect(makeContent(path, options)).rejects.toThrow(new ExitError(sentence));

test('a file becomes an artifact of its own bytes, with a pinned digest', async () => {
  await plant({ 'hello.txt': 'hello\n' });
  const { manifest, digest } = await make(join(root, 'hello.txt'), {
    artifactType: 'text/vnd.greeting',
    annotations: { b: '2', a: '1' },
  });
  expect(manifest).toEqual({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: 'text/vnd.greeting',
    config: {
      mediaType: 'application/vnd.oci.empty.v1+json',
      digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
      size: 2,
      data: 'e30=',
    },
    layers: [
      {
        mediaType: 'application/octet-stream',
        digest: 'sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03',
        size: 6,
        annotations: { 'org.opencontainers.image.title': 'hello.txt' },
      },
    ],
    annotations: { a: '1', b: '2' },
  });
  expect(Object.keys(manifest.annotations)).toEqual(['a', 'b']);
  expect(digest).toBe('3e251c7e39b47d15fd40d4116f6c80f472a6f5947ae2366989f15b09bf0772c3');
});

test('a directory becomes an artifact that oras unpacks, its archive the same whatever the times, the modes and the order of making', async () => {
  await plant({ 'docs/b/two.txt': 'two', 'docs/a.txt': 'one', 'docs/run.sh': '#!/bin/sh\n', 'docs/empty/': '' });
  await chmod(join(root, 'docs/run.sh'), 0o700);
  await symlink('../a.txt', join(root, 'docs/b/link'));
  const first = await make(join(root, 'docs'));
  expect(first.names).toEqual([
    'directory docs/ 755',
    'file docs/a.txt 644',
    'directory docs/b/ 755',
    'symlink docs/b/link 777',
    'file docs/b/two.txt 644',
    'directory docs/empty/ 755',
    'file docs/run.sh 755',
  ]);
  const [layer] = first.manifest.layers;
  expect(layer.annotations).toEqual({
    'io.deis.oras.content.digest': `sha256:${createHash('sha256').update(gunzipSync(first.layer)).digest('hex')}`,
    'io.deis.oras.content.unpack': 'true',
    'org.opencontainers.image.title': 'docs',
  });
  // The archive's digest is pinned, not the layer's: the compressed bytes may differ between versions of zlib.
  expect(layer.annotations['io.deis.oras.content.digest']).toBe(
    'sha256:11b8b8ac93c55abb01dcc8b47767b8c59fe2c6b5cc992a3bc510a282b9c9dfbc',
  );
  await rm(join(root, 'docs'), { recursive: true });
  await plant({ 'docs/run.sh': '#!/bin/sh\n', 'docs/empty/': '', 'docs/a.txt': 'one', 'docs/b/two.txt': 'two' });
  await symlink('../a.txt', join(root, 'docs/b/link'));
  await chmod(join(root, 'docs/run.sh'), 0o775);
  await chmod(join(root, 'docs/a.txt'), 0o600);
  await chmod(join(root, 'docs/b'), 0o700);
  await utimes(join(root, 'docs/a.txt'), 1, 1);
  expect((await make(join(root, 'docs'))).digest).toBe(first.digest);
  expect((await make(join(root, 'docs'), { sourceDateEpoch: '1700000000' })).digest).not.toBe(first.digest);
  expect(first.layer.subarray(0, 10).toString('hex')).toBe('1f8b08000000000000ff');
});

test('a directory with two names of a root file system becomes an image, which keeps setuid and hard links', async () => {
  await plant({ 'root/bin/tool': 'x', 'root/etc/passwd': 'root', 'root/tmp/': '' });
  await link(join(root, 'root/bin/tool'), join(root, 'root/bin/tool-again'));
  await chmod(join(root, 'root/bin/tool'), 0o4750);
  await chmod(join(root, 'root/tmp'), 0o1777);
  await chmod(join(root, 'root/etc/passwd'), 0o640);
  const image = {
    platform: 'linux/arm64/v8',
    entrypoint: ['/bin/tool'],
    cmd: ['--help'],
    env: ['A=b'],
    workdir: '/tmp',
    user: '1000',
    labels: { z: '1', a: '2' },
    ports: ['8080', '53/udp'],
  };
  const { manifest, config, layer, names } = await make(join(root, 'root'), { image });
  expect(manifest.config.mediaType).toBe('application/vnd.oci.image.config.v1+json');
  expect(manifest.layers).toHaveLength(1);
  expect(config).toEqual({
    created: '1970-01-01T00:00:00Z',
    architecture: 'arm64',
    os: 'linux',
    variant: 'v8',
    config: {
      User: '1000',
      ExposedPorts: { '53/udp': {}, '8080/tcp': {} },
      Env: ['A=b'],
      Entrypoint: ['/bin/tool'],
      Cmd: ['--help'],
      WorkingDir: '/tmp',
      Labels: { a: '2', z: '1' },
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(gunzipSync(layer)).digest('hex')}`] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'moorage push' }],
  });
  expect(names).toEqual([
    'directory bin/ 755',
    'file bin/tool 4755',
    'link bin/tool-again 4755',
    'directory etc/ 755',
    'file etc/passwd 644',
    'directory tmp/ 1777',
  ]);
  const kept = await make(join(root, 'root'), { image: { ...image, keepModes: true } });
  expect(kept.names).toContain('file etc/passwd 640');
  expect(kept.names).toContain('file bin/tool 4750');
});

test('a chart becomes what helm packages: files below its name, without what .helmignore names', async () => {
  await plant({
    'chart/Chart.yaml': 'apiVersion: v2\nname: light\nversion: 1.2.3\nappVersion: 1.5\ndescription: A light\n',
    'chart/values.yaml': 'on: true\n',
    'chart/templates/map.yaml': 'kind: ConfigMap\n',
    'chart/templates/.hidden': '',
    'chart/notes.bak': '',
    'chart/secrets/key': '',
    'chart/.helmignore': '# comment\n*.bak\nsecrets/\n',
  });
  const { manifest, config, names } = await make(join(root, 'chart'));
  expect(names).toEqual([
    'file light/.helmignore 644',
    'file light/Chart.yaml 644',
    'file light/templates/map.yaml 644',
    'file light/values.yaml 644',
  ]);
  expect(config).toEqual({
    apiVersion: 'v2',
    name: 'light',
    version: '1.2.3',
    appVersion: '1.5',
    description: 'A light',
  });
  expect(manifest.config.mediaType).toBe('application/vnd.cncf.helm.config.v1+json');
  expect(manifest.layers[0].mediaType).toBe('application/vnd.cncf.helm.chart.content.v1.tar+gzip');
  expect(manifest.annotations).toEqual({
    'org.opencontainers.image.description': 'A light',
    'org.opencontainers.image.title': 'light',
    'org.opencontainers.image.version': '1.2.3',
  });
});

test('a packaged chart becomes a chart as it is, another .tgz an artifact', async () => {
  await plant({ 'chart/Chart.yaml': 'name: light\nversion: 1.2.3\n', 'other/file': 'x' });
  const chart = await make(join(root, 'chart'));
  await writeFile(join(root, 'light-1.2.3.tgz'), chart.layer);
  const packaged = await make(join(root, 'light-1.2.3.tgz'));
  expect(packaged.digest).toBe(chart.digest);
  expect(packaged.layer.equals(chart.layer)).toBe(true);
  await writeFile(join(root, 'other.tgz'), (await make(join(root, 'other'))).layer);
  expect((await make(join(root, 'other.tgz'))).manifest.artifactType).toBe('application/vnd.unknown.artifact.v1');
  await refuses(
    join(root, 'other.tgz'),
    { as: 'chart' },
    `${join(root, 'other.tgz')} is no packaged chart: it holds no NAME/Chart.yaml.`,
  );
  await writeFile(join(root, 'broken.tgz'), 'no archive');
  expect((await make(join(root, 'broken.tgz'))).manifest.layers[0].size).toBe(10);
});

test('a blob is read from an offset, as often as it is asked for, until the content is closed', async () => {
  await plant({ 'file/a': 'abcdef' });
  const single = await makeContent(join(root, 'file/a'), {});
  expect(String(await readAll(single.blobs[1], 4))).toBe('ef');
  expect(String(await readAll(single.blobs[0], 1))).toBe('}');
  const content = await makeContent(join(root, 'file'), {});
  const whole = await readAll(content.blobs[1]);
  expect((await readAll(content.blobs[1], 20)).equals(whole.subarray(20))).toBe(true);
  await content.close();
  await expect(readAll(content.blobs[1])).rejects.toThrow('ENOENT');
});

test('names of any length and script come through', async () => {
  const long = `${'deep/'.repeat(60)}${'n'.repeat(200)}`;
  await plant({ [`tree/${long}`]: 'x', 'tree/Füße/日本': 'y' });
  await symlink('l'.repeat(180), join(root, 'tree/link'));
  const { names } = await make(join(root, 'tree'));
  expect(names).toContain(`file tree/${long} 644`);
  expect(names).toContain('file tree/Füße/日本 644');
});

test('what cannot be pushed is refused in a sentence', async () => {
  await plant({ 'dir/file': 'x', 'chart/Chart.yaml': 'name: ../up\nversion: 1.2.3\n', 'yaml/Chart.yaml': 'a: [' });
  await refuses(join(root, 'none'), {}, `There is no ${join(root, 'none')}.`);
  await refuses(
    join(root, 'dir/file'),
    { as: 'image' },
    `${join(root, 'dir/file')} is a file: an image is made of a directory, its root file system.`,
  );
  await refuses(
    join(root, 'dir'),
    { image: { cmd: ['x'] } },
    'This would become an artifact, which has no cmd: add --as image.',
  );
  await refuses(
    join(root, 'chart'),
    { artifactType: 'x/y' },
    'This would become a Helm chart, which has no artifact type: add --as artifact.',
  );
  await refuses(
    join(root, 'chart'),
    {},
    `${join(root, 'chart/Chart.yaml')} is no chart's description: its name must be as Helm wants them.`,
  );
  await expect(makeContent(join(root, 'yaml'), {})).rejects.toThrow(/Chart\.yaml is no YAML: /);
  await refuses(
    join(root, 'dir'),
    { sourceDateEpoch: 'now' },
    'SOURCE_DATE_EPOCH is "now": it must be a number of seconds since 1970.',
  );
  const asImage = (image: MakeOptions['image']) => makeContent(join(root, 'dir'), { as: 'image', image });
  await expect(asImage({ env: ['=x'] })).rejects.toThrow('"=x" is no variable: type NAME=VALUE.');
  await expect(asImage({ ports: ['70000'] })).rejects.toThrow('"70000" is no port');
  await expect(asImage({ platform: 'linux' })).rejects.toThrow('"linux" is no platform');
  await expect(asImage({ workdir: 'tmp' })).rejects.toThrow('must begin with /');
  await writeFile(join(root, 'dir/new\nline'), '');
  await refuses(
    join(root, 'dir'),
    {},
    `${join(root, 'dir')} holds "new\\nline": rename it, others could not read such a name.`,
  );
});

test('a socket is refused, and nothing stays in the temporary directory', async () => {
  await plant({ 'dir/file': 'x' });
  const socket = join(root, 'dir/socket');
  const temporary = join(root, 'tmp');
  await mkdir(temporary);
  const server = createServer();
  await new Promise<void>((listening) => server.listen(socket, listening));
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = temporary;
  try {
    await refuses(join(root, 'dir'), {}, `${socket} is a socket, which has no content to push: remove it.`);
    expect(await readdir(temporary)).toEqual([]);
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    server.close();
  }
});

test('a file that changes after its digest was taken is refused', async () => {
  await plant({ 'file.txt': 'before' });
  const file = join(root, 'file.txt');
  const content = await makeContent(file, {});
  await appendFile(file, ' and after');
  await expect(readAll(content.blobs[1])).rejects.toThrow(
    new ExitError(`${file} changed while it was read: push again when nothing writes to it.`),
  );
});
