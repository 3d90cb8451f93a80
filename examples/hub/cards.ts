import type { DatabaseSync } from 'node:sqlite';
import { OciError, type Registry, type RegistryEvent } from '@moorage/registry';

/** What everybody may read about a model. */
export interface Card {
  readonly repository: string;
  /** The tag that it was read from: `latest`, or else the one that was pushed last. */
  readonly tag: string;
  readonly title: string;
  readonly description: string;
  readonly licenses: string;
  /** The type of the artifact. */
  readonly kind: string;
  readonly sizeBytes: number;
  readonly pulls: number;
}

/** Cards of all models. What publishers write into the annotations of their manifests is all that the hub knows. */
export interface Cards {
  hear(event: RegistryEvent): Promise<void>;
  /** Reads every card again: what was pushed while nobody listened is not told again. */
  catchUp(): Promise<void>;
  find(repository: string): Card | undefined;
  /** Those with the text in name, title or description; the most popular first. */
  search(text: string): readonly Card[];
}

/** The cards in the hub's database. */
export function createCards(registry: Registry, database: DatabaseSync): Cards {
  const put = database.prepare('INSERT OR REPLACE INTO cards VALUES (?, ?, ?, ?, ?, ?, ?)');
  const remove = database.prepare('DELETE FROM cards WHERE repository = ?');
  const names = database.prepare('SELECT repository FROM cards');
  const pulls = '(SELECT coalesce(sum(count), 0) FROM pulls WHERE pulls.repository = cards.repository) AS pulls';
  const find = database.prepare(`SELECT *, ${pulls} FROM cards WHERE repository = ?`);
  const search = database.prepare(
    `SELECT *, ${pulls} FROM cards WHERE instr(lower(repository || ' ' || title || ' ' || description), lower(?)) > 0
     ORDER BY pulls DESC, repository LIMIT 100`,
  );

  async function refresh(repository: string): Promise<void> {
    const found = await readNewest(registry, repository).catch(undefinedIfUnknown);
    if (found === undefined) {
      remove.run(repository);
      return;
    }
    const { tag, manifest } = found;
    const about = (key: string) => manifest.annotations?.[`org.opencontainers.image.${key}`] ?? '';
    const kind = manifest.artifactType ?? manifest.config?.mediaType ?? '';
    const sizeBytes = (manifest.layers ?? []).reduce((sum, { size }) => sum + size, 0);
    put.run(repository, tag, about('title') || repository, about('description'), about('licenses'), kind, sizeBytes);
  }

  return {
    async hear(event) {
      if (event.type === 'tag-moved' || event.type === 'tag-deleted' || event.type === 'repository-removed') {
        await refresh(event.repository);
      }
    },
    async catchUp() {
      for (const { repository } of names.all()) await refresh(String(repository));
      let after: string | undefined;
      do {
        const { items, next } = await registry.listRepositories({ after });
        for (const repository of items) await refresh(repository);
        after = next;
      } while (after !== undefined);
    },
    find(repository) {
      const row = find.get(repository);
      return row === undefined ? undefined : toCard(row);
    },
    search: (text) => search.all(text).map(toCard),
  };
}

interface Manifest {
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly config?: { readonly mediaType: string };
  readonly layers?: readonly { readonly size: number }[];
}

async function readNewest(
  registry: Registry,
  repository: string,
): Promise<{ readonly tag: string; readonly manifest: Manifest } | undefined> {
  const { items } = await registry.listTags(repository, { limit: 1000 });
  const newest = items.find(({ tag }) => tag === 'latest') ?? items.toSorted((a, b) => b.movedMs - a.movedMs)[0];
  if (newest === undefined) return undefined;
  const { bytes } = await registry.getManifest(repository, newest.digest);
  return { tag: newest.tag, manifest: JSON.parse(new TextDecoder().decode(bytes)) };
}

function undefinedIfUnknown(error: unknown): undefined {
  if (error instanceof OciError && error.status === 404) return undefined;
  throw error;
}

function toCard(row: Readonly<Record<string, unknown>>): Card {
  const text = (name: string) => String(row[name]);
  return {
    repository: text('repository'),
    tag: text('tag'),
    title: text('title'),
    description: text('description'),
    licenses: text('licenses'),
    kind: text('kind'),
    sizeBytes: Number(row['size_bytes']),
    pulls: Number(row['pulls']),
  };
}
