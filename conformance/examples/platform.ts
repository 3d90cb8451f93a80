import { doesNotMatch, equal, match, ok } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { logInWithCrane } from './clients.ts';
import { eventually } from './eventually.ts';
import { createMember, type Member } from './member.ts';
import type { Home, Running, Scenario } from './scenario.ts';

type World = Running & {
  readonly operator: Member;
  /** Keys of customers, once they are made. */
  readonly keys: Map<string, string>;
};

const kiB = 1024;

/** acme and other are customers on the plan `free`, which has room for 1 MiB. */
export const platform: Scenario = {
  name: 'platform',
  cases(example) {
    const operator = createMember(example.url, { user: 'operator', password: 'operator-key' });
    const world: World = { ...example, operator, keys: new Map() };
    return cases.map(({ name, run }) => ({ name, run: () => run(world) }));
  },
};

const cases = [
  { name: 'the operator adds customers, and nobody else does', run: addCustomers },
  { name: 'a customer pushes to the own namespace, and to no other', run: push },
  { name: 'a push that does not fit is refused in words that crane, oras and regctl show', run: refuse },
  { name: 'pushes at the same time do not pass the limit together', run: pushTogether },
  { name: 'what is removed makes room at once', run: remove },
  { name: 'a larger plan has room', run: setPlan },
  { name: 'the page shows bytes that are shared, manifests, tags, pulls and bytes sent', run: showUsage },
  { name: 'a preview has a week, and goes with its manifest when its time comes', run: endPreview },
  { name: 'after a restart keys, plans, previews and figures are the same', run: restart },
];

function pagesOf({ url, keys }: World, user: string): Member {
  return createMember(url, { user, password: keys.get(user) ?? '' });
}

/** An image with one layer of so many random bytes, which no compression makes smaller. */
function appendArgs(layer: string, image: string): readonly string[] {
  return ['append', '--new_layer', layer, '--new_tag', image];
}

async function makeLayer({ directory, run }: Home, name: string, sizeBytes: number): Promise<string> {
  await writeFile(join(directory, name), randomBytes(sizeBytes));
  await run('tar', ['-cf', `${name}.tar`, name]);
  return `${name}.tar`;
}

async function addCustomers(world: World): Promise<void> {
  for (const name of ['acme', 'other']) {
    const page = await world.operator.submit('/operator/customers', { name });
    world.keys.set(name, /<code>(key_[\w-]+)<\/code>/.exec(page)?.[1] ?? '');
    await logInWithCrane(await world.home(name), world.host, { user: name, password: world.keys.get(name) ?? '' });
  }
  await world.operator.submit('/operator/customers', { name: 'acme' }, { expect: 409 });
  await world.operator.submit('/operator/customers', { name: 'No Name' }, { expect: 400 });
  await pagesOf(world, 'acme').open('/operator', { expect: 401 });
  await createMember(world.url, { user: 'acme', password: 'wrong' }).open('/', { expect: 401 });
}

async function push(world: World): Promise<void> {
  const acme = await world.home('acme');
  const layer = await makeLayer(acme, 'small', 300 * kiB);
  await acme.run('crane', appendArgs(layer, `${world.host}/acme/app:1`));
  const refused = await acme.runRefused('crane', appendArgs(layer, `${world.host}/other/app:1`));
  match(refused, /DENIED: acme may not push to other\/app\./);
  match(await pagesOf(world, 'acme').open('/'), /<p>30\d\.\d KiB of 1\.0 MiB \(plan free\)<\/p>/);
}

const words =
  /The plan free of acme has room for 1\.0 MiB, and 30\d\.\d KiB are used: 8[01]\d\.\d KiB more do not fit\./;

async function refuse(world: World): Promise<void> {
  const acme = await world.home('acme');
  const layer = await makeLayer(acme, 'large', 800 * kiB);
  match(await acme.runRefused('crane', appendArgs(layer, `${world.host}/acme/app:2`)), words);
  const target = `${world.host}/acme/files:1`;
  match(await acme.runRefused('oras', ['push', '--plain-http', target, layer]), words);
  const login = ['registry', 'login', '-u', 'acme', '--pass-stdin', world.host];
  await acme.run('regctl', login, { input: world.keys.get('acme') ?? '' });
  const regctl = ['artifact', 'put', '--artifact-type', 'application/x.test', '--file', layer, target];
  match(await acme.runRefused('regctl', regctl), words);
  match(await acme.runRefused('crane', ['digest', `${world.host}/acme/app:2`]), /404|MANIFEST_UNKNOWN/);
}

