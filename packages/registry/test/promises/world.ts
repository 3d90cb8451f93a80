import { mediaTypes } from '../../src/oci/media-type.ts';
import type { BlobStore } from '../../src/storage/blob-store.ts';
import type { MetadataStore } from '../../src/storage/metadata-store.ts';
import { type Answer, openTestRegistry, sha256, type TestRegistry } from '../support/registry.ts';
import { content, listKeys } from '../support/uploads.ts';
import { bodyInTurns, scheduledBlobs, scheduledMetadata, type Turn } from './scheduled-stores.ts';

/** The stores of two processes: the rows are the same, and so is what lies under the bytes. */
export interface Stores {
  readonly metadata: MetadataStore;
  readonly blobs: readonly [BlobStore, BlobStore];
}

/** Something that a client, or the upkeep, does. Numbers choose among few repositories, contents and manifests, so that acts meet. */
export interface Deed {
  readonly kind:
    | 'session'
    | 'push'
    | 'writers'
    | 'mount'
    | 'deleteBlob'
    | 'manifest'
    | 'deleteManifest'
    | 'deleteTag'
    | 'sweep';
  readonly repository: number;
  /** Repository that a mount takes the content from. */
  readonly from: number;
  readonly content: number;
  readonly manifest: number;
}

/** What is at a URL, as it was changed: from when to when, and to what. */
interface Event {
  readonly target: string;
  readonly isThere: boolean;
  readonly beginning: number;
  readonly end: number;
}

const hour = 3_600_000;
let worlds = 0;

/** Two processes over the same stores, in which worlds come one after the other. */
export interface Processes {
  readonly stores: Stores;
  readonly registries: readonly [TestRegistry, TestRegistry];
  /** Whose turn it is from now on; undefined: everybody's, at once. */
  take(turn: Turn | undefined): void;
  /** Moves the clock of both. */
  advance(ms: number): void;
}

/** Opens them; `plant` may put a mistake into their stores. */
export function openProcesses(opened: Stores, plant: (stores: Stores, turn: Turn) => Stores): Processes {
  let current: Turn | undefined;
  let nowMs = Date.now();
  const turn: Turn = async (call) => current?.(call);
  const stores = plant(opened, turn);
  const open = (blobs: BlobStore) =>
    openTestRegistry({
      metadata: scheduledMetadata(stores.metadata, turn),
      blobs: scheduledBlobs(blobs, turn),
      sources: { now: () => nowMs },
    });
  return {
    stores: opened,
    registries: [open(stores.blobs[0]), open(stores.blobs[1])],
    take(next) {
      current = next;
    },
    advance(ms) {
      nowMs += ms;
    },
  };
}

