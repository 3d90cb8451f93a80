import { expect, test } from 'vitest';
import { sha256, sha512, stream } from '../../test/support/registry.ts';
import { parseSessionId } from '../oci/name.ts';
import { parseStorageKey } from '../storage/blob-store.ts';
import type { UploadRecord } from '../storage/metadata-store.ts';
import { createRunningDigests, type RunningDigest, type RunningDigests } from './running-digests.ts';

const { signal } = new AbortController();
const at = (sizeBytes: number, algorithm: 'sha256' | 'sha512' = 'sha256') => ({ algorithm, sizeBytes });

function upload(epoch: number): UploadRecord {
  const session = parseSessionId('00000000-0000-0000-0000-000000000000');
  return { session, key: parseStorageKey('0'.repeat(32)), algorithm: 'sha256', epoch, leaseUntilMs: 0, usedMs: 0 };
}

/** A hold on that session whose lease needs no renewal. */
function held(epoch: number): Parameters<RunningDigests['resume']>[0] {
  return { upload: upload(epoch), signal, renewing: (body) => body };
}

/** Digests of a session whose bytes in the store are `stored`, with how often those were read. */
function over(stored: string) {
  let reads = 0;
  const digests = createRunningDigests({
    readUpload() {
      reads += 1;
      return stream(stored);
    },
  });
  return { digests, reads: () => reads };
}

async function kept(stored: string) {
  const { digests, reads } = over(stored);
  const digest: RunningDigest = await digests.resume(held(1), at(0));
  digest.update(new TextEncoder().encode(stored));
  digests.keep(upload(1), digest);
  return { digests, reads };
}

test('a digest that was kept goes on in the next epoch, and nothing is read', async () => {
  const { digests, reads } = await kept('hello');
  const digest = await digests.resume(held(2), at(5));
  expect(digest.value()).toBe(sha256('hello'));
  digest.update(new TextEncoder().encode(', world'));
  expect(digest).toMatchObject({ sizeBytes: 12 });
  expect(digest.value()).toBe(sha256('hello, world'));
  expect(reads()).toBe(0);
});

test('what goes on is a copy: what is kept does not change until it is kept again', async () => {
  const { digests } = await kept('hello');
  (await digests.resume(held(2), at(5))).update(new Uint8Array(1));
  expect((await digests.resume(held(2), at(5))).value()).toBe(sha256('hello'));
});

test.each([
  ['another writer had the session between', { epoch: 3 }],
  ['the store has another size', { sizeBytes: 6 }],
  ['the algorithm is another', { algorithm: 'sha512' as const }],
])('the bytes are read again where %s', async (_, difference) => {
  const { epoch, sizeBytes, algorithm } = { epoch: 2, sizeBytes: 5, algorithm: 'sha256' as const, ...difference };
  const { digests, reads } = await kept('hello');
  const digest = await digests.resume(held(epoch), at(sizeBytes, algorithm));
  expect(digest.value()).toBe(algorithm === 'sha256' ? sha256('hello') : sha512('hello'));
  expect(reads()).toBe(1);
});

test('the bytes are read again after they were forgotten, and by who never knew them', async () => {
  const { digests, reads } = await kept('hello');
  digests.forget(upload(1).session);
  expect((await digests.resume(held(2), at(5))).value()).toBe(sha256('hello'));
  expect(reads()).toBe(1);
  const elsewhere = over('hello');
  expect((await elsewhere.digests.resume(held(2), at(5))).value()).toBe(sha256('hello'));
  expect(elsewhere.reads()).toBe(1);
});

test('an empty session has the digest of nothing, and nothing is read', async () => {
  const { digests, reads } = over('');
  expect((await digests.resume(held(1), at(0))).value()).toBe(sha256(''));
  expect(reads()).toBe(0);
});