async function pushTogether(world: World): Promise<void> {
  const acme = await world.home('acme');
  const layers = await Promise.all([1, 2, 3, 4].map((number) => makeLayer(acme, `part-${number}`, 400 * kiB)));
  const pushes = layers.map((layer, number) =>
    acme.run('crane', appendArgs(layer, `${world.host}/acme/part-${number}:1`)).then(
      () => true,
      (error: Error) => {
        match(error.message, /do not fit/);
        return false;
      },
    ),
  );
  equal((await Promise.all(pushes)).filter((isIn) => isIn).length, 1);
}

async function remove(world: World): Promise<void> {
  const pages = pagesOf(world, 'acme');
  const acme = await world.home('acme');
  const part = /acme\/part-\d/.exec(await pages.open('/'))?.[0] ?? '';
  doesNotMatch(await pages.submit('/remove', { repository: part }), /acme\/part-\d/);
  await pagesOf(world, 'other').submit('/remove', { repository: 'acme/app' }, { expect: 403 });
  await acme.run('crane', appendArgs('part-1.tar', `${world.host}/acme/again:1`));
}

async function setPlan(world: World): Promise<void> {
  const acme = await world.home('acme');
  await acme.runRefused('crane', appendArgs('large.tar', `${world.host}/acme/app:2`));
  await world.operator.submit('/operator/customers/acme/plan', { plan: 'gold' }, { expect: 400 });
  match(await world.operator.submit('/operator/customers/acme/plan', { plan: 'team' }), /10\.0 GiB/);
  await acme.run('crane', appendArgs('large.tar', `${world.host}/acme/app:2`));
}

async function showUsage(world: World): Promise<void> {
  const [acme, other] = [await world.home('acme'), await world.home('other')];
  const pages = pagesOf(world, 'acme');
  const before = figuresOf(await pages.open('/'));
  equal(before('Bytes that others store, too'), 0);
  await other.run('crane', appendArgs(join(acme.directory, 'small.tar'), `${world.host}/other/app:1`));
  await acme.run('crane', ['pull', `${world.host}/acme/app:2`, 'pulled.tar']);
  const after = figuresOf(await pages.open('/'));
  ok(after('Bytes that others store, too') > 300 * kiB);
  const sumOf = (figures: typeof after) =>
    figures('Bytes that nobody else stores') + figures('Bytes that others store, too');
  equal(sumOf(after), sumOf(before));
  equal(after('Manifests'), 3);
  equal(after('Tags'), 3);
  equal(after('Pulls'), before('Pulls') + 1);
  ok(after('Bytes sent') > before('Bytes sent') + 800 * kiB);
  match(await world.operator.open('/operator'), /<td>acme<\/td>/);
}

async function endPreview(world: World): Promise<void> {
  const acme = await world.home('acme');
  const pages = pagesOf(world, 'acme');
  const layer = await makeLayer(acme, 'preview', 10 * kiB);
  for (const tag of ['pr-1', 'pr-2']) await acme.run('crane', appendArgs(layer, `${world.host}/acme/app:${tag}`));
  const [, until = ''] = await eventually(async () => {
    const page = await pages.open('/');
    const found = /acme\/app:pr-1 until (\S+)/.exec(page);
    ok(found !== null && /acme\/app:pr-2 until/.test(page), 'The previews are not on the page.');
    return found;
  });
  ok(Math.abs(Date.parse(until) - Date.now() - 7 * 86_400_000) < 120_000, `The preview is kept until ${until}.`);
  const foreign = { repository: 'acme/app', tag: 'pr-1' };
  await pagesOf(world, 'other').submit('/end-preview', foreign, { expect: 403 });
  await acme.run('crane', ['digest', `${world.host}/acme/app:pr-1`]);
  await pages.submit('/end-preview', foreign);
  match(await acme.runRefused('crane', ['manifest', `${world.host}/acme/app:pr-1`]), /MANIFEST_UNKNOWN/);
  await acme.run('crane', ['manifest', `${world.host}/acme/app:pr-2`]);
  await eventually(async () => doesNotMatch(await pages.open('/'), /acme\/app:pr-1 /));
}

async function restart(world: World): Promise<void> {
  const pages = pagesOf(world, 'acme');
  const before = await pages.open('/');
  await world.restart();
  equal(await pages.open('/'), before);
  const acme = await world.home('acme');
  await acme.run('crane', ['digest', `${world.host}/acme/app:2`]);
}

/** The figures of a customer's page by their names. */
function figuresOf(page: string): (name: string) => number {
  const figures = new Map(
    [...page.matchAll(/<dt>([^<]+)<\/dt><dd>(\d+)<\/dd>/g)].map(([, name, value]) => [name, value]),
  );
  return (name) => Number(figures.get(name));
}
