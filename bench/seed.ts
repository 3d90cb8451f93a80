import { createHash } from 'node:crypto';
import { type Blob, manifestType, repository } from './content.ts';
import { type Connection, openConnection } from './load/connection.ts';
import type { Job, Work } from './load/job.ts';
import { runLoad } from './load/load.ts';
import { mountBlob, pushBlob, putManifest } from './load/push.ts';
import { headerFields } from './load/steps.ts';
import { NotMeasured } from './row.ts';
import type { Target } from './target.ts';

/** What a row wants to find in a registry. */
export interface Content {
  readonly blobs: readonly Blob[];
  readonly manifest?: { readonly tag: string; readonly text: string };
}

const manySeconds = 90;

/** Pushes content, then pulls it; rejects when the bytes differ, so that no registry is fast because it is wrong. */
export async function seed(target: Target, content: Content): Promise<void> {
  await push(target, content);
  for (const { digest } of content.blobs) await expectDigest(target, `blobs/${digest}`, digest);
  if (!content.manifest) return;
  const { tag, text } = content.manifest;
  await expectDigest(target, `manifests/${tag}`, `sha256:${createHash('sha256').update(text).digest('hex')}`);
}

/** Pushes content, one request after the other. */
export async function push(target: Target, { blobs, manifest }: Content): Promise<void> {
  await withConnection(target, async (connection, fields) => {
    for (const blob of blobs) await pushBlob(connection, fields, blob);
    if (manifest) await putManifest(connection, fields, manifest);
  });
}

/** Does `steps` steps of a work with 32 clients. Rejects with `NotMeasured` when that takes over 90 s. */
export async function seedMany(target: Target, steps: number, work: Work): Promise<void> {
  const job: Omit<Job, 'host' | 'port'> = { clients: 32, seconds: manySeconds, maxSteps: steps, work };
  const done = await runLoad(target, job);
  if (done.steps < steps) throw new NotMeasured(`not seeded: ${done.steps} of ${steps} pushes in ${manySeconds} s`);
}

/** Whether the registry mounts a blob that it has in the repository of the rows; else it answers that it wants it pushed. */
export async function canMount(target: Target, digest: string, into: string): Promise<boolean> {
  let status = 0;
  await withConnection(target, async (connection, fields) => {
    ({ status } = await mountBlob(connection, fields, { digest, from: repository, into }));
  });
  return status === 201;
}

/** Reads what is expected to be JSON; the status tells whether it is. */
export async function readJson(target: Target, path: string): Promise<{ status: number; document: unknown }> {
  const response = await get(target, path);
  const text = await response.text();
  return { status: response.status, document: response.ok ? JSON.parse(text) : undefined };
}

async function withConnection(
  target: Target,
  act: (connection: Connection, fields: string) => Promise<void>,
): Promise<void> {
  const connection = await openConnection(target.host, target.port);
  try {
    await act(connection, headerFields(target));
  } finally {
    connection.close();
  }
}

function get({ host, port, authorization }: Target, path: string): Promise<Response> {
  const headers = { accept: `${manifestType}, */*`, ...(authorization === undefined ? {} : { authorization }) };
  return fetch(`http://${host}:${port}${path}`, { headers });
}

async function expectDigest(target: Target, path: string, digest: string): Promise<void> {
  const response = await get(target, `/v2/${repository}/${path}`);
  const hash = createHash('sha256');
  for await (const chunk of response.body ?? []) hash.update(chunk);
  const got = `sha256:${hash.digest('hex')}`;
  if (!response.ok || got !== digest)
    throw new Error(`${target.name}: ${path} answered ${response.status} with ${got}.`);
}
