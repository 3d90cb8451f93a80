import { randomFillSync } from 'node:crypto';

/** Ids that are filled at once. */
const poolLength = 256;
const idBytes = 16;

/** Gives ids of 128 random bits, as 32 characters of 0-9 and a-f. The random bytes of many come at once: a call for each is a ninth of what a GET of a manifest
 *  costs (bench row get-manifest-by-tag). Bytes are used once and overwritten. */
export function randomIds(): () => string {
  const pool = Buffer.alloc(poolLength * idBytes);
  let used = pool.byteLength;
  return () => {
    if (used === pool.byteLength) {
      randomFillSync(pool);
      used = 0;
    }
    used += idBytes;
    return pool.toString('hex', used - idBytes, used);
  };
}
