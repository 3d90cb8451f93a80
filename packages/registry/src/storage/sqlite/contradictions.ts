import type { Contradiction } from '../metadata-check.ts';

/** A way in which rows may contradict each other: how to find it, to tell it and to put it right. */
interface Rule {
  readonly find: string;
  tell(row: Readonly<Record<string, string | number>>): string;
  readonly mend: string;
}

/** Counts that are kept beside what they count, by their column. */
const counters = {
  manifest_count: '(select count(*) from manifests where repository_id = repositories.id)',
  manifest_bytes: '(select coalesce(sum(size_bytes), 0) from manifests where repository_id = repositories.id)',
  tag_count: '(select count(*) from tags where repository_id = repositories.id)',
} as const;

const setRight = (column: string, counted: string) => `update repositories set ${column} = ${counted}`;

/** How many rows of one kind are told: the statement that mends one mends all. */
const limit = 20;

/** What the tables themselves do not refuse, or would not have refused from a program that switched their checks off. */
export const contradictions: readonly Rule[] = [
  ...Object.entries(counters).map(([column, counted]) => ({
    find: `select name, ${column} as kept, ${counted} as counted from repositories where kept <> counted limit ${limit}`,
    tell: ({ name, kept, counted: right }: Readonly<Record<string, string | number>>) =>
      `The repository ${name} has ${column} ${kept}, and ${right} is right.`,
    mend: setRight(column, counted),
  })),
  {
    find: `select coalesce(repositories.name, 'number ' || tags.repository_id) as repository, tags.name as tag
      from tags left join repositories on repositories.id = tags.repository_id
        left join manifests on manifests.id = manifest_id and manifests.repository_id = tags.repository_id
      where manifests.id is null limit ${limit}`,
    tell: ({ repository, tag }) =>
      `The tag ${tag} of the repository ${repository} points to a manifest that is not there.`,
    mend: `delete from tags where not exists (select 1 from manifests where id = manifest_id and repository_id = tags.repository_id); ${setRight('tag_count', counters.tag_count)}`,
  },
  {
    find: `select coalesce(repositories.name, 'number ' || repository_id) as repository, blob_id as blob
      from repository_blobs left join repositories on repositories.id = repository_id left join blobs on blobs.id = blob_id
      where blobs.id is null limit ${limit}`,
    tell: ({ repository, blob }) =>
      `The repository ${repository} is linked to blob number ${blob}, which is not there.`,
    mend: 'delete from repository_blobs where blob_id not in (select id from blobs)',
  },
  {
    find: `select digest from manifest_edges where not exists (select 1 from manifests
      where id = manifest_id and repository_id = manifest_edges.repository_id) limit ${limit}`,
    tell: ({ digest }) => `A mention of ${digest} belongs to no manifest of its repository.`,
    mend: 'delete from manifest_edges where not exists (select 1 from manifests where id = manifest_id and repository_id = manifest_edges.repository_id)',
  },
];

/** Tables whose rows the rules above tell of. */
const told = new Set(['tags', 'repository_blobs', 'manifest_edges']);

/** A row of SQLite's own check of foreign keys. */
export interface ForeignKeyRow {
  readonly table: string;
  readonly parent: string;
}

/** What SQLite's check of foreign keys finds beyond the rules, a sentence a table. */
export function foreignKeys(rows: readonly ForeignKeyRow[]): readonly Contradiction[] {
  const counts = new Map<string, number>();
  for (const { table, parent } of rows) {
    if (told.has(table) && parent !== 'repositories') continue;
    const pair = `${table} that name a row of ${parent}`;
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  return [...counts].map(([pair, count]) => ({
    message: `Rows of ${pair} which is not there: ${count}.`,
    sql: undefined,
  }));
}
