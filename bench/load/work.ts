import { blobsOf, makeManifest, manifestType, mib } from '../content.ts';
import { type Connection, openConnection } from './connection.ts';
import { expectStatus, pushBlob, putManifest } from './push.ts';

/** What each client does again and again until the time is over. */
export type Work =
  | { readonly kind: 'get'; readonly path: string }
  | { readonly kind: 'put-manifests' }
  | { readonly kind: 'push-blobs'; readonly sizeBytes: number };

/** Work for a number of clients, a connection each, all in one process. */
export interface Job {
  readonly host: string;
  readonly port: number;
  readonly clients: number;
  readonly seconds: number;
  /** Ends sooner than `seconds` after so many steps. */
  readonly maxSteps?: number;
  readonly work: Work;
}

/** What was done: steps (a blob pushed is one step, of two requests) and bytes of bodies, in wall time; the client's own CPU time beside it. */
export interface Outcome {
  readonly steps: number;
  readonly bytes: number;
  readonly elapsedSeconds: number;
  readonly clientCpuSeconds: number;
}

/** Does one step and returns the bytes of the body that it moved. Rejects on any answer but the expected one. */
type Step = (connection: Connection, mark: string) => Promise<number>;

/** Runs a job to its end; every client finishes the step that it is in. `runId` keeps what one job pushes apart from all others. */
export async function runJob(job: Job, runId: string): Promise<Outcome> {
  const step = makeStep(job);
  const readBufferBytes = job.clients > 4 ? 64 * 1024 : mib;
  const connections = await Promise.all(
    Array.from({ length: job.clients }, () => openConnection(job.host, job.port, readBufferBytes)),
  );
  const maxSteps = job.maxSteps ?? Number.POSITIVE_INFINITY;
  let begun = 0;
  let bytes = 0;
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const end = start + job.seconds * 1000;
  const client = async (connection: Connection) => {
    do {
      begun += 1;
      const moved = await step(connection, `${runId}-${begun}`);
      bytes += moved;
    } while (performance.now() < end && begun < maxSteps);
  };
  try {
    await Promise.all(connections.map(client));
    const elapsedSeconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    return { steps: begun, bytes, elapsedSeconds, clientCpuSeconds: (user + system) / 1e6 };
  } finally {
    for (const connection of connections) connection.close();
  }
}

function makeStep({ host, port, work }: Job): Step {
  const authority = `${host}:${port}`;
  switch (work.kind) {
    case 'get': {
      const head = `GET ${work.path} HTTP/1.1\r\nHost: ${authority}\r\nAccept: ${manifestType}, */*\r\n\r\n`;
      return async (connection) => expectStatus(await connection.exchange(head), 200).bodyBytes;
    }
    case 'put-manifests':
      return async (connection, mark) => {
        const text = makeManifest(mark);
        await putManifest(connection, authority, { tag: mark, text });
        return text.length;
      };
    case 'push-blobs': {
      const makeBlob = blobsOf(work.sizeBytes);
      return async (connection, mark) => {
        await pushBlob(connection, authority, makeBlob(mark));
        return work.sizeBytes;
      };
    }
  }
}
