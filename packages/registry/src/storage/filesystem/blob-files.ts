import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { offsetMismatch } from '../blob-error.ts';
import type { BlobStore, Bytes, StorageKey } from '../blob-store.ts';
import { calls } from '../calls.ts';
import { DIRECTORY_MODE } from '../local-directory.ts';
import { untilAborted } from '../until-aborted.ts';
import { type Files, type FlushFailed, flushes, ifThere, orNotFound, orRefusal } from './host.ts';
import type { Layout } from './layout.ts';
import { durableShelves, prepare } from './prepare.ts';
import { listFiles, readWhole } from './reader.ts';
import { reserve } from './reserve.ts';
import { writeBody } from './writer.ts';

/** The owner writes, the group may read, others see nothing: private content lies here. */
const FILE_MODE = 0o640;

/** Bodies at a time that are written through two buffers of 512 KiB each (measured: larger ones are no faster); those beyond get 64 KiB, so that memory does not grow much
 *  with slow clients. */
const LARGE_WRITES = 4;

/** A blob store in the files of `layout`. No file stays open between calls.
 *
 *  Publishing flushes the file's bytes, then moves the file among the blobs, then flushes the directory: each step waits for the one before, so that
 *  a file among the blobs is whole at any moment at which the power may fail. Removing looks at the upload first and at the blob second, the way
 *  a file moves: the other way round, a publish between the two looks would save the file from both. */
export function blobFiles(
  layout: Layout,
  files: Files,
  { reserveBytes = 0, flushFailed }: { readonly reserveBytes?: number; readonly flushFailed?: FlushFailed } = {},
): BlobStore {
  const room = reserve(files, { directory: layout.root, reserveBytes });
  const flush = flushes(files, flushFailed);
  const { ready, close, run, alone } = calls(() => orRefusal(prepare(layout, { files, flushes: flush })));
  const makeBlobShelf = durableShelves(layout.blobs, { files, flushes: flush });
  const change = <T>(key: StorageKey, act: () => Promise<T>) => alone(key, () => orRefusal(act()));
  let writing = 0;
  const sizeOf = async (path: string) => (await ifThere(files.stat(path)))?.size;

  /** Opens the upload's file, which is made when it is missing. */
  async function openUpload(key: StorageKey): Promise<FileHandle> {
    const { path, shelf } = layout.upload(key);
    await files.mkdir(shelf, { recursive: true, mode: DIRECTORY_MODE });
    return files.open(path, constants.O_WRONLY | constants.O_CREAT, FILE_MODE);
  }

  /** Opens the upload's file. One that was published is taken back: its session goes on, so the commit that would have ended it failed. */
  async function reopenUpload(key: StorageKey, flags: number): Promise<FileHandle | undefined> {
    const { path, shelf } = layout.upload(key);
    const file = await ifThere(files.open(path, flags));
    if (file !== undefined || (await sizeOf(layout.blob(key).path)) === undefined) return file;
    await files.mkdir(shelf, { recursive: true, mode: DIRECTORY_MODE });
    await files.rename(layout.blob(key).path, path);
    return files.open(path, flags);
  }

  async function append(key: StorageKey, body: Bytes, offsetBytes: number): Promise<number> {
    const isNew = offsetBytes === 0 && !(await sizeOf(layout.blob(key).path));
    const file = isNew ? await openUpload(key) : await reopenUpload(key, constants.O_WRONLY);
    if (file === undefined) throw offsetMismatch(0);
    writing += 1;
    try {
      const { size } = await file.stat();
      if (size !== offsetBytes) throw offsetMismatch(size);
      const bufferBytes = writing <= LARGE_WRITES ? 512 * 1024 : 64 * 1024;
      return await writeBody(file, room.guard(body), { offsetBytes, bufferBytes });
    } finally {
      writing -= 1;
      await file.close();
    }
  }

  async function truncate(key: StorageKey, sizeBytes: number): Promise<void> {
    const file = await reopenUpload(key, constants.O_RDWR);
    try {
      const size = (await file?.stat())?.size ?? 0;
      if (sizeBytes > size) throw offsetMismatch(size);
      await file?.truncate(sizeBytes);
    } finally {
      await file?.close();
    }
  }

  async function publish(key: StorageKey): Promise<void> {
    const upload = layout.upload(key).path;
    const blob = layout.blob(key);
    const isBlob = (await sizeOf(upload)) === undefined && (await sizeOf(blob.path)) !== undefined;
    const file = isBlob ? await files.open(blob.path, 'r+') : await openUpload(key);
    try {
      await flush.file(file);
    } finally {
      await file.close();
    }
    await makeBlobShelf(blob.shelf);
    if (!isBlob) await files.rename(upload, blob.path);
    await flush.directory(blob.shelf);
  }

  return {
    ready,
    close,
    checkSpace: () => run(room.check),
    append: (key, body, { offsetBytes, signal }) =>
      change(key, () => append(key, untilAborted(body, signal), offsetBytes)),
    uploadSize: (key) =>
      run(async () => (await sizeOf(layout.upload(key).path)) ?? (await sizeOf(layout.blob(key).path)) ?? 0),
    truncate: (key, sizeBytes) => change(key, () => truncate(key, sizeBytes)),
    async *readUpload(key, signal) {
      await ready();
      const isUpload = (await sizeOf(layout.upload(key).path)) !== undefined;
      yield* readWhole(files, (isUpload ? layout.upload(key) : layout.blob(key)).path, signal);
    },
    publish: (key) => change(key, () => orNotFound(publish(key))),
    read: (key, range) => ({ kind: 'file', file: { path: layout.blob(key).path, ...range } }),
    remove: (key) =>
      run(async () => {
        await ifThere(files.unlink(layout.upload(key).path));
        await ifThere(files.unlink(layout.blob(key).path));
      }),
    async *list(signal) {
      await ready();
      yield* listFiles(files, layout, signal);
    },
  };
}
