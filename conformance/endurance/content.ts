import { createHash, randomBytes } from 'node:crypto';

/** 1 MiB and one GiB of it. */
export const MIB = 1024 * 1024;

/** A blob that needs no memory of its size: its chunks overlap in one buffer, and none is like another. */
export type Content = {
  readonly sizeBytes: number;
  readonly digest: string;
  /** The content from a chunk on, as many chunks of 1 MiB. */
  chunks(first: number, count: number): Generator<Uint8Array>;
};

const stepBytes = 509;

/** Makes a content of `sizeMib` random MiB, at most 4096. */
export function createContent(sizeMib: number): Content {
  const random = randomBytes(MIB + stepBytes * sizeMib);
  function* chunks(first: number, count: number) {
    for (let i = first; i < first + count; i += 1) yield random.subarray(i * stepBytes, i * stepBytes + MIB);
  }
  const hash = createHash('sha256');
  for (const chunk of chunks(0, sizeMib)) hash.update(chunk);
  return { sizeBytes: sizeMib * MIB, digest: `sha256:${hash.digest('hex')}`, chunks };
}
