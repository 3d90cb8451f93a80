import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ExitError } from '../../exit-error.ts';
import { type MakeOptions, makeContent } from './make.ts';
import { type UnpackTarget, unpack } from './unpack.ts';

let root = '';
let target = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'moorage-unpack-'));
  target = join(root, 'target');
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Makes content of a path and unpacks it. */
async function pass(path: string, options: MakeOptions = {}): Promise<readonly string[]> {
  const content = await makeContent(path, options);
  const open = (digest: string) => {
    const blob = content.blobs.find((candidate) => candidate.digest === digest);
    if (blob === undefined) throw new Error(`There is no ${digest}.`);
    return blob.open();
  };
  try {
    return await unpack(content.manifest, { open }, target);
  } finally {
    await content.close();
  }
}

const digestOf = (bytes: string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Unpacks an artifact of files by their titles. `sent` is what the registry sends in place of a file's bytes. */
function unpackFiles(
  files: readonly (readonly [title: string, text: string])[],
  options: Partial<UnpackTarget> & { readonly sent?: string } = {},
): Promise<readonly string[]> {
  const { sent, ...rest } = options;
  const manifest = {
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 },
    layers: files.map(([title, text]) => ({
      mediaType: 'text/plain',
      digest: digestOf(text),
      size: text.length,
      annotations: { 'org.opencontainers.image.title': title },
    })),
  };
  const texts = new Map(files.map(([, text]) => [digestOf(text), sent ?? text]));
  const blobs = {
    async *open(digest: string) {
      yield Buffer.from(texts.get(digest) ?? '');
    },
  };
  return unpack(Buffer.from(JSON.stringify(manifest)), blobs, { directory: target, ...rest });
}

test('a directory comes back as it was pushed', async () => {
  await mkdir(join(root, 'docs/sub/empty'), { recursive: true });
  await writeFile(join(root, 'docs/sub/a.txt'), 'a');
  await writeFile(join(root, 'docs/run'), 'r', { mode: 0o755 });
  await symlink('../run', join(root, 'docs/sub/link'));
  expect(await pass(join(root, 'docs'))).toEqual(['docs/']);
  expect(await readdir(target, { recursive: true })).toEqual(
    expect.arrayContaining(['docs/run', 'docs/sub/a.txt', 'docs/sub/empty', 'docs/sub/link']),
  );
  expect(await readFile(join(target, 'docs/sub/link'), 'utf8')).toBe('r');
  expect((await stat(join(target, 'docs/run'))).mode & 0o111).not.toBe(0);
  await expect(pass(join(root, 'docs'))).rejects.toThrow(/exists: remove it, or add --force/);
});

test('an image and a chart come back too', async () => {
  for (const name of ['bin', 'etc']) await mkdir(join(root, 'image', name), { recursive: true });
  await writeFile(join(root, 'image/bin/tool'), 't', { mode: 0o755 });
  expect(await pass(join(root, 'image'))).toEqual(['bin/', 'etc/']);
  expect((await stat(join(target, 'bin/tool'))).mode & 0o777).toBe(0o755);
  await mkdir(join(root, 'chart'));
  await writeFile(join(root, 'chart/Chart.yaml'), 'name: light\nversion: 1.2.3+build.5\n');
  expect(await pass(join(root, 'chart'))).toEqual(['light-1.2.3+build.5.tgz']);
});

test('titles may name directories, which are made', async () => {
  expect(
    await unpackFiles([
      ['a/b/c.txt', 'c'],
      ['d.txt', 'd'],
    ]),
  ).toEqual(['a/', 'd.txt']);
  expect(await readFile(join(target, 'a/b/c.txt'), 'utf8')).toBe('c');
});

test.each(['../up', 'a/../../up', '/etc/passwd', 'a\0b', 'a\nb', '', '.', './'])(
  'the title %j is refused',
  async (title) => {
    await expect(unpackFiles([[title, 'x']])).rejects.toThrow(ExitError);
    expect(await readdir(target)).toEqual([]);
    expect(await readdir(root)).toEqual(['target']);
  },
);

test('two blobs with one title, or one below the other, are refused', async () => {
  await expect(
    unpackFiles([
      ['a', '1'],
      ['./a', '2'],
    ]),
  ).rejects.toThrow('Two blobs have the title a.');
  await expect(
    unpackFiles([
      ['a', '1'],
      ['a/b', '2'],
    ]),
  ).rejects.toThrow('leads through "a"');
  expect(await readdir(target)).toEqual([]);
});

test.each([
  ['other bytes', 'hellp', 'sent other bytes than those of'],
  ['fewer bytes', 'hell', 'sent 4 of the 5 bytes'],
  ['more bytes', 'hello and more', 'sends more of'],
])('%s than the digest stands for never get a name', async (_, sent, words) => {
  await expect(unpackFiles([['good.txt', 'hello']], { sent })).rejects.toThrow(words);
  expect(await readdir(target)).toEqual([]);
});

test('a file that exists is refused before anything is asked for, unless force is given', async () => {
  await mkdir(target);
  await writeFile(join(target, 'a'), 'mine');
  await expect(unpackFiles([['a', 'theirs']], { sent: 'never read' })).rejects.toThrow(
    new ExitError(`${join(target, 'a')} exists: remove it, or add --force to replace it.`),
  );
  expect(await unpackFiles([['a', 'theirs']], { force: true })).toEqual(['a']);
  expect(await readFile(join(target, 'a'), 'utf8')).toBe('theirs');
});

test('force replaces neither links nor directories', async () => {
  await mkdir(join(target, 'directory'), { recursive: true });
  await writeFile(join(root, 'outside'), 'untouched');
  await symlink(join(root, 'outside'), join(target, 'link'));
  await symlink(root, join(target, 'away'));
  for (const title of ['link', 'directory', 'away/new']) {
    await expect(unpackFiles([[title, 'x']], { force: true })).rejects.toThrow('is in the way');
  }
  expect(await readFile(join(root, 'outside'), 'utf8')).toBe('untouched');
  expect((await readdir(root)).sort()).toEqual(['outside', 'target']);
});

test('the limits hold for files as they are, too', async () => {
  const limits = { maxBytes: 4 };
  await expect(unpackFiles([['a', 'hello']], { limits })).rejects.toThrow('unpacks to more than 4 B');
});

test.each([
  ['{"manifests":[]}', 'This is an index'],
  ['{}', 'The manifest is none of an image or an artifact'],
  ['[', 'The manifest is no JSON.'],
  [`{"config":{"mediaType":"a","digest":"${digestOf('')}","size":0},"layers":[]}`, 'None of its blobs says which file'],
])('the manifest %s is refused', async (text, words) => {
  const blobs = {
    open(): never {
      throw new Error('Nothing is asked for.');
    },
  };
  await expect(unpack(Buffer.from(text), blobs, target)).rejects.toThrow(words);
});

test('a digest of an unknown algorithm is refused in a sentence', async () => {
  const layer = { mediaType: 'a', digest: 'md5:x', size: 0, annotations: { 'org.opencontainers.image.title': 'a' } };
  const manifest = { config: { mediaType: 'a', digest: digestOf(''), size: 0 }, layers: [layer] };
  const blobs = { open: () => Readable.from([]) };
  await expect(unpack(Buffer.from(JSON.stringify(manifest)), blobs, target)).rejects.toThrow(ExitError);
});
