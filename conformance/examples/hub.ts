import { doesNotMatch, equal, match, ok } from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { logInWithCrane, makeLayer } from './clients.ts';
import { eventually } from './eventually.ts';
import { createMember, type Member } from './member.ts';
import type { Home, Running, Scenario } from './scenario.ts';

const names = ['alice', 'bob', 'carol'] as const;
type Name = (typeof names)[number];

/** alice publishes models, bob asks for one, carol does not. */
type World = Running & { readonly visitor: Member; readonly pages: Readonly<Record<Name, Member>> };

/** Cards for everybody, made of what oras pushes; pulls for those whom the owner approved. */
export const hub: Scenario = {
  name: 'hub',
  cases(example) {
    const { url } = example;
    const pageOf = (name: Name) => createMember(url, loginOf(name));
    const pages = { alice: pageOf('alice'), bob: pageOf('bob'), carol: pageOf('carol') };
    const world: World = { ...example, visitor: createMember(url), pages };
    return cases.map(({ name, run }) => ({ name, run: () => run(world) }));
  },
};

const cases = [
  { name: 'oras publishes a model, and its annotations are a card that everybody reads', run: publish },
  { name: 'cards are found by their words, and annotations are text and no HTML', run: search },
  { name: 'who may not pull reads where to ask; what has no card does not exist', run: refuse },
  { name: 'one asks, the owner approves on a page, and the next pull has the files', run: approve },
  { name: 'regctl pulls, too, and pulls of others make a model popular', run: count },
  { name: 'what the owner takes back is gone at the next request', run: takeBack },
  { name: 'after a restart cards, approvals and figures are the same', run: restart },
  { name: 'a card goes with its last tag', run: removeCard },
];

const loginOf = (name: Name) => ({ user: name, password: `${name}-key` });
const tiny = 'alice/tiny:latest';

/** Pushes a file as a model with oras. */
async function push({ directory, run }: Home, target: string, about: Readonly<Record<string, string>>): Promise<void> {
  await writeFile(join(directory, 'model.bin'), `weights of ${target}`);
  const annotations = Object.entries(about).flatMap(([key, value]) => [
    '--annotation',
    `org.opencontainers.image.${key}=${value}`,
  ]);
  const type = ['--artifact-type', 'application/vnd.example.model'];
  await run('oras', ['push', '--plain-http', target, 'model.bin', ...type, ...annotations]);
}

async function publish(world: World): Promise<void> {
  for (const name of names) await logInWithCrane(await world.home(name), world.host, loginOf(name));
  const about = { title: 'Tiny', description: 'A model that knows one word', licenses: 'MIT' };
  const alice = await world.home('alice');
  await push(alice, `${world.host}/${tiny}`, about);
  const bob = await world.home('bob');
  const append = ['append', '--new_layer', await makeLayer(bob), '--new_tag', `${world.host}/alice/tiny:2`];
  match(await bob.runRefused('crane', append), /DENIED|403 Forbidden/); // its first request is a HEAD, whose answer has no words
  const page = await eventually(() => world.visitor.open('/models/alice/tiny'));
  for (const text of ['<h1>Tiny</h1>', 'A model that knows one word', 'MIT', 'application/vnd.example.model']) {
    ok(page.includes(text), `The card does not have ${text}:\n${page}`);
  }
  await push(alice, `${world.host}/${tiny}`, { ...about, description: 'A model that knows two words' });
  await eventually(async () => match(await world.visitor.open('/models/alice/tiny'), /two words/));
}

async function search(world: World): Promise<void> {
  const alice = await world.home('alice');
  await push(alice, `${world.host}/alice/large:1`, {
    title: '<script>alert(1)</script>',
    description: 'Knows 100% of a_b',
  });
  const page = await eventually(async () => {
    const found = await world.visitor.open('/?search=100%25');
    match(found, /alice\/large/);
    return found;
  });
  doesNotMatch(page, /<script>|alice\/tiny/);
  match(await world.visitor.open('/?search=TWO'), /alice\/tiny/);
  doesNotMatch(await world.visitor.open('/?search=nothing'), /alice/);
}

