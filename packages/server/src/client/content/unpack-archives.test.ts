// Archives as nobody honest makes them, and layers on top of each other.
import { createHash } from 'node:crypto';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { Header, type HeaderData, Pax } from 'tar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ExitError } from '../../exit-error.ts';
import { unpack } from './unpack.ts';

let root = '';
let target = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'moorage-unpack-'));
  target = join(root, 'target');
  await writeFile(join(root, 'outside'), 'untouched');
});
afterEach(async () => {
  expect((await readdir(root)).filter((name) => name !== 'target')).toEqual(['outside']);
  expect(await readFile(join(root, 'outside'), 'utf8')).toBe('untouched');
  await rm(root, { recursive: true, force: true });
});

type Entry = HeaderData & { readonly path: string; readonly text?: string | Buffer; readonly records?: string };

function entryBytes({ text = '', records, ...fields }: Entry): Buffer {
  const body = typeof text === 'string' ? Buffer.from(text) : text;
  const block = Buffer.alloc(512);
  const header = new Header({ type: 'File', mode: 0o644, mtime: new Date(0), size: body.length, ...fields });
  const pax = header.encode(block) ? [new Pax(fields).encode()] : [];
  const extended =
    records === undefined
      ? []
      : [entryBytes({ path: 'pax', type: 'ExtendedHeader', text: Buffer.from(records, 'latin1') })];
  return Buffer.concat([...extended, ...pax, block, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

const tar = (...entries: readonly Entry[]) => Buffer.concat([...entries.map(entryBytes), Buffer.alloc(1024)]);

type Part = { readonly mediaType: string; readonly bytes: Uint8Array; readonly annotations?: Record<string, string> };

/** Unpacks a manifest of these blobs. */
function unpackParts(config: Part, layers: readonly Part[], limits = {}): Promise<readonly string[]> {
  const digestOf = ({ bytes }: Part) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const describe = (part: Part) => ({ ...part, bytes: undefined, digest: digestOf(part), size: part.bytes.length });
  const manifest = { schemaVersion: 2, config: describe(config), layers: layers.map(describe) };
  const parts = new Map([config, ...layers].map((part) => [digestOf(part), part.bytes]));
  const blobs = {
    async *open(digest: string) {
      yield parts.get(digest) ?? Buffer.alloc(0);
    },
  };
  return unpack(Buffer.from(JSON.stringify(manifest)), blobs, { directory: target, limits });
}

const empty: Part = { mediaType: 'application/vnd.oci.empty.v1+json', bytes: Buffer.from('{}') };
const imageConfig: Part = { mediaType: 'application/vnd.oci.image.config.v1+json', bytes: Buffer.from('{}') };
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';

const unpackDirectory = (...entries: readonly Entry[]) =>
  unpackParts(empty, [
    {
      mediaType: layerType,
      bytes: gzipSync(tar(...entries)),
      annotations: { 'org.opencontainers.image.title': 'd', 'io.deis.oras.content.unpack': 'true' },
    },
  ]);

const unpackImage = (...layers: readonly (readonly Entry[])[]) =>
  unpackParts(
    imageConfig,
    layers.map((entries) => ({ mediaType: layerType, bytes: gzipSync(tar(...entries)) })),
  );

async function expectRefused(unpacking: Promise<unknown>, words: string | RegExp): Promise<void> {
  const error = await unpacking.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ExitError);
  expect(String(error)).toMatch(words);
  expect(await readdir(target)).toEqual([]);
}

test.each<[string, readonly Entry[], string | RegExp]>([
  ['goes up', [{ path: 'd/../../outside', text: 'x' }], 'leads out of the directory'],
  ['is absolute', [{ path: '/outside', text: 'x' }], 'is absolute'],
  ['lies outside of the title', [{ path: 'e/file', text: 'x' }], 'outside of d'],
  ['has a newline', [{ path: 'd/a\nb', text: 'x' }], 'characters that no file name'],
  ['has a NUL in pax', [{ path: 'd/x', records: '14 path=d/a\0b\n' }], 'characters that no file name'],
  ['has bytes that are no UTF-8', [{ path: 'd/x', records: '12 path=d/\xff\n' }], 'characters that no file name'],
  ['has a newline in pax', [{ path: 'd/x', records: '24 path=d/a\n13 path=d/b\n' }], 'characters that no file name'],
  ['has a wrong length in pax', [{ path: 'd/x', records: '99 path=d/a\n' }], 'a pax record has a wrong length'],
  ['has an empty pax record', [{ path: 'd/x', records: '0 path=d/a\n' }], 'a pax record has a wrong length'],
  ['is sparse', [{ path: 'd/x', records: '22 GNU.sparse.major=1\n' }], 'sparse files'],
  ['has a name without end', [{ path: 'L', type: 'NextFileHasLongPath', size: 2 ** 21 }], 'a name is too long'],
  ['says more bytes than there are', [{ path: 'd/x', size: 5000, text: 'x' }], 'it ends in the middle'],
  ['is a device', [{ path: 'd/null', type: 'CharacterDevice', devmaj: 1, devmin: 3 }], 'is a device'],
  ['is a pipe', [{ path: 'd/pipe', type: 'FIFO' }], 'is a device or another thing'],
  ['replaces the root by a file', [{ path: './', type: 'SymbolicLink', linkpath: '..' }], 'outside of d'],
  ['is a link to above', [{ path: 'd/l', type: 'SymbolicLink', linkpath: '../outside' }], 'out of the directory'],
  ['is an absolute link', [{ path: 'd/l', type: 'SymbolicLink', linkpath: '/etc' }], 'out of the directory'],
  ['is itself a link', [{ path: 'd', type: 'SymbolicLink', linkpath: 'd' }], 'is no directory'],
  ['is a link without a target', [{ path: 'd/l', type: 'SymbolicLink' }], 'without a proper target'],
  [
    'is a link that goes up behind another',
    [
      { path: 'd/a/b/up', type: 'SymbolicLink', linkpath: '../..' },
      { path: 'd/l', type: 'SymbolicLink', linkpath: 'a/b/up/..' },
    ],
    'out of the directory',
  ],
  [
    'goes through a link',
    [
      { path: 'd/real/', type: 'Directory' },
      { path: 'd/l', type: 'SymbolicLink', linkpath: 'real' },
      { path: 'd/l/file', text: 'x' },
    ],
    'leads through "d/l", which is no directory',
  ],
  ['is a hard link to outside', [{ path: 'd/l', type: 'Link', linkpath: '../outside' }], 'leads out of the directory'],
  ['is an absolute hard link', [{ path: 'd/l', type: 'Link', linkpath: '/etc/passwd' }], 'is absolute'],
  ['is a hard link to nothing', [{ path: 'd/l', type: 'Link', linkpath: 'd/none' }], 'no file in it'],
  [
    'is a hard link to a link',
    [
      { path: 'd/f', text: 'x' },
      { path: 'd/l', type: 'SymbolicLink', linkpath: 'f' },
      { path: 'd/h', type: 'Link', linkpath: 'd/l' },
    ],
    'no file in it',
  ],
  [
    'is a hard link in place of the directory of its file',
    [
      { path: 'd/a/f', text: 'x' },
      { path: 'd/a', type: 'Link', linkpath: 'd/a/f' },
    ],
    'no file in it',
  ],
])('an entry that %s is refused, and nothing is left', (_, entries, words) =>
  expectRefused(unpackDirectory(...entries), words),
);

test('an archive whose header was changed is refused, as is one of broken gzip', async () => {
  const layer = (bytes: Uint8Array) => unpackParts(imageConfig, [{ mediaType: layerType, bytes }]);
  const archive = tar({ path: 'a', text: 'x' });
  archive[0] = 0x62;
  await expectRefused(layer(archive), 'a header has a wrong checksum');
  const compressed = gzipSync(tar({ path: 'a', text: 'x'.repeat(5000) }));
  await expectRefused(layer(compressed.subarray(0, -20)), 'is broken');
  await expectRefused(layer(Buffer.concat([compressed, Buffer.from('more'.repeat(500))])), 'is broken');
  compressed[compressed.length - 5] = 0;
  await expectRefused(layer(compressed), 'is broken');
});

test('a bomb is stopped at the limits of bytes and of entries', async () => {
  const bytes = gzipSync(tar({ path: 'zeros', text: '\0'.repeat(20 * 2 ** 20) }));
  expect(bytes.length).toBeLessThan(2 ** 15);
  const limited = (part: Uint8Array, limits: object) =>
    unpackParts(imageConfig, [{ mediaType: layerType, bytes: part }], limits);
  await expectRefused(limited(bytes, { maxBytes: 2 ** 20 }), 'unpacks to more than 1.0 MiB, the limit');
  const hidden = gzipSync(Buffer.concat([tar({ path: 'a' }), Buffer.alloc(20 * 2 ** 20)]));
  await expectRefused(limited(hidden, { maxBytes: 2 ** 20 }), 'unpacks to more than 1.0 MiB, the limit');
  const many = gzipSync(tar(...Array.from({ length: 11 }, (_, index) => ({ path: `f${index}` }))));
  await expectRefused(limited(many, { maxEntries: 10 }), 'more than 10 files, the limit');
});

test('layers lie on top of each other, whiteouts remove what is below and not what is beside them', async () => {
  const moved = await unpackImage(
    [
      { path: './', type: 'Directory', mode: 0o700 },
      { path: './etc/', type: 'Directory', mode: 0o755 },
      { path: './etc/old', text: 'old' },
      { path: './etc/kept', text: 'kept' },
      { path: 'var/lib/a', text: 'a' },
      { path: 'var/lib/b', text: 'b' },
      { path: 'opt/dir/inner', text: 'i' },
      { path: 'locked/', type: 'Directory', mode: 0o555 },
    ],
    [
      { path: 'etc/.wh.old' },
      { path: 'var/lib/new', text: 'new' },
      { path: 'var/lib/.wh..wh..opq' },
      { path: 'var/lib/.wh..wh.plnk' },
      { path: 'opt/dir/mine', text: 'm' },
      { path: 'opt/.wh.dir' },
      { path: '/bin', type: 'SymbolicLink', linkpath: '/usr/bin' },
      { path: 'usr/bin/tool', text: 't', mode: 0o755 },
      { path: 'usr/bin/same', type: 'Link', linkpath: '/usr/bin/tool' },
      { path: 'none/.wh.at-all' },
      { path: '.WH.shouted', text: 's' },
    ],
  );
  expect(moved).toEqual(['.WH.shouted', 'bin', 'etc/', 'locked/', 'opt/', 'usr/', 'var/']);
  expect(await readdir(join(target, 'etc'))).toEqual(['kept']);
  expect(await readdir(join(target, 'var/lib'))).toEqual(['new']);
  expect(await readdir(join(target, 'opt/dir'))).toEqual(['mine']);
  expect(await readlink(join(target, 'bin'))).toBe('/usr/bin');
  expect((await stat(join(target, 'usr/bin/tool'))).nlink).toBe(2);
  expect((await stat(join(target, 'usr/bin/tool'))).mtimeMs).toBe(0);
  expect((await stat(join(target, 'locked'))).mode & 0o777).toBe(0o555);
});

test.each(['.wh...', 'a/.wh...', 'a/.wh..', '.wh.'])('the whiteout %s is refused', async (path) => {
  await expectRefused(unpackImage([{ path: 'a/file', text: 'x' }, { path }]), 'names nothing to remove');
});

test('no whiteout and no file of a later layer goes through a link of an earlier one', async () => {
  await mkdir(target);
  const below = [{ path: 'l', type: 'SymbolicLink' as const, linkpath: root }];
  await expectRefused(unpackImage(below, [{ path: 'l/outside', text: 'x' }]), 'leads through "l"');
  await unpackImage(below, [{ path: 'l/.wh.outside' }, { path: 'l/.wh..wh..opq' }]);
  expect(await readlink(join(target, 'l'))).toBe(root);
});

test('a directory that became a link is no way any more, and gets no mode', async () => {
  await expectRefused(
    unpackImage([
      { path: 'a/b/', type: 'Directory', mode: 0o700 },
      { path: 'a', type: 'SymbolicLink', linkpath: root },
      { path: 'a/outside', text: 'x' },
    ]),
    'leads through "a"',
  );
});

test('a directory in place of a link, a file in place of a directory, and a layer of zstd or no compression', async () => {
  const layers = [
    gzipSync(tar({ path: 'a', type: 'SymbolicLink', linkpath: '/etc' }, { path: 'b/c', text: 'x' })),
    zstdCompressSync(tar({ path: 'a/', type: 'Directory' }, { path: 'a/file', text: 'in a' })),
    tar({ path: 'b', text: 'file b' }),
  ];
  await unpackParts(
    imageConfig,
    layers.map((bytes) => ({ mediaType: layerType, bytes })),
  );
  expect((await lstat(join(target, 'a'))).isDirectory()).toBe(true);
  expect(await readFile(join(target, 'b'), 'utf8')).toBe('file b');
});

test('names of a directory in the way are refused when a link stands in the target', async () => {
  await mkdir(target);
  await symlink(root, join(target, 'd'));
  await expect(unpackDirectory({ path: 'd/outside', text: 'x' })).rejects.toThrow('d is in the way');
  expect(await readdir(target)).toEqual(['d']);
});
