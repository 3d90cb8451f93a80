import type { Registry, RegistryEvent } from '@moorage/registry';

/** A tag that goes by itself. */
export interface Preview {
  readonly repository: string;
  readonly tag: string;
  readonly until: Date;
}

const weekMs = 7 * 24 * 60 * 60 * 1000;
/** Previews are tags that begin so: a week after their last push they are gone, with the manifests that nothing else needs. */
const isPreview = (tag: string) => tag.startsWith('pr-');

/** Gives previews that are pushed their time. A push of what is there already moves no tag, but is a sign of life. */
export async function renewPreviews(registry: Registry, event: RegistryEvent): Promise<void> {
  if (event.type !== 'manifest-pushed') return;
  for (const tag of event.tags.filter(isPreview)) await keepForAWeek(registry, event.repository, tag);
}

/** Gives a time to previews that have none: a process that is killed between a push and its event leaves some. */
export async function giveTimes(registry: Registry): Promise<void> {
  for await (const { repository, tag, expiresMs } of allTags(registry)) {
    if (isPreview(tag) && expiresMs === undefined) await keepForAWeek(registry, repository, tag);
  }
}

/** The previews of a customer. */
export async function listPreviews(registry: Registry, customer: string): Promise<readonly Preview[]> {
  const previews: Preview[] = [];
  for await (const { repository, tag, expiresMs } of allTags(registry, customer)) {
    if (expiresMs !== undefined) previews.push({ repository, tag, until: new Date(expiresMs) });
  }
  return previews;
}

function keepForAWeek(registry: Registry, repository: string, tag: string): Promise<void> {
  return registry.expire(repository, tag, new Date(Date.now() + weekMs));
}

async function* allTags(registry: Registry, namespace?: string) {
  for await (const repository of allPages((after) => registry.listRepositories({ namespace, after }))) {
    for await (const record of allPages((after) => registry.listTags(repository, { after })))
      yield { repository, ...record };
  }
}

async function* allPages<Item>(
  read: (after: string | undefined) => Promise<{ readonly items: readonly Item[]; readonly next: string | undefined }>,
): AsyncGenerator<Item> {
  let after: string | undefined;
  do {
    const { items, next } = await read(after);
    yield* items;
    after = next;
  } while (after !== undefined);
}
