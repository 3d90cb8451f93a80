import { doesNotMatch, equal, match, ok } from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { logInWithCrane } from './clients.ts';
import type { Running, Scenario } from './scenario.ts';

/** alice owns the project, and bob is a stranger until she adds him. */
const names = ['alice', 'bob'] as const;
type Name = (typeof names)[number];

/** The example, and what its users have of it. */
type World = Running & { readonly visitors: Readonly<Record<Name, Visitor>>; readonly keys: Map<Name, string> };

/** Past the 10 MB that Next would let through its proxy file. */
const layerBytes = 20_000_000;

/** A page of the app router, and pushes that Next neither cuts nor keeps. */
export const next: Scenario = {
  name: 'next',
  cases(example) {
    const visitors = { alice: createVisitor(example.url), bob: createVisitor(example.url) };
    const world: World = { ...example, visitors, keys: new Map() };
    return cases.map(({ name, run }) => ({ name, run: () => run(world) }));
  },
};

const cases = [
  { name: 'users sign up, log in with the API key that they were shown, and make a project', run: setUp },
  { name: 'crane logs in with it, pushes 20 MB and pulls them', run: pushAndPull },
  { name: 'a stranger may neither pull nor push', run: refuse },
  { name: 'the page shows tags to members, and nothing to others', run: show },
  { name: 'a member who was added pulls at once, and an API key that was replaced is refused', run: change },
  { name: 'all of it is there after a restart', run: restart },
] as const;

async function setUp({ visitors, keys }: World): Promise<void> {
  for (const name of names) {
    const visitor = visitors[name];
    match(await visitor.open('/'), /Sign up/);
    const page = await visitor.submit('/log-in', 'Sign up', { name });
    const key = /this once: ([\w-]{43})/.exec(page)?.[1] ?? '';
    ok(key !== '', page);
    keys.set(name, key);
    match(await visitor.submit('/log-in', 'Log in', { name, key: 'another' }), /There is no such user/);
    match(await visitor.submit('/log-in', 'Log in', { name, key }), new RegExp(`Projects of (<!-- -->)?${name}`));
  }
  match(await visitors.alice.submit('/', 'Make a project', { project: 'web' }), /web is yours/);
}

async function pushAndPull(world: World): Promise<void> {
  const { host, home } = world;
  const alice = await home('alice');
  await logInWithCrane(alice, host, { user: 'alice', password: world.keys.get('alice') ?? '' });
  const layer = join(alice.directory, 'layer.tar');
  await writeFile(layer, randomBytes(layerBytes));
  await alice.run('crane', ['append', '--new_layer', layer, '--new_tag', `${host}/web/site:1`]);
  await alice.run('crane', ['pull', '--format=oci', `${host}/web/site:1`, 'pulled']);
  const { layers } = JSON.parse((await alice.run('crane', ['manifest', `${host}/web/site:1`])).stdout);
  const pulled = await readFile(join(alice.directory, 'pulled/blobs', layers[0].digest.replace(':', '/')));
  equal(`sha256:${createHash('sha256').update(pulled).digest('hex')}`, layers[0].digest);
  ok(pulled.byteLength >= layerBytes);
}

async function refuse({ host, home, keys }: World): Promise<void> {
  const bob = await home('bob');
  await logInWithCrane(bob, host, { user: 'bob', password: keys.get('bob') ?? '' });
  await writeFile(join(bob.directory, 'layer.tar'), 'bytes');
  const append = ['append', '--new_layer', 'layer.tar', '--new_tag'];
  match(await bob.runRefused('crane', ['pull', `${host}/web/site:1`, 'pulled.tar']), /NAME_UNKNOWN/);
  match(await bob.runRefused('crane', [...append, `${host}/web/site:2`]), /DENIED: bob may not push to web\/site\./);
}

async function show({ host, visitors }: World): Promise<void> {
  const page = await visitors.alice.open('/');
  ok(page.includes(`docker pull ${host}/web/site:1<`), page);
  doesNotMatch(await visitors.bob.open('/'), /web/);
  match(await createVisitor(`http://${host}`).open('/'), /Sign up/);
}

async function change({ host, home, keys, visitors }: World): Promise<void> {
  match(await visitors.alice.submit('/', 'Add a member', { name: 'bob' }), /bob pulls from and pushes to web/);
  const bob = await home('bob');
  await bob.run('crane', ['pull', `${host}/web/site:1`, 'pulled.tar']);
  ok((await visitors.bob.open('/')).includes(`${host}/web/site:1`));
  const page = await visitors.bob.submit('/', 'Make a new API key', {});
  const key = /this once: ([\w-]{43})/.exec(page)?.[1] ?? '';
  match(await bob.runRefused('crane', ['pull', `${host}/web/site:1`, 'pulled.tar']), /UNAUTHORIZED/);
  await logInWithCrane(bob, host, { user: 'bob', password: key });
  await bob.run('crane', ['pull', `${host}/web/site:1`, 'pulled.tar']);
  keys.set('bob', key);
}

async function restart({ host, home, visitors, ...world }: World): Promise<void> {
  await world.restart();
  ok((await visitors.alice.open('/')).includes(`${host}/web/site:1`));
  await (await home('bob')).run('crane', ['pull', `${host}/web/site:1`, 'pulled.tar']);
}

/** Somebody at the pages, with a cookie and without scripts. */
type Visitor = {
  /** The page, and where it leads. */
  open(path: string): Promise<string>;
  /** Fills in the form of the page that has this button, and returns what comes of it. */
  submit(path: string, label: string, fields: Readonly<Record<string, string>>): Promise<string>;
};

function createVisitor(url: string): Visitor {
  let cookie = '';
  const visitor: Visitor = {
    async open(path) {
      return follow(await fetch(new URL(path, url), { headers: { cookie }, redirect: 'manual' }));
    },
    async submit(path, label, fields) {
      const forms = (await visitor.open(path)).match(/<form.*?<\/form>/gs) ?? [];
      const form = forms.find((text) => text.includes(`>${label}</button>`));
      if (form === undefined) throw new Error(`The page ${path} has no form with the button ${label}.`);
      const body = new FormData();
      for (const [name, value] of [...hiddenFields(form), ...Object.entries(fields)]) body.append(name, value);
      const headers = { cookie, Origin: url };
      return follow(await fetch(new URL(path, url), { method: 'POST', headers, body, redirect: 'manual' }));
    },
  };
  async function follow(answer: Response): Promise<string> {
    cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
    const text = await answer.text();
    const location = answer.headers.get('location');
    if (location !== null) return visitor.open(location);
    if (answer.status === 200) return text;
    throw new Error(`A page has status ${answer.status}:\n${text}`);
  }
  return visitor;
}

/** What Next and React keep in a form. */
function hiddenFields(form: string): [string, string][] {
  const inputs = form.match(/<input type="hidden"[^>]*>/g) ?? [];
  return inputs.map((input) => [attributeOf(input, 'name'), attributeOf(input, 'value')]);
}

function attributeOf(tag: string, name: string): string {
  const value = new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
  return value.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}
