import { application } from '../access/identity.ts';
import type { Permit } from '../access/permit.ts';
import { OciError } from '../oci/error.ts';
import type { RepositoryName } from '../oci/name.ts';
import type { ChangeKind, EventKind, Hooks, PullCount, RegistryEvent } from './events.ts';
import type { Sources } from './settings.ts';

/** The way from acts to the application's hooks. */
export interface Events {
  /** Whether anybody wants to hear of events. */
  readonly isHeard: boolean;
  /** Asks `before` about a change; `DENIED` with its words where it refuses. */
  ask(permit: Permit, change: () => ChangeKind | Promise<ChangeKind>): Promise<void>;
  /** Tells of what a permit's caller has done. */
  tell(permit: Permit, event: EventKind): void;
  /** Tells of what happened by itself. */
  tellOf(repository: RepositoryName, event: EventKind): void;
  tellPulls(pulls: readonly PullCount[]): void;
  /** Resolves when `after` was told everything and every promise of it has settled. */
  settled(): Promise<void>;
}

export function createEvents(
  { before, after }: Hooks,
  { sources, onError }: { readonly sources: Sources; onError(error: unknown): void },
): Events {
  const waiting: RegistryEvent[] = [];
  const underWay = new Set<Promise<void>>();

  function deliver(): void {
    for (const event of waiting.splice(0)) {
      const call = hear(event);
      underWay.add(call);
      void call.finally(() => underWay.delete(call));
    }
  }

  async function hear(event: RegistryEvent): Promise<void> {
    try {
      await after?.(event);
    } catch (error) {
      onError(error);
    }
  }

  /** In a turn of its own, so that no answer waits for a listener. */
  function queue(event: RegistryEvent): void {
    if (after === undefined) return;
    if (waiting.push(event) === 1) setImmediate(deliver);
  }

  const facts = () => ({ id: sources.randomId(), atMs: sources.now() });
  return {
    isHeard: after !== undefined,
    async ask(permit, change) {
      if (before === undefined || permit.caller === application) return;
      const { identity } = permit;
      const answer = await before({ ...(await change()), repository: permit.repository.name, identity });
      if (answer !== undefined) throw new OciError('DENIED', answer.refuse);
    },
    tell: (permit, event) =>
      queue({ ...event, ...facts(), repository: permit.repository.name, by: permit.identity?.id }),
    tellOf: (repository, event) => queue({ ...event, ...facts(), repository, by: undefined }),
    tellPulls: (pulls) => queue({ type: 'pulled', ...facts(), pulls }),
    async settled() {
      deliver();
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}
