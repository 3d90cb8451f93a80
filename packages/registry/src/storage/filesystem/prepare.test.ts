import { deepEqual, equal, rejects } from 'node:assert/strict';
import * as nodeFiles from 'node:fs/promises';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { keyOf, refused } from '../../testing/blob-store/builders.ts';
import { isStorageError } from '../error.ts';
import { blobFiles } from './blob-files.ts';
import { type Files, hostCode } from './host.ts';
import { layout } from './layout.ts';
import { durableShelves } from './prepare.ts';

let parent = '';
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'moorage-blobs-'));
});
afterEach(() => rm(parent, { recursive: true }));

const storeAt = (directory: string, more: Partial<Files> = {}) =>
  blobFiles(layout(directory), { ...nodeFiles, ...more });
const fault = (code: string) => Object.assign(new Error(`${code}: made by a test`), { code });

async function refusedWith(opening: Promise<void>, sentence: string): Promise<void> {
  await rejects(opening, (error) => isStorageError(error, 'unavailable') && error.message === sentence);
}

describe('ready', () => {
  it('makes the directory and its parents, and flushes the name of each', async () => {
    const flushed: string[] = [];
    const open: Files['open'] = async (path, ...given) => {
      flushed.push(relative(parent, String(path)));
      return nodeFiles.open(path, ...given);
    };
    await storeAt(join(parent, 'a', 'b'), { open }).ready();
    deepEqual(flushed, ['a', '', join('a', 'b')]);
    deepEqual((await readdir(join(parent, 'a', 'b'))).sort(), ['blobs', 'uploads']);
  });

  it('touches nothing before it is asked', async () => {
    storeAt(join(parent, 'a'));
    deepEqual(await readdir(parent), []);
  });

  it('refuses a file in the place of the directory, or above it, and opens once it is gone', async () => {
    const file = join(parent, 'file');
    await writeFile(file, '');
    const store = storeAt(file);
    await refusedWith(store.ready(), `${file}, or a part of it, is a file. Choose another directory.`);
    const below = join(file, 'blobs');
    await refusedWith(storeAt(below).ready(), `${below}, or a part of it, is a file. Choose another directory.`);
    await rm(file);
    await store.ready();
  });

  it.each(['EACCES', 'EPERM', 'EROFS'])('refuses a directory that cannot be written (%s)', async (code) => {
    const sentence = `${parent} cannot be written. Let the user that runs the registry write there, or choose another directory.`;
    const refuse = () => Promise.reject(fault(code));
    await refusedWith(storeAt(parent, { mkdir: refuse }).ready(), sentence);
    await refusedWith(storeAt(parent, { access: refuse }).ready(), sentence);
  });

  it('calls on a store that cannot open are refused with the same sentence', async () => {
    const file = join(parent, 'file');
    await writeFile(file, '');
    await refused(storeAt(file).uploadSize(keyOf(1)), 'unavailable');
  });
});

describe('durableShelves', () => {
  const flushes = { file: async () => undefined, directory: async () => undefined };

  it('lets a second call for a shelf wait for the flush of the first one, and flushes once', async () => {
    const released = Promise.withResolvers<void>();
    const order: string[] = [];
    const directory = async (path: string) => {
      await released.promise;
      order.push(path);
    };
    const make = durableShelves(parent, { files: nodeFiles, flushes: { ...flushes, directory } });
    const calls = [1, 2].map((n) => make(join(parent, 'ab')).then(() => order.push(`call ${n}`)));
    await setImmediate();
    deepEqual(order, []);
    released.resolve();
    await Promise.all(calls);
    await make(join(parent, 'ab'));
    deepEqual(order, [parent, 'call 1', 'call 2']);
  });

  it('makes a shelf again after a failure that was not a flush', async () => {
    const codes = ['ENOSPC'];
    const mkdir = async (...given: Parameters<Files['mkdir']>) => {
      const code = codes.pop();
      if (code !== undefined) throw fault(code);
      return nodeFiles.mkdir(...given);
    };
    const make = durableShelves(parent, { files: { ...nodeFiles, mkdir: mkdir as Files['mkdir'] }, flushes });
    await rejects(make(join(parent, 'ab')), (error) => hostCode(error) === 'ENOSPC');
    await make(join(parent, 'ab'));
    deepEqual(await readdir(parent), ['ab']);
  });
});

describe.runIf(process.platform === 'linux')('network file systems', () => {
  const onType = (type: number) => {
    const statfs = async (path: string) => ({ ...(await nodeFiles.statfs(path)), type });
    return storeAt(parent, { statfs: statfs as Files['statfs'] });
  };

  it.each([
    [0x6969, 'NFS'],
    [0x517b, 'SMB'],
    [0xff534d42, 'SMB (CIFS)'],
    [0xfe534d42, 'SMB 2'],
  ])('%i is refused as %s, before anything is made', async (type, name) => {
    const sentence = `${parent} is on a network file system (${name}), which may lose what it confirmed. Keep the registry's data on a local disk, or in a database and an object store.`;
    await refusedWith(onType(type).ready(), sentence);
    equal((await readdir(parent)).length, 0);
  });

  it.each([
    ['ext4', 0xef53],
    ['tmpfs', 0x1021994],
    ['overlayfs', 0x794c7630],
    ['9p', 0x1021997],
    ['FUSE', 0x65735546],
  ])('%s is let through', async (_, type) => {
    await onType(type).ready();
  });
});
