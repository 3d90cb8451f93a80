import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import * as nodeFiles from 'node:fs/promises';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'vitest';
import {
  all,
  append,
  blobIs,
  collect,
  content,
  failing,
  keyOf,
  listedKeys,
  MiB,
  never,
  push,
  refused,
  sameBytes,
  stalling,
  uploadIs,
} from '../../testing/blob-store/builders.ts';
import { blobFiles } from './blob-files.ts';
import type { Files } from './host.ts';
import { layout } from './layout.ts';

const key = keyOf(0xab);
const other = keyOf(0x1ab); // on the same shelf
let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'moorage-blobs-'));
});
afterEach(() => rm(directory, { recursive: true }));

type Opened = nodeFiles.FileHandle;
/** A fault or an observation, before the host's own act; what it throws takes the act's place. */
type Before = (act: 'datasync' | 'sync' | 'write', path: string) => void;

/** The host's files, with `before` called ahead of what decides whether bytes last, and `more` in place of some of its functions. */
function hostWith(before: Before, more: Partial<Files> = {}): Files {
  const watched = (file: Opened, path: string): Opened =>
    new Proxy(file, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return async (...given: unknown[]) => {
          if (name === 'datasync' || name === 'sync' || name === 'write') before(name, path);
          return value.apply(target, given);
        };
      },
    });
  const open: Files['open'] = async (path, ...given) => watched(await nodeFiles.open(path, ...given), String(path));
  return { ...nodeFiles, open, ...more };
}

const storeOn = (files: Files = nodeFiles) => blobFiles(layout(directory), files);
const fault = (code: string) => Object.assign(new Error(`${code}: made by a test`), { code });

describe('where files lie', () => {
  it('an upload lies in uploads/<2>/<key> and a blob in blobs/<2>/<key>, not readable by others', async () => {
    const store = storeOn();
    await append(store, key, content(10));
    await push(store, other, content(20));
    const upload = join(directory, 'uploads', 'ab', key);
    const blob = join(directory, 'blobs', 'ab', other);
    sameBytes(await readFile(upload), content(10));
    sameBytes(await readFile(blob), content(20));
    deepEqual((await readdir(directory)).sort(), ['blobs', 'uploads']);
    for (const path of [upload, blob, join(directory, 'blobs')]) equal((await stat(path)).mode & 0o007, 0);
  });

  it('read names the file and its range without looking at the disk', () => {
    deepEqual(storeOn().read(key, { offsetBytes: 3, lengthBytes: 4 }), {
      kind: 'file',
      file: { path: join(directory, 'blobs', 'ab', key), offsetBytes: 3, lengthBytes: 4 },
    });
  });

  it('files of other names are neither listed nor touched', async () => {
    const store = storeOn();
    await push(store, key, content(1));
    await writeFile(join(directory, 'blobs', 'README'), '');
    await mkdir(join(directory, 'blobs', 'lost+found'));
    for (const name of ['.DS_Store', `${key}.bak`, keyOf(1)]) await writeFile(join(directory, 'blobs', 'ab', name), '');
    await mkdir(join(directory, 'uploads', 'ab', other));
    await symlink('nowhere', join(directory, 'blobs', 'ab', other));
    deepEqual(await listedKeys(store), [key]);
  });

  it('what an earlier process left is found by the next', async () => {
    await push(storeOn(), key, content(10));
    await append(storeOn(), other, content(20));
    const store = storeOn();
    await blobIs(store, key, content(10));
    await append(store, other, content(5));
    equal(await store.uploadSize(other), 25);
  });
});

