import { blobsOf, makeManifest, manifestType, numberedBlobs, repository, tagOf } from '../content.ts';
import type { Connection } from './connection.ts';
import type { Job, Read, Work } from './job.ts';
import { expectStatus, mountBlob, pushBlob, pushBlobInChunks, putManifest } from './push.ts';

/** Does one step and returns the bytes of the bodies that it moved. Rejects on any answer but the expected one. `number` counts a job's steps; `mark` is in no other job. */
export type Step = (connection: Connection, at: { readonly number: number; readonly mark: string }) => Promise<number>;

/** The step of a job's work. */
export function makeStep(job: Job): Step {
  const { work } = job;
  const fields = headerFields(job);
  switch (work.kind) {
    case 'read':
      return readAll(work.reads, fields);
    case 'put-manifests':
      return async (connection, { number, mark }) => {
        const text = makeManifest(mark);
        await putManifest(connection, fields, { tag: work.tags === 'any' ? mark : tagOf(number), text });
        return text.length;
      };
    case 'put-referrers':
      return async (connection, { mark }) => {
        const text = makeManifest(mark, work.subject);
        await putManifest(connection, fields, { text });
        return text.length;
      };
    case 'push-blobs': {
      const makeBlob = blobsOf(work.sizeBytes);
      return async (connection, { mark }) => {
        const blob = makeBlob(mark);
        if (work.chunkBytes === undefined) await pushBlob(connection, fields, blob);
        else await pushBlobInChunks(connection, fields, { blob, chunkBytes: work.chunkBytes });
        return work.sizeBytes;
      };
    }
    case 'push-numbered-blobs': {
      const makeBlob = numberedBlobs(work.sizeBytes);
      return async (connection, { number }) => {
        await pushBlob(connection, fields, makeBlob(number));
        return work.sizeBytes;
      };
    }
    case 'mount-numbered-blobs': {
      const makeBlob = numberedBlobs(work.sizeBytes);
      return async (connection, { number }) => {
        const { digest } = makeBlob(number);
        expectStatus(await mountBlob(connection, fields, { digest, from: repository, into: work.into }), 201);
        return 0;
      };
    }
    case 'read-catalog':
      return readCatalog(work, fields);
  }
}

/** What every request of a job says: header lines, each with its end. */
export function headerFields({ host, port, authorization }: Pick<Job, 'host' | 'port' | 'authorization'>): string {
  return `Host: ${host}:${port}\r\n${authorization === undefined ? '' : `Authorization: ${authorization}\r\n`}`;
}

function readAll(reads: readonly Read[], fields: string): Step {
  const requests = reads.map(({ method, path, range }) => ({
    head: `${method} ${path} HTTP/1.1\r\n${fields}Accept: ${manifestType}, */*\r\n${range === undefined ? '' : `Range: bytes=${range}\r\n`}\r\n`,
    status: range === undefined ? 200 : 206,
  }));
  return async (connection) => {
    let bytes = 0;
    for (const { head, status } of requests) bytes += expectStatus(await connection.exchange(head), status).bodyBytes;
    return bytes;
  };
}

/** Names are counted by their slash, which each of them has and nothing else in the answer does. */
function readCatalog({ path, entries }: Extract<Work, { kind: 'read-catalog' }>, fields: string): Step {
  return async (connection) => {
    let bytes = 0;
    let found = 0;
    let next: string | undefined = path;
    while (next !== undefined) {
      const answer = await connection.exchange(`GET ${next} HTTP/1.1\r\n${fields}\r\n`, { keepBody: true });
      const { head, body } = expectStatus(answer, 200);
      bytes += answer.bodyBytes;
      found += body.split('/').length - 1;
      next = /\r\nlink: *<([^>]+)>/i.exec(head)?.[1];
    }
    if (found !== entries) throw new Error(`${path} lists ${found} entries in all, and not ${entries}.`);
    return bytes;
  };
}
