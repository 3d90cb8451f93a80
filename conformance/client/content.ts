// What the content made of paths is worth: other clients read it, and what other clients pushed unpacks here.
import { deepEqual, equal } from 'node:assert';
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type MakeOptions, makeContent } from '../../packages/server/src/client/content/make.ts';
import { unpack } from '../../packages/server/src/client/content/unpack.ts';
import type { Content } from '../../packages/server/src/client/content.ts';
import { runCommand } from '../run-command.ts';
import { toolPath } from '../tools.ts';

/** Cases for an open registry, `HOST:PORT`, that speaks plain HTTP. Each has repositories of its own. */
export const contentCases: readonly { readonly name: string; run(registry: string): Promise<void> }[] = [
  {
    name: 'oras pulls a file and a directory as they were pushed',
    run: inFolder(async (registry, folder) => {
      const docs = await plantDocs(folder);
      await push(`${registry}/content/docs:1`, docs);
      await push(`${registry}/content/file:1`, join(docs, 'a.txt'), { artifactType: 'text/vnd.example' });
      const pulled = join(folder, 'pulled');
      for (const name of ['docs', 'file']) {
        await run(folder, 'oras', ['pull', '--plain-http', '--output', pulled, `${registry}/content/${name}:1`]);
      }
      equal(await readFile(join(pulled, 'a.txt'), 'utf8'), 'one\n');
      await expectSameTree(join(pulled, 'docs'), docs);
      const shown = await run(folder, 'oras', ['manifest', 'fetch', '--plain-http', `${registry}/content/file:1`]);
      equal(JSON.parse(shown.stdout).artifactType, 'text/vnd.example');
    }),
  },
  {
    name: 'what oras pushed of a file and a directory unpacks the same',
    run: inFolder(async (registry, folder) => {
      const docs = await plantDocs(folder);
      const reference = `${registry}/content/by-oras:1`;
      await writeFile(join(folder, 'extra.bin'), 'extra');
      await run(folder, 'oras', ['push', '--plain-http', reference, 'extra.bin:text/plain', basename(docs)]);
      const pulled = join(folder, 'pulled');
      deepEqual(await pull(`${registry}/content/by-oras:1`, pulled), ['docs/', 'extra.bin']);
      await expectSameTree(join(pulled, 'docs'), docs);
    }),
  },
  {
    name: 'crane reads an image with its files, its config and the same digest each time it is made',
    run: inFolder(async (registry, folder) => {
      const root = await plantRoot(folder);
      const image = { entrypoint: ['/bin/tool'], platform: 'linux/arm64', env: ['A=b'], ports: ['80'] };
      const digest = await push(`${registry}/content/image:1`, root, { image });
      const reference = `${registry}/content/image:1`;
      equal((await run(folder, 'crane', ['digest', '--insecure', reference])).stdout.trim(), digest);
      await run(folder, 'crane', ['validate', '--insecure', '--remote', reference]);
      const config = JSON.parse((await run(folder, 'crane', ['config', '--insecure', reference])).stdout);
      deepEqual([config.architecture, config.config.Entrypoint], ['arm64', ['/bin/tool']]);
      await run(folder, 'crane', ['export', '--insecure', reference, join(folder, 'exported.tar')]);
      const listed = (await run(folder, 'tar', ['tvf', join(folder, 'exported.tar')])).stdout;
      for (const line of [/-rwsr-xr-x .* bin\/same\n/, /bin\/tool link to bin\/same\n/, /drwxrwxrwt .* tmp\n/]) {
        equal(line.test(listed), true, `${line} is not in\n${listed}`);
      }
      await chmod(join(root, 'etc/motd'), 0o600);
      equal(await push(`${registry}/content/image-again:1`, root, { image }), digest);
      deepEqual(await pull(`${registry}/content/image:1`, join(folder, 'pulled')), ['bin/', 'etc/', 'tmp/']);
    }),
  },
  {
    name: 'helm pulls and renders a chart of a directory, and a package that helm made comes through as it is',
    run: inFolder(async (registry, folder) => {
      const chart = await plantChart(folder);
      await push(`${registry}/content/charts/light:1.2.3`, chart);
      const pulled = join(folder, 'pulled');
      await mkdir(pulled);
      const args = ['--plain-http', '--version=1.2.3', `oci://${registry}/content/charts/light`];
      await run(folder, 'helm', ['pull', '--destination', pulled, ...args]);
      const rendered = await run(folder, 'helm', ['template', 'release', join(pulled, 'light-1.2.3.tgz')]);
      equal(rendered.stdout.includes('name: release-light'), true, rendered.stdout);
      equal((await run(folder, 'helm', ['show', 'chart', ...args])).stdout.includes('appVersion: "1.5"'), true);

      await run(folder, 'helm', ['package', chart, '--destination', folder]);
      const theirs = await listArchive(folder, join(folder, 'light-1.2.3.tgz'));
      deepEqual(await listArchive(folder, join(pulled, 'light-1.2.3.tgz')), theirs);
      await push(`${registry}/content/packaged/light:1.2.3`, join(folder, 'light-1.2.3.tgz'));
      const again = join(folder, 'again');
      deepEqual(await pull(`${registry}/content/packaged/light:1.2.3`, again), ['light-1.2.3.tgz']);
      deepEqual(await readFile(join(again, 'light-1.2.3.tgz')), await readFile(join(folder, 'light-1.2.3.tgz')));
    }),
  },
  {
    name: 'what helm pushed unpacks as its package',
    run: inFolder(async (registry, folder) => {
      await run(folder, 'helm', ['package', await plantChart(folder), '--destination', folder]);
      const file = join(folder, 'light-1.2.3.tgz');
      await run(folder, 'helm', ['push', '--plain-http', file, `oci://${registry}/content/by-helm`]);
      const pulled = join(folder, 'pulled');
      deepEqual(await pull(`${registry}/content/by-helm/light:1.2.3`, pulled), ['light-1.2.3.tgz']);
      deepEqual(await readFile(join(pulled, 'light-1.2.3.tgz')), await readFile(file));
    }),
  },
];

