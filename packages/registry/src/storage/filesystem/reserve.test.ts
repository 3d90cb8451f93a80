import { deepEqual, equal, rejects } from 'node:assert/strict';
import * as nodeFiles from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { openTestRegistry, sha256 } from '../../../test/support/registry.ts';
import { openSession } from '../../../test/support/uploads.ts';
import { append, collect, content, keyOf, MiB, never, push, sameBytes } from '../../testing/blob-store/builders.ts';
import type { BlobStore } from '../blob-store.ts';
import { isStorageError } from '../error.ts';
import { blobFiles } from './blob-files.ts';
import type { Files } from './host.ts';
import { layout } from './layout.ts';

let directory = '';
let freeBytes = 0;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'moorage-blobs-'));
  freeBytes = 100 * MiB;
});
afterEach(() => rm(directory, { recursive: true }));

/** The host's files on a disk of blocks of 4 KiB, of which `freeBytes` are free for us. */
const files: Files = {
  ...nodeFiles,
  statfs: (async (path: string) => ({
    ...(await nodeFiles.statfs(path)),
    bsize: 4096,
    bavail: Math.floor(freeBytes / 4096),
  })) as Files['statfs'],
};
const open = (reserveBytes = 100 * MiB) => blobFiles(layout(directory), files, { reserveBytes });

async function appendAt(store: BlobStore, offsetBytes: number, bytes: Uint8Array): Promise<number> {
  async function* body() {
    yield bytes;
  }
  return store.append(keyOf(1), body(), { offsetBytes, signal: never });
}

const belowReserve = (call: Promise<unknown>): Promise<void> =>
  rejects(call, (error) => {
    equal(isStorageError(error, 'below-reserve'), true, String(error));
    deepEqual((error as { detail?: unknown }).detail, { freeBytes, reserveBytes: 100 * MiB });
    return true;
  });

describe('with less space than the reserve', () => {
  it('no upload begins or goes on, with the figures; with as much as the reserve they do', async () => {
    const store = open();
    await store.checkSpace();
    await append(store, keyOf(1), content(10));
    freeBytes -= 4096;
    await belowReserve(store.checkSpace());
    await belowReserve(appendAt(store, 10, content(10)));
    await belowReserve(append(store, keyOf(2), content(10)));
    equal(await store.uploadSize(keyOf(1)), 10);
    freeBytes += 4096;
    equal(await appendAt(store, 10, content(10)), 20);
  });

  it('what arrived can be published, read and removed', async () => {
    const store = open();
    await append(store, keyOf(1), content(10));
    freeBytes = 0;
    await store.publish(keyOf(1));
    sameBytes(await collect(store.readUpload(keyOf(1), never)), content(10));
    await store.remove(keyOf(1));
    equal(await store.uploadSize(keyOf(1)), 0);
  });

  it('an upload that was begun before ends within 64 MiB, and keeps what arrived', async () => {
    const store = open();
    async function* endless() {
      for (;;) {
        yield new Uint8Array(MiB);
        freeBytes -= MiB;
      }
    }
    freeBytes += 8 * MiB;
    await belowReserve(store.append(keyOf(1), endless(), { offsetBytes: 0, signal: never }));
    equal(await store.uploadSize(keyOf(1)), 64 * MiB);
  });

  it('everything goes on where nothing is kept free', async () => {
    freeBytes = 0;
    const store = open(0);
    await store.checkSpace();
    await push(store, keyOf(1), content(10));
  });
});

describe('a registry whose disk has less space than the reserve', () => {
  it('refuses uploads and small blobs with 413 DENIED and the figures, before a byte is sent; pulls, mounts, deletes and closing an upload go on', async () => {
    const { call, pushBlob, pushImage, close } = openTestRegistry({ blobs: open() });
    const digest = await pushBlob('acme/web', content(50_000));
    const { digest: manifest } = await pushImage('acme/web', '1');
    const session = await openSession({ call });
    await call('PATCH', session, { body: 'all of it' });
    freeBytes = 5 * MiB;

    const uploads = '/v2/acme/web/blobs/uploads/';
    for (const target of [uploads, `${uploads}?digest=${sha256('new')}`]) {
      const refused = await call('POST', target, { body: target === uploads ? '' : 'new' });
      deepEqual([refused.status, ...refused.codes()], [413, 'DENIED']);
      deepEqual(refused.json().errors[0].detail, { freeBytes, reserveBytes: 100 * MiB });
      equal(
        refused.json().errors[0].message,
        'The disk of this registry has 5 MiB left, and 100 MiB are kept free: nothing can be pushed until its administrator makes room.',
      );
    }
    equal((await call('PUT', `${session}?digest=${sha256('all of it')}`)).status, 201);
    deepEqual((await call('GET', `/v2/acme/web/blobs/${digest}`)).bytes.byteLength, 50_000);
    equal((await call('POST', `/v2/acme/api/blobs/uploads/?mount=${digest}&from=acme/web`)).status, 201);
    equal((await call('DELETE', `/v2/acme/web/manifests/${manifest}`)).status, 202);
    equal((await call('DELETE', `/v2/acme/web/blobs/${digest}`)).status, 202);

    freeBytes = 100 * MiB;
    equal((await call('POST', uploads)).status, 202);
    await close();
  });
});
