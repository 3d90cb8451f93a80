import { createHash } from 'node:crypto';
import { type Blob, manifestType, repository } from './content.ts';
import { openConnection } from './load/connection.ts';
import { pushBlob, putManifest } from './load/push.ts';
import type { Target } from './target.ts';

/** What a row wants to find in a registry. */
export interface Content {
  readonly blobs: readonly Blob[];
  readonly manifest?: { readonly tag: string; readonly text: string };
}

/** Pushes content, then pulls it; rejects when the bytes differ, so that no registry is fast because it is wrong. */
export async function seed(target: Target, content: Content): Promise<void> {
  await push(target, content);
  const url = `http://${target.host}:${target.port}/v2/${repository}`;
  for (const { digest } of content.blobs) await expectDigest(`${url}/blobs/${digest}`, digest);
  if (!content.manifest) return;
  const { tag, text } = content.manifest;
  await expectDigest(`${url}/manifests/${tag}`, `sha256:${createHash('sha256').update(text).digest('hex')}`);
}

/** Pushes content, one request after the other; resolves with the last answer. */
export async function push(target: Target, { blobs, manifest }: Content): Promise<void> {
  const authority = `${target.host}:${target.port}`;
  const connection = await openConnection(target.host, target.port);
  try {
    for (const blob of blobs) await pushBlob(connection, authority, blob);
    if (manifest) await putManifest(connection, authority, manifest);
  } finally {
    connection.close();
  }
}

async function expectDigest(url: string, digest: string): Promise<void> {
  const response = await fetch(url, { headers: { accept: `${manifestType}, */*` } });
  const hash = createHash('sha256');
  for await (const chunk of response.body ?? []) hash.update(chunk);
  const got = `sha256:${hash.digest('hex')}`;
  if (!response.ok || got !== digest) throw new Error(`${url} answered ${response.status} with ${got}.`);
}
