import type { Permit } from '../access/permit.ts';
import type { Tag } from '../oci/name.ts';
import type { ManifestRecord, MetadataStore } from '../storage/metadata-store.ts';
import type { PullCount } from './events.ts';
import type { Events } from './hooks.ts';
import { existingId } from './needs.ts';
import type { Sources } from './settings.ts';

/** Counts what clients get. Counts lie in memory for some seconds, so that a pull writes nothing; a process that is killed loses those. */
export interface Pulls {
  /** A manifest is in the answer to a client. */
  countManifest(permit: Permit<'pull'>, manifest: ManifestRecord, tag: Tag | undefined): void;
  /** So many bytes of a blob are in the answer to a client, whether or not it takes them all. */
  countBlob(permit: Permit<'pull'>, sizeBytes: number): void;
  /** Writes and tells what was counted. */
  flush(): Promise<void>;
}

/** What counting needs. */
export interface PullNeeds {
  readonly metadata: Pick<MetadataStore, 'addPulls'>;
  readonly events: Events;
  readonly sources: Sources;
  onError(error: unknown): void;
}

/** How long counts are gathered, in ms. */
const gatherMs = 5_000;
/** Different pulls that are gathered at most. */
const maximumGathered = 1_000;

export function createPulls({ metadata, events, sources, onError }: PullNeeds): Pulls {
  let sums = new Map<number, { pullCount: number; sentBytes: number }>();
  let pulls = new Map<string, PullCount>();
  let sinceMs = 0;
  let timer: NodeJS.Timeout | undefined;

  function add(permit: Permit<'pull'>, pullCount: number, sentBytes: number): void {
    const id = existingId(permit);
    if (sums.size === 0) begin();
    const sum = sums.get(id);
    if (sum === undefined) {
      sums.set(id, { pullCount, sentBytes });
    } else {
      sum.pullCount += pullCount;
      sum.sentBytes += sentBytes;
    }
    const isDue = sources.now() - sinceMs >= gatherMs || pulls.size >= maximumGathered || sums.size >= maximumGathered;
    if (isDue) void flush();
  }

  /** A registry whose events nobody wants starts no timer: its next pull, or its end, writes the counts. */
  function begin(): void {
    sinceMs = sources.now();
    if (events.isHeard) timer = setTimeout(() => void flush(), gatherMs).unref();
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    const entries = [...sums].map(([repositoryId, sum]) => ({ repositoryId, ...sum }));
    if (entries.length === 0) return;
    if (pulls.size > 0) events.tellPulls([...pulls.values()]);
    sums = new Map();
    pulls = new Map();
    await metadata.addPulls({ entries }).catch(onError);
  }

  return {
    countManifest(permit, { digest, sizeBytes }, tag) {
      const { repository, identity } = permit;
      if (events.isHeard) {
        const key = JSON.stringify([repository.name, digest, tag, identity?.id]);
        const count = (pulls.get(key)?.count ?? 0) + 1;
        pulls.set(key, { repository: repository.name, digest, tag, by: identity?.id, count });
      }
      add(permit, 1, sizeBytes);
    },
    countBlob: (permit, sizeBytes) => add(permit, 0, sizeBytes),
    flush,
  };
}
