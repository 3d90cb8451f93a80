import { notFound, offsetMismatch } from './blob-error.ts';
import type { BlobStore, Bytes, StorageKey } from './blob-store.ts';
import { calls } from './calls.ts';
import { untilAborted } from './until-aborted.ts';

interface Content {
  chunks: Uint8Array[];
  sizeBytes: number;
  modifiedMs: number;
}

/** Bytes in the memory of this process, for tests: nothing survives it, and nothing limits it. */
export function memory({ now = Date.now }: { readonly now?: () => number } = {}): BlobStore {
  const uploads = new Map<StorageKey, Content>();
  const blobs = new Map<StorageKey, Content>();
  const { ready, close, run, alone } = calls(async () => undefined);
  const empty = (): Content => ({ chunks: [], sizeBytes: 0, modifiedMs: now() });
  const contentOf = (key: StorageKey) => uploads.get(key) ?? blobs.get(key);

  /** The upload to be changed. One that was published is taken back, as its session goes on. */
  function reopenUpload(key: StorageKey): Content {
    const upload = contentOf(key) ?? empty();
    blobs.delete(key);
    uploads.set(key, upload);
    return upload;
  }

  return {
    ready,
    close,
    checkSpace: () => run(async () => undefined),
    append: (key, body, { offsetBytes, signal }) =>
      alone(key, async () => {
        const sizeBytes = contentOf(key)?.sizeBytes ?? 0;
        if (sizeBytes !== offsetBytes) throw offsetMismatch(sizeBytes);
        const upload = reopenUpload(key);
        for await (const chunk of untilAborted(body, signal)) {
          upload.chunks.push(new Uint8Array(chunk));
          upload.sizeBytes += chunk.length;
          upload.modifiedMs = now();
        }
        return upload.sizeBytes;
      }),
    uploadSize: (key) => run(async () => contentOf(key)?.sizeBytes ?? 0),
    truncate: (key, sizeBytes) =>
      alone(key, async () => {
        const before = contentOf(key)?.sizeBytes ?? 0;
        if (sizeBytes > before) throw offsetMismatch(before);
        const upload = reopenUpload(key);
        upload.chunks = [...part(upload, 0, sizeBytes)];
        upload.sizeBytes = sizeBytes;
        upload.modifiedMs = now();
      }),
    async *readUpload(key, signal) {
      await ready();
      const upload = contentOf(key);
      if (upload === undefined || upload.sizeBytes === 0) throw notFound();
      for (const chunk of part(upload, 0, upload.sizeBytes)) {
        signal.throwIfAborted();
        yield chunk;
      }
    },
    publish: (key) =>
      alone(key, async () => {
        blobs.set(key, contentOf(key) ?? empty());
        uploads.delete(key);
      }),
    read(key, range) {
      async function* stream(): Bytes {
        await ready();
        const blob = blobs.get(key);
        if (blob === undefined) throw notFound();
        yield* part(blob, range.offsetBytes, range.lengthBytes);
      }
      return { kind: 'stream', stream: stream() };
    },
    remove: (key) =>
      run(async () => {
        uploads.delete(key);
        blobs.delete(key);
      }),
    async *list(signal) {
      await ready();
      for (const [key, { modifiedMs }] of [...uploads, ...blobs]) {
        signal.throwIfAborted();
        yield { key, modifiedMs };
      }
    },
  };
}

/** Copies of the chunks, cut to `lengthBytes` from `offsetBytes` on. */
function* part(content: Content, offsetBytes: number, lengthBytes: number): Generator<Uint8Array, void> {
  const endBytes = offsetBytes + lengthBytes;
  let start = 0;
  for (const chunk of content.chunks) {
    const wanted = chunk.slice(Math.max(0, offsetBytes - start), Math.max(0, endBytes - start));
    if (wanted.length > 0) yield wanted;
    start += chunk.length;
  }
}