/** A case that gets an empty folder, removed afterwards. */
function inFolder(use: (registry: string, folder: string) => Promise<void>): (registry: string) => Promise<void> {
  return async (registry) => {
    const folder = await mkdtemp(join(tmpdir(), 'moorage-content-'));
    try {
      await use(registry, folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

/** Runs a client at home in the folder. */
function run(cwd: string, command: string, args: readonly string[]) {
  return runCommand(command, args, { cwd, env: { PATH: toolPath, HOME: cwd, LC_ALL: 'C.UTF-8' } });
}

async function plantDocs(folder: string): Promise<string> {
  const docs = join(folder, 'docs');
  await mkdir(join(docs, 'deep/empty'), { recursive: true });
  await writeFile(join(docs, 'a.txt'), 'one\n');
  await writeFile(join(docs, 'deep/Füße'), 'two');
  await writeFile(join(docs, 'deep', 'n'.repeat(200)), 'three');
  await writeFile(join(docs, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  await symlink('../a.txt', join(docs, 'deep/link'));
  return docs;
}

async function plantRoot(folder: string): Promise<string> {
  const root = join(folder, 'root');
  for (const name of ['bin', 'etc', 'tmp']) await mkdir(join(root, name), { recursive: true });
  await writeFile(join(root, 'bin/same'), 'x');
  await run(root, 'ln', ['bin/same', 'bin/tool']);
  await writeFile(join(root, 'etc/motd'), 'hello');
  await chmod(join(root, 'bin/tool'), 0o4755);
  await chmod(join(root, 'tmp'), 0o1777);
  return root;
}

async function plantChart(folder: string): Promise<string> {
  const chart = join(folder, 'chart');
  const files = {
    'Chart.yaml': 'apiVersion: v2\nname: light\nversion: 1.2.3\nappVersion: 1.5\n',
    'values.yaml': 'on: true\n',
    'templates/map.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-light\n',
    'templates/.hidden': 'out',
    'charts/dark/Chart.yaml': 'apiVersion: v2\nname: dark\nversion: 0.1.0\n',
    'notes.bak': 'out',
    'secrets/key': 'out',
    'files/[a].txt': 'in',
    '.helmignore': '*.bak\nsecrets/\n/files/b*\n',
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(chart, name, '..'), { recursive: true });
    await writeFile(join(chart, name), text);
  }
  return chart;
}

/** The names in an archive. */
async function listArchive(folder: string, file: string): Promise<readonly string[]> {
  const { stdout } = await run(folder, 'tar', ['tzf', file]);
  return stdout.trim().split('\n').sort();
}

async function expectSameTree(actual: string, expected: string): Promise<void> {
  const names = (await readdir(expected, { recursive: true })).sort();
  deepEqual((await readdir(actual, { recursive: true })).sort(), names);
  equal(await readlink(join(actual, 'deep/link')), await readlink(join(expected, 'deep/link')));
  for (const name of ['a.txt', 'deep/Füße', 'run.sh', `deep/${'n'.repeat(200)}`]) {
    deepEqual(await readFile(join(actual, name)), await readFile(join(expected, name)), name);
  }
}

/** Pushes what the path becomes by plain requests and returns its digest: the content is under test here, not the client. */
async function push(reference: string, path: string, options: MakeOptions = {}): Promise<string> {
  const { url, tag } = parse(reference);
  const content = await makeContent(path, options);
  try {
    for (const blob of content.blobs) await pushBlob(url, blob);
    const headers = { 'content-type': content.mediaType };
    const response = await ask(`${url}/manifests/${tag}`, { method: 'PUT', headers, body: content.manifest });
    return response.headers.get('docker-content-digest') ?? '';
  } finally {
    await content.close();
  }
}

async function pushBlob(url: string, { digest, open }: Content['blobs'][number]): Promise<void> {
  const begun = await ask(`${url}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(begun.headers.get('location') ?? '', begun.url);
  location.searchParams.set('digest', digest);
  await ask(location.href, { method: 'PUT', body: Buffer.concat(await Array.fromAsync(open())) });
}

async function pull(reference: string, directory: string): Promise<readonly string[]> {
  const { url, tag } = parse(reference);
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
  const manifest = await (await ask(`${url}/manifests/${tag}`, { headers })).arrayBuffer();
  const blobs = {
    async *open(digest: string) {
      yield new Uint8Array(await (await ask(`${url}/blobs/${digest}`)).arrayBuffer());
    },
  };
  return unpack(new Uint8Array(manifest), blobs, directory);
}

function parse(reference: string): { readonly url: string; readonly tag: string } {
  const [, host, repository, tag = ''] = /^([^/]+)\/(.+):([^:/]+)$/.exec(reference) ?? [];
  return { url: `http://${host}/v2/${repository}`, tag };
}

async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, init);
  if (response.ok) return response;
  throw new Error(`${init.method ?? 'GET'} ${url} answered ${response.status}: ${await response.text()}`);
}