/** Repositories, contents and manifests that no other world has. */
export function createWorld({ stores, registries, take, advance }: Processes, turn: Turn) {
  worlds += 1;
  const salt = `world-${worlds}`;
  const processOf = (n: number) => registries[n % 2 === 0 ? 0 : 1];
  const events: Event[] = [];
  const problems: string[] = [];
  /** What somebody deletes, or did. */
  const deleting = new Set<string>();
  const faults = () => registries.flatMap((registry) => registry.faults);
  const faultsBefore = new Set(faults());
  const newFaults = () =>
    faults()
      .filter((fault) => !faultsBefore.has(fault))
      .map(String);
  let clock = 0;

  // Two that lie in files, and one in a row.
  const contents = [16_500, 16_501, 100].map((sizeBytes, n) => {
    const bytes = content(sizeBytes);
    bytes.set(new TextEncoder().encode(`${salt} ${n}`));
    return bytes;
  });
  const contentDigests = contents.map(sha256);
  const bytesOf = (n: number) => contents[n % contents.length] ?? new Uint8Array();
  const digestOf = (n: number) => contentDigests[n % contents.length] ?? '';
  const repositoryOf = (n: number) => `${salt}/${n % 2}`;
  const blobAt = (repository: number, n: number) => `/v2/${repositoryOf(repository)}/blobs/${digestOf(n)}`;
  const manifestOf = (n: number) =>
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.imageManifest,
      config: { mediaType: 'application/a', digest: digestOf(n), size: bytesOf(n).byteLength },
      layers: [{ mediaType: 'application/b', digest: digestOf(n + 1), size: bytesOf(n + 1).byteLength }],
    });
  const manifestAt = (repository: number, n: number) =>
    `/v2/${repositoryOf(repository)}/manifests/${sha256(manifestOf(n % 2))}`;
  const tagAt = (repository: number) => `/v2/${repositoryOf(repository)}/manifests/latest`;

  function tellProblem(problem: string): void {
    problems.push(problem);
  }

  /** Runs a request that makes what is at `target` (201) or deletes it (202), or is refused with one of `refusals`. */
  async function change(target: string, act: () => Promise<Answer>, refusals: readonly number[]): Promise<Answer> {
    clock += 1;
    const beginning = clock;
    const answer = await act();
    clock += 1;
    if (refusals.includes(answer.status)) return answer;
    const isChanged = answer.status === 201 || answer.status === 202;
    if (isChanged) events.push({ target, isThere: answer.status === 201, beginning, end: clock });
    else tellProblem(`${answer.status} for a change of ${target}: ${answer.text}`);
    return answer;
  }

  /** A blob that was acknowledged can be read at once, unless somebody deletes it. */
  async function readBack(target: string, bytes: Uint8Array): Promise<void> {
    const answer = await processOf(0).call('GET', target);
    const isRight = answer.status === 200 && Buffer.compare(answer.bytes, bytes) === 0;
    if (!isRight && !deleting.has(target)) tellProblem(`${target} was pushed, and read at once as ${answer.status}`);
  }

  async function push(repository: number, n: number, act: () => Promise<Answer>): Promise<Answer> {
    const target = blobAt(repository, n);
    // 202: there is nothing to mount. A clock that jumps by a day ends sessions under their writers.
    const answer = await change(target, act, [202, 404, 409]);
    if (answer.status === 201) await readBack(target, bytesOf(n));
    return answer;
  }

  async function openSession(repository: number): Promise<string> {
    const answer = await processOf(repository).call('POST', `/v2/${repositoryOf(repository)}/blobs/uploads/`);
    return String(answer.headers['location']);
  }

  async function close(process: number, location: string, n: number): Promise<Answer> {
    const body = bodyInTurns(bytesOf(n), turn);
    return processOf(process).call('PUT', `${location}?digest=${digestOf(n)}`, { body });
  }

  async function remove(target: string, refusals: readonly number[]): Promise<void> {
    deleting.add(target);
    await change(target, () => processOf(1).call('DELETE', target), refusals);
  }

  async function pushManifest(repository: number, n: number): Promise<void> {
    const body = manifestOf(n % 2);
    await change(manifestAt(repository, n), () => processOf(n).call('PUT', tagAt(repository), { body }), [404]);
  }

  async function writeTwice(repository: number, n: number): Promise<void> {
    const location = await openSession(repository);
    const put = (process: number) => push(repository, n, () => close(process, location, n));
    const statuses = (await Promise.all([put(0), put(1)])).map(({ status }) => status);
    if (!statuses.includes(201) && !hasSwept) tellProblem(`two writers of one session both lost: ${statuses}`);
  }

  let hasSwept = false;
  async function sweep(): Promise<void> {
    hasSwept = true;
    advance(25 * hour);
    await processOf(1).registry.sweep();
  }

  async function run({ kind, repository, from, content: n, manifest }: Deed): Promise<unknown> {
    const uploads = `/v2/${repositoryOf(repository)}/blobs/uploads/`;
    switch (kind) {
      case 'sweep':
        return sweep();
      case 'session': {
        const location = await openSession(repository);
        return push(repository, n, () => close(repository, location, n));
      }
      case 'push': {
        const body = bytesOf(n);
        return push(repository, n, () => processOf(n).call('POST', `${uploads}?digest=${digestOf(n)}`, { body }));
      }
      case 'mount': {
        const target = `${uploads}?mount=${digestOf(n)}&from=${repositoryOf(from)}`;
        return push(repository, n, () => processOf(0).call('POST', target));
      }
      case 'writers':
        return writeTwice(repository, n);
      case 'deleteBlob':
        return remove(blobAt(repository, n), [404, 405]);
      case 'manifest':
        return pushManifest(repository, manifest);
      case 'deleteManifest':
        return remove(manifestAt(repository, manifest), [404]);
      case 'deleteTag':
        return remove(tagAt(repository), [404]);
    }
  }

  /** What must be there, and what must not, by what was acknowledged: acts that overlap may have come in either order. */
  function owed(target: string): boolean | undefined {
    const about = events.filter((event) => event.target === target);
    const last = about.filter((event) => about.every((other) => other.beginning <= event.end));
    const outcomes = new Set(last.map(({ isThere }) => isThere));
    return outcomes.size === 1 ? [...outcomes][0] : undefined;
  }

  async function checkTarget(target: string, wanted: Uint8Array): Promise<boolean> {
    const answer = await processOf(1).call('GET', target);
    const isServed = answer.status === 200;
    if (!isServed && answer.status !== 404) tellProblem(`${target} is answered ${answer.status}`);
    if (isServed && Buffer.compare(answer.bytes, wanted) !== 0) tellProblem(`${target} is served wrongly`);
    const isOwed = owed(target);
    if (isOwed !== undefined && isOwed !== isServed) {
      tellProblem(`${target} was ${isOwed ? 'acknowledged' : 'deleted'}, and is answered ${answer.status}`);
    }
    return isServed;
  }

  async function check(): Promise<void> {
    for (const repository of [0, 1]) {
      const served = new Set<string>();
      for (const [n, bytes] of contents.entries()) {
        const target = blobAt(repository, n);
        if (await checkTarget(target, bytes)) served.add(digestOf(n));
      }
      for (const n of [0, 1]) {
        const target = manifestAt(repository, n);
        if (!(await checkTarget(target, new TextEncoder().encode(manifestOf(n))))) continue;
        if (!served.has(digestOf(n)) || !served.has(digestOf(n + 1)))
          tellProblem(`${target} is served without its blobs`);
      }
      const tags = await processOf(0).call('GET', `/v2/${repositoryOf(repository)}/tags/list`);
      const isListed = tags.status === 200 && tags.json().tags.length === 1;
      const tagged = await processOf(0).call('GET', tagAt(repository));
      const isKnown = [0, 1].some((n) => manifestOf(n) === tagged.text);
      if (isListed !== (tagged.status === 200 && isKnown))
        tellProblem(`the tag of ${repositoryOf(repository)} leads nowhere`);
    }
  }

  /** Bytes lie under the keys that rows name, and under no others once upkeep was done. */
  async function checkKeys(): Promise<void> {
    advance(50 * hour);
    await processOf(0).registry.sweep();
    const keys = await listKeys(stores.blobs[0]);
    const known = await stores.metadata.findKnownKeys(keys);
    if (known.size !== keys.length) tellProblem(`${keys.length - known.size} keys are left over`);
  }

  return {
    /** Does the deed; whatever it throws is a problem. */
    run: (deed: Deed) => run(deed).catch((error: unknown) => tellProblem(`${deed.kind} threw ${error}`)),
    /** What is wrong once all is done. */
    async problems(): Promise<readonly string[]> {
      take(undefined);
      await check();
      await checkKeys();
      await check();
      // The next world begins without the bytes of this one.
      for (const key of await listKeys(stores.blobs[0])) await stores.blobs[0].remove(key);
      return [...problems, ...newFaults()];
    },
  };
}
