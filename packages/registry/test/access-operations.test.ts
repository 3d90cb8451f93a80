import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, expect, test } from 'vitest';
import { type Identity, OciError, type Operations } from '../src/index.ts';
import { openUserRegistry } from './access/users.ts';
import { imageOf } from './support/documents.ts';
import { sha256 } from './support/registry.ts';

const file = new URL('../../../docs/access.md', import.meta.url);
const [begin, end] = ['<!-- begin of the operations -->\n', '<!-- end of the operations -->'];

const opened = openUserRegistry({ access: { creation: 'administrators' } });
afterAll(() => opened.close());
const encode = (text: string) => new TextEncoder().encode(text);
const image = imageOf([], { annotations: { of: 'the table' } });

/** Every operation on a repository; `listRepositories` is on none. */
const operations: Readonly<
  Record<Exclude<keyof Operations, 'listRepositories'>, (on: Operations, name: string) => Promise<unknown>>
> = {
  getRepository: (on, name) => on.getRepository(name),
  listTags: (on, name) => on.listTags(name),
  getManifest: (on, name) => on.getManifest(name, 'latest'),
  listReferrers: (on, name) => on.listReferrers(name, sha256(image)),
  readBlob: (on, name) => on.readBlob(name, sha256('{}')),
  pushBlob: (on, name) => on.pushBlob(name, encode('more')),
  pushManifest: (on, name) => on.pushManifest(name, 'again', { bytes: encode(image) }),
  tag: (on, name) => on.tag(name, 'other', 'latest'),
  expire: (on, name) => on.expire(name, 'latest', undefined),
  delete: (on, name) => on.delete(name, 'latest'),
  setVisibility: (on, name) => on.setVisibility(name, 'private'),
  listGrants: (on, name) => on.listGrants(name),
  setRole: (on, name) => on.setRole(name, 'nobody', 'reader'),
  removeRepository: (on, name) => on.removeRepository(name),
};
const names = Object.keys(operations) as (keyof typeof operations)[];

const people: readonly (readonly [who: string, as: Operations])[] = [
  ['anonymous', opened.registry.as(undefined)],
  ...['stranger', 'reader', 'contributor', 'owner'].map((id) => [id, opened.registry.as({ id })] as const),
  ['administrator', opened.registry.as({ id: 'administrator', admin: true } satisfies Identity)],
  ['robot', opened.registry.as({ id: 'robot+ci', isRobot: true })],
  ['the application', opened.registry],
];

/** A repository of its own for each cell, so that none is in the way of another. */
async function prepare(name: string, visibility: 'public' | 'private'): Promise<void> {
  await opened.registry.pushBlob(name, encode('{}'));
  await opened.registry.pushManifest(name, 'latest', { bytes: encode(image) });
  await opened.registry.setVisibility(name, visibility);
  for (const role of ['reader', 'contributor', 'owner'] as const) await opened.registry.setRole(name, role, role);
}

async function cell(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'yes';
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    return error.code;
  }
}

async function readSection(place: 'public' | 'private' | 'none'): Promise<readonly (readonly [string, ...string[]])[]> {
  const rows: [string, ...string[]][] = [];
  for (const [row, [who, as]] of people.entries()) {
    const cells: string[] = [];
    for (const operation of names) {
      const name = `${place}/r${row}/${operation.toLowerCase()}`;
      if (place !== 'none') await prepare(name, place);
      cells.push(await cell(() => operations[operation](as, name)));
    }
    rows.push([who, ...cells]);
  }
  return rows;
}

const sections = {
  'A public repository': await readSection('public'),
  'A private repository': await readSection('private'),
  'No repository of that name, where administrators alone may make it': await readSection('none'),
};

test('what every role may do from code is what docs/access.md says (UPDATE=1 writes it)', async () => {
  const tables = Object.entries(sections).map(([title, rows]) =>
    [
      `#### ${title}\n`,
      `| who | ${names.map((name) => `\`${name}\``).join(' | ')} |`,
      `|---|${'---|'.repeat(names.length)}`,
      ...rows.map((row) => `| ${row.join(' | ')} |`),
    ].join('\n'),
  );
  const written = `\n${tables.join('\n\n')}\n\n`;
  const text = await readFile(file, 'utf8');
  const [before = '', rest = ''] = text.split(begin);
  const [current = '', after = ''] = rest.split(end);
  if (process.env['UPDATE'] === '1') await writeFile(file, before + begin + written + end + after);
  else expect(current).toBe(written);
});

test('who may not see a private repository gets the same as where there is none, from code too', () => {
  const blind = (rows: readonly (readonly string[])[]) =>
    rows.filter(([who]) => who === 'anonymous' || who === 'stranger');
  expect(blind(sections['A private repository'])).toEqual(
    blind(sections['No repository of that name, where administrators alone may make it']),
  );
});

test('the catalog from code has what each may pull', async () => {
  const counts = await Promise.all(
    people.map(async ([who, as]) => [
      who,
      await cell(() => as.listRepositories()),
      await as.listRepositories({ limit: 1000 }).then(
        ({ items }) => items.length,
        () => 0,
      ),
    ]),
  );
  const all = Number(counts.at(-1)?.[2]);
  expect(counts.map(([who, answer]) => [who, answer])).toEqual(people.map(([who]) => [who, 'yes']));
  expect(counts.find(([who]) => who === 'administrator')?.[2]).toBe(all);
  const stranger = Number(counts.find(([who]) => who === 'stranger')?.[2]);
  expect(stranger).toBeLessThan(all);
  expect(counts.find(([who]) => who === 'anonymous')?.[2]).toBe(stranger);
});

test('nothing of the table was a fault of the registry', () => {
  expect(opened.faults).toEqual([]);
});
