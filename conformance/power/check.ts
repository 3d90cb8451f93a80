import { join } from 'node:path';
import { createRegistry } from '@moorage/registry';
import { filesystem } from '@moorage/registry/filesystem';
import { sqlite } from '@moorage/registry/sqlite';
import { type Ask, digestOf, expectStatus, Fault, look, toAnswer } from './ask.ts';
import { goOn, type World } from './client.ts';
import type { Fact, Ledger } from './ledger.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** What of a ledger's promises a registry does not keep, a line each. */
export async function findFaults(ask: Ask, ledger: Ledger, holds: (fact: Fact) => boolean): Promise<readonly string[]> {
  const faults: string[] = [];
  const served = new Map<string, Set<string>>();
  for (const cell of ledger.cells()) {
    await noting(faults, async () => {
      const state = await look(ask, cell);
      const allowed = ledger.allowed(cell, holds);
      const { kind, repository, name } = cell;
      if (kind === 'tag') {
        const names = served.get(repository) ?? new Set();
        if (state !== 'absent') names.add(name);
        served.set(repository, names);
      }
      if (!allowed.has(state)) faults.push(`${kind} ${repository} ${name}: ${state}, not ${[...allowed].join(' or ')}`);
    });
  }
  for (const [repository, tags] of served) {
    await noting(faults, async () => {
      for (const tag of tags) await lookAtParts(ask, repository, tag);
      await compareTags(ask, repository, tags);
    });
  }
  return faults;
}

async function noting(faults: string[], act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    faults.push(error instanceof Fault ? error.message : String(error));
  }
}

/** Whatever a tag leads to is whole. */
async function lookAtParts(ask: Ask, repository: string, tag: string): Promise<void> {
  const path = `/v2/${repository}/manifests/${tag}`;
  const { bytes } = await expectStatus(ask(path), `GET ${path}`, [200]);
  const { config, layers } = JSON.parse(new TextDecoder().decode(bytes)) as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  for (const { digest } of [config, ...layers]) {
    const state = await look(ask, { kind: 'blob', repository, name: digest });
    if (state !== 'present') throw new Fault(`tag ${repository} ${tag}: its blob ${digest} is ${state}`);
  }
}

async function compareTags(ask: Ask, repository: string, tags: ReadonlySet<string>): Promise<void> {
  const path = `/v2/${repository}/tags/list`;
  const { status, bytes } = await expectStatus(ask(path), `GET ${path}`, [200, 404]);
  const listed = status === 404 ? [] : (JSON.parse(new TextDecoder().decode(bytes)) as { tags: string[] }).tags;
  if ([...tags].sort().join() !== listed.join())
    throw new Fault(`${path}: lists ${listed.join()}, and serves ${[...tags].sort().join()}`);
}

/** A push of a blob, a manifest and a tag succeeds, and is served. */
export async function pushAnew(ask: Ask): Promise<void> {
  const blob = new Uint8Array(50_000).fill(7);
  const digest = digestOf(blob);
  const octets = { 'Content-Type': 'application/octet-stream' };
  const upload = { method: 'POST', headers: octets, body: blob };
  await expectStatus(ask(`/v2/power/anew/blobs/uploads/?digest=${digest}`, upload), 'a new blob', [201]);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const part = { mediaType: 'application/octet-stream', digest, size: blob.length };
  const body = JSON.stringify({ schemaVersion: 2, mediaType, config: part, layers: [part] });
  const push = { method: 'PUT', headers: { 'Content-Type': mediaType }, body };
  await expectStatus(ask('/v2/power/anew/manifests/new', push), 'a new manifest', [201]);
  await lookAtParts(ask, 'power/anew', 'new');
}

/** Goes on with uploads that a power cut or a kill left; throws a `Fault` when one makes a blob of other bytes. Returns how many went on, and how many could not: what the disk
 *  kept of their bytes was not what was sent, and the server refused it. */
export async function goOnWithUploads(world: World): Promise<{ readonly done: number; readonly refused: number }> {
  let done = 0;
  let refused = 0;
  for (const upload of world.uploads) {
    const { session, repository, bytes } = upload;
    const state = await expectStatus(world.ask(session), `GET ${session}`, [204, 404]);
    if (state.status === 404) continue; // whether it may be gone is the ledger's to say
    const result = await goOn(world, upload, state);
    if (result === 'busy') throw new Fault(`${session}: still held, after the lease of its writer`);
    if (result === 'wrong') refused += 1;
    else {
      done += 1;
      const digest = digestOf(bytes);
      const held = await look(world.ask, { kind: 'blob', repository, name: digest });
      if (held !== 'present') throw new Fault(`${session}: went on, and its blob ${digest} is ${held}`);
    }
  }
  return { done, refused };
}

/** The registry of a data directory, in this process. */
export interface OpenRegistry {
  readonly ask: Ask;
  /** Sweeps two days later; throws a `Fault` where bytes are left that nothing names. Returns how many sessions and leftovers the sweep took, and how many uploads lie beside
   *  the blobs that they became: only a file system that does not rename at once leaves one. */
  sweepLater(): Promise<{ readonly taken: number; readonly doubles: number }>;
}

/** Runs `act` on the registry of a data directory, at a time at which no writer that was killed has its lease any more; closes it. */
export async function withRegistry<Result>(
  data: string,
  act: (registry: OpenRegistry) => Promise<Result>,
): Promise<Result> {
  const metadata = sqlite({ file: join(data, 'registry.db') });
  const blobs = filesystem({ directory: join(data, 'blobs') });
  let laterMs = 60_000;
  const registry = createRegistry({
    metadata,
    blobs,
    access: 'open',
    sources: { now: () => Date.now() + laterMs },
    onError: () => undefined, // the answer says it
  });
  const ask: Ask = async (path, init) =>
    toAnswer(await registry.fetch(new Request(new URL(path, 'http://registry.test'), init)));

  async function sweepLater() {
    laterMs = 2 * dayMs;
    const { leftovers, expiredUploads } = await registry.sweep();
    const keys = await Array.fromAsync(blobs.list(new AbortController().signal), ({ key }) => key);
    const known = await metadata.findKnownKeys(keys);
    const unknown = keys.filter((key) => !known.has(key));
    if (unknown.length > 0) throw new Fault(`the sweep left ${unknown.length} files that nothing names`);
    return { taken: leftovers + expiredUploads, doubles: keys.length - new Set(keys).size };
  }

  try {
    await registry.ready();
    return await act({ ask, sweepLater });
  } finally {
    await registry.close();
  }
}
