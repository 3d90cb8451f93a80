import { createHash } from 'node:crypto';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** Pushes an image to the registry at `origin` and pulls it, by plain HTTP; what went wrong, in sentences. One blob is larger than what the database keeps. */
export async function pushAndPull(origin: string): Promise<readonly string[]> {
  const repository = `${origin}/v2/sandbox/hello`;
  const config = new TextEncoder().encode('{}');
  const layer = new Uint8Array(1024 * 1024).map((_, index) => index % 251);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
  });
  try {
    for (const blob of [config, layer]) await push(repository, blob);
    const headers = { 'Content-Type': manifestType };
    await ask(`${repository}/manifests/1`, { method: 'PUT', headers, body: manifest }, 201);
    const pulled = await ask(`${repository}/manifests/1`, { headers: { Accept: manifestType } }, 200);
    if (digestOf(pulled) !== digestOf(new TextEncoder().encode(manifest))) return ['The manifest came back changed.'];
    for (const blob of [config, layer]) {
      const digest = digestOf(blob);
      if (digestOf(await ask(`${repository}/blobs/${digest}`, {}, 200)) !== digest)
        return ['A blob came back changed.'];
    }
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

async function push(repository: string, blob: Uint8Array<ArrayBuffer>): Promise<void> {
  const headers = { 'Content-Type': 'application/octet-stream' };
  await ask(`${repository}/blobs/uploads/?digest=${digestOf(blob)}`, { method: 'POST', headers, body: blob }, 201);
}

async function ask(url: string, init: RequestInit, wanted: number): Promise<Uint8Array> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
  const body = new Uint8Array(await response.arrayBuffer());
  if (response.status !== wanted) {
    const { pathname } = new URL(url);
    throw new Error(`${init.method ?? 'GET'} ${pathname} gave ${response.status}: ${new TextDecoder().decode(body)}`);
  }
  return body;
}

function descriptor(mediaType: string, bytes: Uint8Array): object {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
