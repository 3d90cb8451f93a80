import type { MetadataStore, RepositoryName } from '@moorage/registry';

/** Who acts, in the audit: nobody can log in under a name with a space in it. */
const actor = 'command line';

/** Writes into the audit what was done by a command: `act` as a word, and what it was about. */
export async function recordCommand(
  metadata: Pick<MetadataStore, 'appendAudit'>,
  act: string,
  { repository, about }: { readonly repository?: RepositoryName | undefined; readonly about?: string | undefined },
): Promise<void> {
  const entry = { atMs: Date.now(), identity: actor, address: undefined, act, isAllowed: true, repository, about };
  await metadata.appendAudit({ entries: [entry] });
}
