import type { MetadataStore, RepositoryName } from '@moorage/registry';
import type { ExitError } from '../exit-error.ts';
import type { Answer } from './data-command.ts';
import { unknown } from './known.ts';
import type { Data } from './open-data.ts';
import { listRights } from './repo-grants.ts';
import { align, table } from './table.ts';

type Repository = NonNullable<Awaited<ReturnType<MetadataStore['findRepository']>>>;

const pageLength = 1000;

/** `moorage repo list` */
export async function listRepositories({ metadata }: Data): Promise<Answer> {
  const all: Repository[] = [];
  for (let after: RepositoryName | undefined, more = true; more; after = all.at(-1)?.name) {
    const page = await metadata.listRepositories({ after, limit: pageLength });
    all.push(...page);
    more = page.length === pageLength;
  }
  const rows = all.map(({ name, visibility, createdBy }) => [name, visibility, createdBy ?? '']);
  return { json: all.map(toJson), lines: table(['name', 'visibility', 'made by'], rows, 'Nothing was pushed yet.') };
}

/** `moorage repo show`: a namespace has rights alone. */
export async function showRepository(data: Data, typed: string): Promise<Answer> {
  const pattern = data.parsePattern(typed);
  const repository = pattern.endsWith('/*') ? undefined : await getRepository(data, data.parseName(typed));
  const rights = await listRights(data, pattern);
  const facts = repository && [
    ['visibility', repository.visibility],
    ['made by', repository.createdBy ?? 'nobody who was logged in'],
  ];
  const rows = rights.map((right) => [right.subject, right.role, right.pattern]);
  const lines = [
    ...align([['name', pattern], ...(facts ?? [])]),
    '',
    ...table(['who', 'role', 'on'], rows, 'Nobody but administrators has a right here.'),
  ];
  return { json: { ...(repository === undefined ? { name: pattern } : toJson(repository)), rights }, lines };
}

/** `moorage repo set` */
export async function setVisibility(data: Data, typed: string, visibility: 'public' | 'private'): Promise<Answer> {
  const name = data.parseName(typed);
  if (!(await data.metadata.setVisibility({ name, visibility }))) throw await unknownRepository(data, name);
  await data.record('visibility', { repository: name, about: visibility });
  const who = visibility === 'public' ? 'everyone' : 'those who have a right';
  return { json: toJson(await getRepository(data, name)), lines: [`${name} is ${visibility}: ${who} may pull.`] };
}

/** `moorage repo remove` */
export async function removeRepository(data: Data, typed: string): Promise<Answer> {
  const name = data.parseName(typed);
  const repository = await getRepository(data, name);
  if (!(await data.metadata.removeRepository({ name }))) throw await unknownRepository(data, name);
  await data.record('repository-remove', { repository: name });
  return { json: toJson(repository), lines: [`Removed ${name} with all that it held.`] };
}

async function getRepository(data: Data, name: RepositoryName): Promise<Repository> {
  const repository = await data.metadata.findRepository(name);
  if (repository === undefined) throw await unknownRepository(data, name);
  return repository;
}

async function unknownRepository({ metadata }: Data, name: RepositoryName): Promise<ExitError> {
  const some = await metadata.listRepositories({ after: undefined, limit: pageLength });
  return unknown(
    'repository',
    name,
    some.map((repository) => repository.name),
  );
}

function toJson({ name, visibility, createdBy }: Repository) {
  return { name, visibility, createdBy: createdBy ?? null };
}
