import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { offsetMismatch } from '../blob-error.ts';
import type { BlobStore, Bytes, StorageKey } from '../blob-store.ts';
import { calls } from '../calls.ts';
import { untilAborted } from '../until-aborted.ts';
import { type Files, flushes, ifThere, orNoSpace, orNotFound } from './host.ts';
import type { Layout } from './layout.ts';
import { DIRECTORY_MODE, durableShelves, prepare } from './prepare.ts';
import { listFiles, readWhole } from './reader.ts';
import { writeBody } from './writer.ts';

/** The owner writes, the group may read, others see nothing: private content lies here. */
const FILE_MODE = 0o640;

/** A blob store in the files of `layout`. No file stays open between calls.
 *
 *  Publishing flushes the file's bytes, then moves the file among the blobs, then flushes the directory: each step waits for the one before, so that
 *  a file among the blobs is whole at any moment at which the power may fail. Removing looks at the upload first and at the blob second, the way
 *  a file moves: the other way round, a publish between the two looks would save the file from both. */
export function blobFiles(layout: Layout, files: Files): BlobStore {
  const flush = flushes(files);
  const { ready, close, run, alone } = calls(() => orNoSpace(prepare(layout, { files, flushes: flush })));
  const makeBlobShelf = durableShelves(layout.blobs, { files, flushes: flush });
  const change = <T>(key: StorageKey, act: () => Promise<T>) => alone(key, () => orNoSpace(act()));
  const sizeOf = async (path: string) => (await ifThere(files.stat(path)))?.size;

  /** Opens the upload's file, which is made when it is missing. */
  async function openUpload(key: StorageKey): Promise<FileHandle> {
    const { path, shelf } = layout.upload(key);
    await files.mkdir(shelf, { recursive: true, mode: DIRECTORY_MODE });
    return files.open(path, constants.O_WRONLY | constants.O_CREAT, FILE_MODE);
  }

  async function append(key: StorageKey, body: Bytes, offsetBytes: number): Promise<number> {
    const file =
      offsetBytes === 0
        ? await openUpload(key)
        : await ifThere(files.open(layout.upload(key).path, constants.O_WRONLY));
    if (file === undefined) throw offsetMismatch(0);
    try {
      const { size } = await file.stat();
      if (size !== offsetBytes) throw offsetMismatch(size);
      return await writeBody(file, body, offsetBytes);
    } finally {
      await file.close();
    }
  }

  async function truncate(key: StorageKey, sizeBytes: number): Promise<void> {
    const file = await ifThere(files.open(layout.upload(key).path, 'r+'));
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
    append: (key, body, { offsetBytes, signal }) =>
      change(key, () => append(key, untilAborted(body, signal), offsetBytes)),
    uploadSize: (key) => run(async () => (await sizeOf(layout.upload(key).path)) ?? 0),
    truncate: (key, sizeBytes) => change(key, () => truncate(key, sizeBytes)),
    async *readUpload(key, signal) {
      await ready();
      yield* readWhole(files, layout.upload(key).path, signal);
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
