import type { Transport, WireAnswer } from './transport.ts';

/** Largest answer that is held in memory, in bytes: manifests, lists, errors. */
const maximumBytes = 16 * 1024 * 1024;

/** The whole body of an answer, of which the rest beyond 16 MiB is dropped with its connection. Rejects with a `ConnectionError` when it breaks off. */
export async function readBytes({ stream }: WireAnswer, url: URL, transport: Transport): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes > maximumBytes) break;
    }
  } catch (error) {
    throw await transport.explain(error, url);
  }
  return Buffer.concat(chunks);
}

/** The same as text. */
export async function readText(answer: WireAnswer, url: URL, transport: Transport): Promise<string> {
  return new TextDecoder().decode(await readBytes(answer, url, transport));
}
