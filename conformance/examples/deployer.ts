import { equal, match, ok } from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { logInWithCrane } from './clients.ts';
import { eventually } from './eventually.ts';
import { createMember, type Member } from './member.ts';
import type { Home, Running, Scenario } from './scenario.ts';

const logins = {
  alice: { user: 'alice', password: 'alice-key' },
  bob: { user: 'bob', password: 'bob-key' },
} as const;

/** The example, and the digests that `live` of the site `blog` pointed to. */
type World = Running & { readonly pages: Member; readonly visitor: Member; readonly digests: string[] };

/** What `live` points to is served, whoever moves it and whether or not the deployer runs then. */
export const deployer: Scenario = {
  name: 'deployer',
  cases(example) {
    const { url } = example;
    const world: World = {
      ...example,
      pages: createMember(url, logins.alice),
      visitor: createMember(url),
      digests: [],
    };
    return cases.map(({ name, run }) => ({ name, run: () => run(world) }));
  },
};

const cases = [
  { name: 'crane pushes to the tag live, and the image is served as a site', run: deploy },
  { name: 'a second push replaces it; another tag changes nothing', run: deployAgain },
  { name: 'layers lie over each other, a label names the folder, and regctl copies from tag to tag', run: overlay },
  { name: 'a page, and nothing outside of it, is served by its path', run: stayInside },
  { name: 'one click goes back to the first release, and the list shows who did what', run: rollBack },
  { name: 'what is no image is written down, and the release before stays live', run: keepGoing },
  { name: 'after a restart the same is served, and the list has not grown', run: restart },
  { name: 'the page and the registry are for the team', run: refuse },
];

/** Makes an archive of a site with this page and pushes it with crane; returns the digest. */
async function push(home: Home, image: string, page: string): Promise<string> {
  const directory = join(home.directory, 'site');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'index.html'), page);
  await home.run('tar', ['-czf', 'site.tar.gz', '-C', 'site', '.']);
  const { stdout } = await home.run('crane', ['append', '--new_layer', 'site.tar.gz', '--new_tag', image]);
  return stdout.trim().split('@')[1] ?? '';
}

async function expectSite({ visitor }: World, path: string, page: string): Promise<void> {
  await eventually(async () => equal(await visitor.open(path), page));
}

async function deploy(world: World): Promise<void> {
  const alice = await world.home('alice');
  await logInWithCrane(alice, world.host, logins.alice);
  world.digests.push(await push(alice, `${world.host}/blog:live`, '<h1>one</h1>'));
  await expectSite(world, '/sites/blog/', '<h1>one</h1>');
  equal(await world.visitor.open('/sites/blog'), '<h1>one</h1>');
}

async function deployAgain(world: World): Promise<void> {
  const bob = await world.home('bob');
  await logInWithCrane(bob, world.host, logins.bob);
  await push(bob, `${world.host}/blog:draft`, '<h1>draft</h1>');
  world.digests.push(await push(bob, `${world.host}/blog:live`, '<h1>two</h1>'));
  await expectSite(world, '/sites/blog/', '<h1>two</h1>');
}

async function overlay(world: World): Promise<void> {
  const alice = await world.home('alice');
  const image = `${world.host}/shop:next`;
  await mkdir(join(alice.directory, 'base/public'), { recursive: true });
  await writeFile(join(alice.directory, 'base/public/index.html'), 'below');
  await writeFile(join(alice.directory, 'base/public/style.css'), 'h1 { color: teal }');
  await writeFile(join(alice.directory, 'base/secret.txt'), 'not in the folder');
  await alice.run('tar', ['-cf', 'base.tar', '-C', 'base', '.']);
  await writeFile(join(alice.directory, 'base/public/index.html'), 'above');
  await alice.run('tar', ['-cf', 'top.tar', '-C', 'base', './public/index.html']);
  const layers = ['--new_layer', 'base.tar', '--new_layer', 'top.tar', '--new_tag', image];
  await alice.run('crane', ['append', '--oci-empty-base', ...layers]);
  await alice.run('crane', ['mutate', '--label', 'site.root=/public', '--tag', image, image]);
  const login = ['registry', 'login', '-u', 'alice', '--pass-stdin', world.host];
  await alice.run('regctl', login, { input: logins.alice.password });
  await alice.run('regctl', ['image', 'copy', image, `${world.host}/shop:live`]);
  await expectSite(world, '/sites/shop/', 'above');
  equal(await world.visitor.open('/sites/shop/style.css'), 'h1 { color: teal }');
}

