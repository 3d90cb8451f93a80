import { mib } from '../content.ts';
import { type Connection, openConnection } from './connection.ts';
import type { Job, Outcome } from './job.ts';
import { makeStep } from './steps.ts';

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
      const number = begun;
      begun += 1;
      const moved = await step(connection, { number, mark: `${runId}-${number}` });
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