async function refuse(world: World): Promise<void> {
  const bob = await world.home('bob');
  const words = new RegExp(`You may not pull alice/tiny yet\\. Ask its owner: ${world.url}/models/alice/tiny`);
  match(await bob.runRefused('crane', ['pull', `${world.host}/${tiny}`, 'tiny.tar']), words);
  match(await bob.runRefused('oras', ['pull', '--plain-http', `${world.host}/${tiny}`]), words);
  match(await bob.runRefused('crane', ['ls', `${world.host}/alice/tiny`]), words);
  const missing = await bob.runRefused('crane', ['pull', `${world.host}/alice/none:1`, 'none.tar']);
  match(missing, /NAME_UNKNOWN/);
  doesNotMatch(missing, /Ask its owner/);
  const nobody = await world.home('nobody');
  match(await nobody.runRefused('crane', ['pull', `${world.host}/${tiny}`, 'tiny.tar']), /UNAUTHORIZED/);
}

async function approve(world: World): Promise<void> {
  const { pages, visitor } = world;
  const asked = { repository: 'alice/tiny' };
  await visitor.submit('/ask', asked, { expect: 401 });
  await pages.bob.submit('/ask', { repository: 'alice/none' }, { expect: 404 });
  await pages.bob.submit('/ask', asked);
  match(await pages.alice.open('/own'), /bob: alice\/tiny/);
  doesNotMatch(await pages.carol.open('/own'), /alice/);
  await pages.bob.submit('/own/approve', { ...asked, user: 'bob' }, { expect: 403 });
  const bob = await world.home('bob');
  await bob.runRefused('oras', ['pull', '--plain-http', `${world.host}/${tiny}`]);
  match(await pages.alice.submit('/own/approve', { ...asked, user: 'bob' }), /Take back/);
  await bob.run('oras', ['pull', '--plain-http', `${world.host}/${tiny}`]);
  equal(await readFile(join(bob.directory, 'model.bin'), 'utf8'), `weights of ${world.host}/${tiny}`);
  await bob.runRefused('oras', ['pull', '--plain-http', `${world.host}/alice/large:1`]);
  await (await world.home('carol')).runRefused('oras', ['pull', '--plain-http', `${world.host}/${tiny}`]);
}

async function count(world: World): Promise<void> {
  const [alice, bob] = [await world.home('alice'), await world.home('bob')];
  await bob.run('regctl', ['registry', 'login', '-u', 'bob', '--pass-stdin', world.host], { input: 'bob-key' });
  await mkdir(join(bob.directory, 'got'));
  await bob.run('regctl', ['artifact', 'get', `${world.host}/${tiny}`, '--output', join(bob.directory, 'got')]);
  await alice.run('oras', ['pull', '--plain-http', `${world.host}/alice/large:1`]);
  const page = await eventually(async () => {
    const found = await world.visitor.open('/');
    match(found, /\([2-9] pulls\): A model that knows two words/);
    return found;
  });
  match(page, /\(0 pulls\): Knows/);
  ok(page.indexOf('alice/tiny') < page.indexOf('alice/large'), 'The popular model is not the first.');
}

async function takeBack(world: World): Promise<void> {
  const pull = ['pull', '--plain-http', `${world.host}/${tiny}`];
  const bob = await world.home('bob');
  await bob.run('oras', pull);
  await world.pages.alice.submit('/own/remove', { repository: 'alice/tiny', user: 'bob' });
  match(await bob.runRefused('oras', pull), /Ask its owner/);
  await world.pages.bob.submit('/ask', { repository: 'alice/tiny' });
  await world.pages.alice.submit('/own/approve', { repository: 'alice/tiny', user: 'bob' });
}

async function restart(world: World): Promise<void> {
  const own = await world.pages.alice.open('/own');
  await world.restart();
  const page = await world.visitor.open('/');
  // The last pulls were told while the hub ended.
  match(page, /\([3-9] pulls\): A model that knows two words/);
  match(page, /alice\/large/);
  equal(await world.pages.alice.open('/own'), own);
  await (await world.home('bob')).run('oras', ['pull', '--plain-http', `${world.host}/${tiny}`]);
}

async function removeCard(world: World): Promise<void> {
  const alice = await world.home('alice');
  await alice.run('crane', ['delete', `${world.host}/alice/large:1`]);
  await eventually(() => world.visitor.open('/models/alice/large', { expect: 404 }));
  doesNotMatch(await world.visitor.open('/'), /alice\/large/);
}