async function stayInside(world: World): Promise<void> {
  const alice = await world.home('alice');
  const directory = join(alice.directory, 'links');
  await mkdir(directory);
  await writeFile(join(directory, 'index.html'), 'links');
  await symlink('/etc/passwd', join(directory, 'passwd'));
  await symlink('index.html', join(directory, 'start'));
  await alice.run('tar', ['-cf', 'links.tar', '-C', 'links', '.']);
  const image = `${world.host}/links:live`;
  await alice.run('crane', ['append', '--new_layer', 'links.tar', '--new_tag', image]);
  await expectSite(world, '/sites/links/start', 'links');
  for (const path of [
    'links/passwd',
    'shop/secret.txt',
    'links/..%2f..%2freleases.db',
    'links/%00',
    'links/none',
    'none/',
  ]) {
    await world.visitor.open(`/sites/${path}`, { expect: 404 });
  }
}

async function rollBack(world: World): Promise<void> {
  const [first = ''] = world.digests;
  match(await world.pages.submit('/live', { site: 'blog', digest: first }), /live/);
  await expectSite(world, '/sites/blog/', '<h1>one</h1>');
  const bob = await world.home('bob');
  equal((await bob.run('crane', ['digest', `${world.host}/blog:live`])).stdout.trim(), first);
  equal(releasesOf(await world.pages.open('/'), 'blog').join(), 'alice,bob,alice');
  await world.pages.submit('/live', { site: 'blog', digest: `sha256:${'0'.repeat(64)}` }, { expect: 404 });
}

async function keepGoing(world: World): Promise<void> {
  const alice = await world.home('alice');
  await writeFile(join(alice.directory, 'notes.txt'), 'not an archive');
  const target = `${world.host}/blog:live`;
  await alice.run('oras', ['push', '--plain-http', target, 'notes.txt']);
  await eventually(async () => match(await world.pages.open('/'), /The layer is no tar archive/));
  await expectSite(world, '/sites/blog/', '<h1>one</h1>');
  const [first = ''] = world.digests;
  await alice.run('crane', ['tag', `${world.host}/blog@${first}`, 'live']);
  await eventually(async () => equal(releasesOf(await world.pages.open('/'), 'blog').length, 5));
}

async function restart(world: World): Promise<void> {
  const before = await world.pages.open('/');
  await world.restart();
  equal(await world.visitor.open('/sites/blog/'), '<h1>one</h1>');
  equal(await world.visitor.open('/sites/shop/'), 'above');
  equal(await world.pages.open('/'), before);
}

async function refuse(world: World): Promise<void> {
  await world.visitor.open('/', { expect: 401 });
  const nobody = await world.home('nobody');
  match(await nobody.runRefused('crane', ['digest', `${world.host}/blog:live`]), /UNAUTHORIZED|401/);
  const alice = await world.home('alice');
  const refused = await alice.runRefused('crane', ['copy', `${world.host}/blog:live`, `${world.host}/team/blog:live`]);
  match(refused, /DENIED: alice may not push to team\/blog\./);
  const digest = world.digests[1] ?? '';
  const foreign = await fetch(new URL('/live', world.url), {
    method: 'POST',
    headers: {
      Origin: 'http://elsewhere.example',
      Authorization: `Basic ${Buffer.from('alice:alice-key').toString('base64')}`,
    },
    body: new URLSearchParams({ site: 'blog', digest }),
  });
  ok(foreign.status === 403, `A form of another site was answered ${foreign.status}.`);
}

/** Who made the releases of a site, the newest first. */
function releasesOf(page: string, site: string): readonly string[] {
  const section = page.split('<h2>').find((part) => part.startsWith(`<a href="/sites/${site}/"`)) ?? '';
  return [...section.matchAll(/<tr><td>[^<]*<\/td><td>([^<]*)<\/td>/g)].map(([, by = '']) => by);
}