describe('a blob is durable before publish returns', () => {
  it('the bytes are flushed, then the shelf, then the file is moved, then the directory is flushed', async () => {
    const acts: string[] = [];
    const place = (path: unknown) => String(path).slice(directory.length + 1);
    const store = storeOn(
      hostWith((act, path) => act !== 'write' && acts.push(`${act} ${place(path)}`), {
        rename: async (from, to) => {
          acts.push(`rename ${place(from)} ${place(to)}`);
          await nodeFiles.rename(from, to);
        },
      }),
    );
    await append(store, key, content(10));
    await append(store, other, content(10));
    acts.length = 0;
    await store.publish(key);
    const moved = (one: string) => [
      `datasync uploads/ab/${one}`,
      `rename uploads/ab/${one} blobs/ab/${one}`,
      'sync blobs/ab',
    ];
    const [datasync, ...rest] = moved(key);
    deepEqual(acts, [datasync, 'sync blobs', ...rest]);
    acts.length = 0;
    await store.publish(other);
    deepEqual(acts, moved(other));
  });

  it.each([
    ['the file', 'datasync', key],
    ['the shelf', 'sync', 'ab'],
    ['the tree', 'sync', 'blobs'],
  ])(
    'a failed flush of %s makes that publish and every later one unavailable, without another try',
    async (_, act, name) => {
      let tries = 0;
      const host = hostWith((did, path) => {
        if (did !== act || basename(path) !== name) return;
        tries += 1;
        throw fault('EIO');
      });
      const store = storeOn(host);
      await append(store, key, content(10));
      await append(store, other, content(10));
      await refused(store.publish(key), 'unavailable');
      await refused(store.publish(key), 'unavailable');
      await refused(store.publish(other), 'unavailable');
      equal(tries, 1);
      await uploadIs(store, other, content(10));
    },
  );
});

it('bytes whose flush failed are not there for the next process to publish', async () => {
  const store = storeOn(
    hostWith((act) => {
      if (act === 'datasync') throw fault('EIO');
    }),
  );
  await append(store, key, content(10));
  await refused(store.publish(key), 'unavailable');
  equal(await storeOn().uploadSize(key), 0);
});

describe('a full disk', () => {
  /** What is written at a time. */
  const bufferBytes = MiB / 2;

  it.each(['ENOSPC', 'EDQUOT'])('%s is no-space, and what found room is an unbroken beginning', async (code) => {
    let writes = 0;
    const host = hostWith((act) => {
      if (act === 'write' && ++writes === 3) throw fault(code);
    });
    const store = storeOn(host);
    const bytes = content(3 * MiB);
    await refused(append(store, key, bytes), 'no-space');
    await uploadIs(store, key, bytes.subarray(0, 2 * bufferBytes));
    equal(writes, 3);
    await append(store, key, bytes.subarray(2 * bufferBytes));
    await uploadIs(store, key, bytes);
  });

  it('a write that failed while the body owes a chunk is told when the body ends, and is not an unhandled rejection', async () => {
    const host = hostWith((act) => {
      if (act === 'write') throw fault('ENOSPC');
    });
    const store = storeOn(host);
    const { body, owing, release } = stalling(content(bufferBytes));
    const appending = store.append(key, body, { offsetBytes: 0, signal: never });
    await owing;
    await store.uploadSize(key);
    release();
    await refused(appending, 'no-space');
  });
});

it('publish of an upload that is removed while its bytes are flushed is not-found', async () => {
  const store = storeOn(
    hostWith(() => undefined, {
      rename: async (from, to) => {
        await store.remove(key);
        await nodeFiles.rename(from, to);
      },
    }),
  );
  await append(store, key, content(10));
  await refused(store.publish(key), 'not-found');
  deepEqual(await listedKeys(store), []);
});

it.runIf(process.platform === 'linux')('no file stays open, whatever happens to a call', async () => {
  const store = storeOn();
  await store.ready();
  const openHere = async () => {
    const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
    return (await Promise.all(links)).filter((path) => path.startsWith(directory));
  };
  const abort = new AbortController();
  const { body, owing } = stalling(content(2 * MiB));
  const aborted = store.append(keyOf(1), body, { offsetBytes: 0, signal: abort.signal });
  await owing;
  equal((await openHere()).length, 1);
  abort.abort(new Error('gone'));
  await rejects(aborted);
  await rejects(store.append(keyOf(2), failing(content(10), new Error('gone')), { offsetBytes: 0, signal: never }));
  await rejects(store.append(keyOf(1), failing(content(0), new Error('gone')), { offsetBytes: 1, signal: never }));
  await push(store, key, content(3 * MiB));
  await rejects(store.truncate(keyOf(1), 9 * MiB));
  for await (const chunk of store.readUpload(keyOf(1), never)) {
    ok(chunk.length > 0);
    break;
  }
  await rejects(collect(store.readUpload(keyOf(1), abort.signal)));
  for await (const found of store.list(never)) {
    ok(found.key.length > 0);
    break;
  }
  await rejects(all(store.list(abort.signal)));
  deepEqual(await openHere(), []);
});
