import { type Route, routes } from '../../src/http/routes.ts';
import { imageOf } from '../support/documents.ts';
import { type Answer, type Call, imageType, sha256 } from '../support/registry.ts';
import { openCallers, type TableCaller, ttlSeconds } from './callers.ts';
import { basic, openUserRegistry, type UserRegistry } from './users.ts';

/** What a repository of the table is. */
export type Place = 'public' | 'private' | 'none';

/** What somebody got for a request. */
export interface Cell {
  /** As the table shows it. */
  readonly text: string;
  /** The error document, with a word in the place of the repository's name; empty where it was answered. */
  readonly refusal: string;
}

/** What everybody got, by route: a row for each of `callers`. */
export interface Table {
  readonly title: string;
  readonly routes: readonly Route[];
  readonly rows: readonly { readonly caller: TableCaller; readonly cells: readonly Cell[] }[];
}

const onRepositories = routes.filter(({ path }) => path.includes('<name>'));
const onNone = routes.filter(({ path }) => !path.includes('<name>'));

/** The registry of the table: in `public` and `private` each has the role of their name, and `none` is nobody's. */
export async function openWorld(creation: 'anyone' | 'administrators'): Promise<UserRegistry> {
  const opened = openUserRegistry({ access: { creation }, tokens: { ttlSeconds } });
  const roles = ['reader', 'contributor', 'owner'] as const;
  for (const id of roles) opened.users.set(id, { id });
  opened.users.set('administrator', { id: 'administrator', admin: true });
  for (const namespace of ['public/*', 'private/*']) {
    for (const role of roles) await opened.grant(namespace, role, role);
    await opened.grant(namespace, 'disabled', 'owner');
  }
  return opened;
}

/** Every route on a repository, each on a repository of its own, asked by everybody. */
export async function readTable(opened: UserRegistry, place: Place, title: string): Promise<Table> {
  const rows: Table['rows'][number][] = [];
  const namesIn = (space: string) => onRepositories.map(({ end }) => `${place}/${space}/${end}`);
  for (const caller of await openCallers(opened, namesIn)) {
    const names = namesIn(caller.space);
    if (place !== 'none') for (const name of names) await prepare(opened, name, place);
    const headers = await caller.headers();
    const cells: Cell[] = [];
    for (const [column, route] of onRepositories.entries()) {
      const name = names[column] ?? '';
      const session = place === 'none' ? noSession : await beginSession(opened, name);
      cells.push(await ask(opened, route, { name, session, headers }));
    }
    rows.push({ caller, cells });
  }
  return { title, routes: onRepositories, rows };
}

/** The routes on no repository, asked by everybody. */
export async function readOtherTable(opened: UserRegistry, title: string): Promise<Table> {
  const rows: Table['rows'][number][] = [];
  for (const caller of await openCallers(opened, () => [])) {
    const headers = await caller.headers();
    const cells: Cell[] = [];
    for (const route of onNone) cells.push(await ask(opened, route, { name: 'x', session: noSession, headers }));
    rows.push({ caller, cells });
  }
  return { title, routes: onNone, rows };
}

const noSession = '00000000-0000-4000-8000-000000000000';
const image = imageOf([], { annotations: { of: 'the table' } });

async function prepare(opened: UserRegistry, name: string, visibility: 'public' | 'private'): Promise<void> {
  const headers = { ...basic('owner'), 'content-type': imageType };
  for (const body of ['{}', 'loose']) {
    await opened.call('POST', `/v2/${name}/blobs/uploads/?digest=${sha256(body)}`, { headers, body });
  }
  await opened.call('PUT', `/v2/${name}/manifests/latest`, { headers, body: image });
  await opened.setVisibility(name, visibility);
}

async function beginSession(opened: UserRegistry, name: string): Promise<string> {
  const answer = await opened.call('POST', `/v2/${name}/blobs/uploads/`, { headers: basic('owner') });
  return String(answer.headers['docker-upload-uuid']);
}

interface Target {
  readonly name: string;
  readonly session: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function ask(opened: UserRegistry, route: Route, target: Target): Promise<Cell> {
  const { method } = route;
  const [path, call] = requestOf(route, target);
  // Failed logins are counted by the minute, and none of these is to be refused for what was asked before.
  opened.advance(15_000);
  const answer = await opened.call(method, path, call);
  if (method === 'GET') {
    const head = await opened.call('HEAD', path, call);
    if (head.status !== answer.status) throw new Error(`HEAD ${path} answered ${head.status}, GET ${answer.status}.`);
  }
  const refusal = answer.status < 400 ? '' : answer.text.replaceAll(target.name, 'NAME');
  return { text: toText(answer), refusal };
}

/** A request that does what the route is for, where it is allowed. */
function requestOf({ end, method, path }: Route, { name, session, headers }: Target): [target: string, call: Call] {
  const references: Readonly<Record<string, string>> = {
    'end-2': sha256('{}'),
    'end-10': sha256('loose'),
    'end-12': sha256(image),
  };
  const target = path
    .replace('<name>', name)
    .replace('<reference>', references[end] ?? 'latest')
    .replace('<session>', session);
  if (method === 'GET' || method === 'DELETE') return [target, { headers }];
  if (end === 'token') return [target, { headers, body: 'grant_type=password&username=owner&password=owner-password' }];
  const query = end === 'end-6' ? `?digest=${sha256('more')}` : '';
  const body = end === 'end-7' ? image : 'more';
  const type = end === 'end-7' ? { 'content-type': imageType } : {};
  return [`${target}${query}`, { headers: { ...headers, ...type }, body: end === 'end-4' ? '' : body }];
}

/** Codes that a status stands for; another code is written out. */
const usual: Readonly<Record<number, string>> = { 401: 'UNAUTHORIZED', 403: 'DENIED', 404: 'NAME_UNKNOWN' };

function toText(answer: Answer): string {
  const { status, headers } = answer;
  if (status < 400) return String(status);
  const [code = ''] = answer.codes();
  if (headers['www-authenticate']?.includes('insufficient_scope') === true) return `${status} scope`;
  return usual[status] === code ? String(status) : `${status} ${code}`;
}

/** The tables as Markdown. Basic and Bearer share a line where they get the same. */
export function toMarkdown(tables: readonly Table[]): string {
  return tables.map(toSection).join('\n');
}

function toSection({ title, routes: columns, rows }: Table): string {
  const lines: string[] = [];
  const heads = columns.map(({ end, method, path }) => {
    const shown = path.replace('/v2/', '').replace('<name>/', '…/');
    return `\`${method} ${shown === '' ? '/' : shown}\` ${end}`;
  });
  lines.push(`### ${title}`, '', `| who | shows | ${heads.join(' | ')} |`, `|---|---|${'---|'.repeat(columns.length)}`);
  const merged = new Map<string, { who: string; shows: string[]; cells: string }>();
  for (const { caller, cells } of rows) {
    const texts = cells.map(({ text }) => text).join(' | ');
    const key = `${caller.who}|${texts}`;
    const entry = merged.get(key) ?? { who: caller.who, shows: [], cells: texts };
    entry.shows.push(caller.shows);
    merged.set(key, entry);
  }
  for (const { who, shows, cells } of merged.values()) lines.push(`| ${who} | ${shows.join(', ')} | ${cells} |`);
  return `${lines.join('\n')}\n`;
}
