import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { join } from 'node:path';
import { type Browser, createBrowser } from './browser.ts';
import { createCaller, digestOf } from './caller.ts';
import { logInWithCrane, makeLayer } from './clients.ts';
import type { Running, Scenario } from './scenario.ts';

/** alice owns the projects, bob contributes to the private one, carol is a stranger. */
const names = ['alice', 'bob', 'carol'] as const;
type Name = (typeof names)[number];

/** The example, and what its users have of it. */
type World = Running & {
  readonly browsers: Readonly<Record<Name, Browser>>;
  /** API keys, once they are made. */
  readonly keys: Map<Name, string>;
};

const passwordOf = (name: Name) => `the password of ${name}`;
const keyOf = ({ keys }: World, name: Name) => keys.get(name) ?? '';
const callerOf = (world: World, name: Name) => createCaller(world.url, { user: name, password: keyOf(world, name) });

/** The whole flow of a registry with users, by HTTP alone and by clients, on the application's own users, projects and keys. */
export const express: Scenario = {
  name: 'express',
  cases(example) {
    const { url } = example;
    const browsers = { alice: createBrowser(url), bob: createBrowser(url), carol: createBrowser(url) };
    const world: World = { ...example, browsers, keys: new Map() };
    return cases.map(({ name, run }) => ({ name, run: () => run(world) }));
  },
};

const cases = [
  { name: 'users sign up, make projects and API keys, and set roles on the pages', run: setUp },
  { name: 'a caller who shows nothing is challenged, and tokens come for a password or a key', run: logIn },
  { name: 'a blob is pushed in chunks, and a chunk out of order is refused with 416', run: pushChunks },
  { name: 'manifests are pushed and pulled by tag and digest, and tags are listed in pages', run: pushAndList },
  { name: 'a private project is for its members, and looks to others as if it did not exist', run: keepPrivate },
  { name: 'a public project is pulled from by everyone, and pushed to by its members alone', run: servePublic },
  { name: 'a blob is mounted from where its caller may pull, and from nowhere else', run: mount },
  { name: 'tags, manifests and blobs are deleted by members alone', run: remove },
  { name: 'pages show tags and who pushed them, to those who may pull', run: showPages },
  { name: 'crane logs in with an API key, pushes and pulls, and shows a stranger why not', run: useCrane },
  { name: 'regctl logs in with an API key, pushes and pulls; skopeo copies', run: useOthers },
  { name: 'all of it is there after a restart, and a revoked key is refused', run: restart },
] as const;

async function setUp(world: World): Promise<void> {
  for (const name of names) {
    const browser = world.browsers[name];
    await browser.submit('/sign-up', { name, password: passwordOf(name) });
    const page = await browser.submit('/api-keys', { label: '<laptop>' });
    world.keys.set(name, /key_[\w-]{43}/.exec(page)?.[0] ?? '');
    ok(keyOf(world, name) !== '', page);
  }
  const alice = world.browsers.alice;
  await alice.submit('/projects', { name: 'web', visibility: 'private' });
  await alice.submit('/projects', { name: 'open', visibility: 'public' });
  const home = await alice.submit('/projects/web/members', { user: 'bob', role: 'contributor' });
  match(home, /web \(private, you are owner\)/);
  match(home, /&#60;laptop&#62;/);
  match(await world.browsers.bob.open('/'), /web \(private, you are contributor\)/);
  const carol = world.browsers.carol;
  await carol.submit('/projects', { name: 'own', visibility: 'private' });
  ok(!(await carol.open('/')).includes('web'));
  const taken = { name: 'web', visibility: 'public' };
  equal(
    (
      await fetch(`${world.url}/projects`, { method: 'POST', body: new URLSearchParams(taken), redirect: 'manual' })
    ).headers.get('location'),
    '/log-in',
  );
}

async function logIn(world: World): Promise<void> {
  const challenge = await fetch(`${world.url}/v2/`);
  equal(challenge.status, 401);
  match(
    challenge.headers.get('www-authenticate') ?? '',
    new RegExp(`^Bearer realm="${world.url}/v2/token",service="[^"]+"`),
  );
  for (const password of [passwordOf('alice'), keyOf(world, 'alice')]) {
    await createCaller(world.url, { user: 'alice', password }).ask('GET', { path: '', expect: 200 });
  }
  for (const password of ['wrong', keyOf(world, 'bob')]) {
    await createCaller(world.url, { user: 'alice', password }).ask('GET', { path: '', expect: 401 });
  }
  const headers = { Authorization: `Bearer ${keyOf(world, 'alice')}` };
  equal((await fetch(`${world.url}/v2/`, { headers })).status, 200);
}

async function pushChunks(world: World): Promise<void> {
  const alice = callerOf(world, 'alice');
  const chunks = ['the first chunk, ', 'the second, ', 'and the last'];
  const [first = '', second = '', last = ''] = chunks;
  const opened = await alice.ask('POST', { path: 'web/site/blobs/uploads/', expect: 202 });
  const append = (path: string, chunk: string, at: { offset: number; expect: number }) => {
    const headers = {
      'Content-Range': `${at.offset}-${at.offset + chunk.length - 1}`,
      'Content-Type': 'application/octet-stream',
    };
    return alice.ask('PATCH', { path, headers, body: chunk, expect: at.expect });
  };
  let answer = await append(locationOf(opened), first, { offset: 0, expect: 202 });
  equal(answer.headers.get('range'), `0-${first.length - 1}`);
  await append(locationOf(answer), last, { offset: 1000, expect: 416 });
  answer = await append(locationOf(answer), second, { offset: first.length, expect: 202 });
  answer = await alice.ask('GET', { path: locationOf(answer), expect: 204 });
  equal(answer.headers.get('range'), `0-${first.length + second.length - 1}`);
  const digest = digestOf(chunks.join(''));
  const end = new URL(locationOf(answer), world.url);
  end.searchParams.set('digest', digest);
  answer = await alice.ask('PUT', { path: end.href, body: last, expect: 201 });
  equal(answer.headers.get('docker-content-digest'), digest);
  answer = await alice.ask('GET', { path: `web/site/blobs/${digest}`, expect: 200 });
  equal(await answer.text(), chunks.join(''));
}

async function pushAndList(world: World): Promise<void> {
  const [alice, bob] = [callerOf(world, 'alice'), callerOf(world, 'bob')];
  const digest = await alice.pushImage('web/site', '1', 'one layer');
  await bob.pushImage('web/site', '2', 'another layer');
  const byTag = await alice.ask('GET', { path: 'web/site/manifests/1', expect: 200 });
  const byDigest = await bob.ask('HEAD', { path: `web/site/manifests/${digest}`, expect: 200 });
  equal(byTag.headers.get('docker-content-digest'), digest);
  equal(digestOf(await byTag.text()), digest);
  equal(byDigest.headers.get('content-type'), 'application/vnd.oci.image.manifest.v1+json');
  await alice.ask('GET', { path: 'web/site/manifests/none', expect: 404 });
  const page = await alice.ask('GET', { path: 'web/site/tags/list?n=1', expect: 200 });
  deepEqual(await page.json(), { name: 'web/site', tags: ['1'] });
  match(page.headers.get('link') ?? '', /rel="next"/);
  const next = await alice.ask('GET', { path: 'web/site/tags/list?n=1&last=1', expect: 200 });
  deepEqual(await next.json(), { name: 'web/site', tags: ['2'] });
}

async function keepPrivate(world: World): Promise<void> {
  const carol = callerOf(world, 'carol');
  await createCaller(world.url).ask('GET', { path: 'web/site/manifests/1', expect: 401 });
  const hidden = await carol.ask('GET', { path: 'web/site/manifests/1', expect: 404 });
  const missing = await carol.ask('GET', { path: 'web/none/manifests/1', expect: 404 });
  deepEqual(await hidden.json(), await missing.json());
  const refused = await carol.ask('POST', { path: 'web/site/blobs/uploads/', expect: 403 });
  match(await refused.text(), /carol may not push to web\/site\./);
}

async function servePublic(world: World): Promise<void> {
  await callerOf(world, 'alice').pushImage('open/app', '1', 'a public layer');
  await createCaller(world.url).ask('GET', { path: 'open/app/manifests/1', expect: 200 });
  await callerOf(world, 'carol').ask('GET', { path: 'open/app/tags/list', expect: 200 });
  await callerOf(world, 'bob').ask('POST', { path: 'open/app/blobs/uploads/', expect: 403 });
  await createCaller(world.url).ask('POST', { path: 'open/app/blobs/uploads/', expect: 401 });
}

async function mount(world: World): Promise<void> {
  const query = `?mount=${digestOf('one layer')}&from=web/site`;
  const [alice, carol] = [callerOf(world, 'alice'), callerOf(world, 'carol')];
  await alice.ask('POST', { path: `open/app/blobs/uploads/${query}`, expect: 201 });
  await alice.ask('HEAD', { path: `open/app/blobs/${digestOf('one layer')}`, expect: 200 });
  // An upload session instead, as for a blob that is not there.
  await carol.ask('POST', { path: `own/app/blobs/uploads/${query}`, expect: 202 });
  await carol.ask('HEAD', { path: `own/app/blobs/${digestOf('one layer')}`, expect: 404 });
}

async function remove(world: World): Promise<void> {
  const [alice, bob, carol] = [callerOf(world, 'alice'), callerOf(world, 'bob'), callerOf(world, 'carol')];
  const digest = await alice.pushImage('web/site', 'old', 'an old layer');
  const blob = await alice.pushBlob('web/site', 'a lonely blob');
  for (const path of ['manifests/old', `manifests/${digest}`, `blobs/${blob}`]) {
    await carol.ask('DELETE', { path: `web/site/${path}`, expect: 403 });
  }
  await bob.ask('DELETE', { path: 'web/site/manifests/old', expect: 202 });
  await bob.ask('GET', { path: 'web/site/manifests/old', expect: 404 });
  await bob.ask('GET', { path: `web/site/manifests/${digest}`, expect: 200 });
  for (const path of [`web/site/manifests/${digest}`, `web/site/blobs/${blob}`]) {
    await alice.ask('DELETE', { path, expect: 202 });
    await alice.ask('GET', { path, expect: 404 });
  }
}

async function showPages(world: World): Promise<void> {
  match(await world.browsers.alice.open('/'), /href="\/repositories\/web\/site"/);
  const page = await world.browsers.alice.open('/repositories/web/site');
  match(page, /web\/site:1<\/code><\/td>\s*<td>[^<]+<\/td><td>alice</);
  match(page, /web\/site:2<\/code><\/td>\s*<td>[^<]+<\/td><td>bob</);
  await world.browsers.carol.open('/repositories/web/site', { expect: 404 });
  const anonymous = createBrowser(world.url);
  match(await anonymous.open('/'), /open \(public\)/);
  ok(!(await anonymous.open('/')).includes('web'));
  match(await anonymous.open('/repositories/open/app'), /open\/app:1/);
  match(await anonymous.open('/repositories/web/site'), /Log in/);
}

async function useCrane(world: World): Promise<void> {
  const { host } = world;
  const [alice, carol] = [await world.home('alice'), await world.home('carol')];
  const layer = await makeLayer(alice);
  const push = ['append', '--new_layer', layer, '--new_tag', `${host}/web/crane:1`];
  const pull = ['pull', `${host}/web/crane:1`, 'pulled.tar'];
  await logInWithCrane(alice, host, { user: 'alice', password: keyOf(world, 'alice') });
  await alice.run('crane', push);
  await alice.run('crane', pull);
  await logInWithCrane(carol, host, { user: 'carol', password: keyOf(world, 'carol') });
  match(await carol.runRefused('crane', push), /DENIED: carol may not push to web\/crane\./);
  match(await carol.runRefused('crane', pull), /NAME_UNKNOWN/);
  match(await (await world.home('nobody')).runRefused('crane', pull), /UNAUTHORIZED/);
}

async function useOthers(world: World): Promise<void> {
  const { host } = world;
  const [bob, carol] = [await world.home('bob'), await world.home('carol')];
  for (const [home, name] of [
    [bob, 'bob'],
    [carol, 'carol'],
  ] as const) {
    await home.run('regctl', ['registry', 'login', '-u', name, '--pass-stdin', host], { input: keyOf(world, name) });
  }
  await bob.run('regctl', ['image', 'copy', `${host}/web/crane:1`, `${host}/web/regctl:1`]);
  const { stdout: tags } = await bob.run('regctl', ['tag', 'ls', `${host}/web/regctl`]);
  equal(tags.trim(), '1');
  match(
    await carol.runRefused('regctl', ['image', 'copy', `${host}/open/app:1`, `${host}/web/regctl:1`]),
    /unauthorized|denied|403/i,
  );
  const skopeo = ['--insecure-policy', 'copy', '--src-tls-verify=false', '--src-creds', `bob:${keyOf(world, 'bob')}`];
  await bob.run('skopeo', [...skopeo, `docker://${host}/web/regctl:1`, `dir:${join(bob.directory, 'copied')}`]);
}

async function restart(world: World): Promise<void> {
  await world.restart();
  const home = await world.home('alice');
  await home.run('crane', ['pull', `${world.host}/web/crane:1`, 'again.tar']);
  // Sessions of the pages end with the process.
  const page = await world.browsers.alice.submit('/log-in', { name: 'alice', password: passwordOf('alice') });
  await world.browsers.alice.submit(/\/api-keys\/\d+\/revoke/.exec(page)?.[0] ?? '', {});
  match(await home.runRefused('crane', ['pull', `${world.host}/web/crane:1`, 'again.tar']), /UNAUTHORIZED/);
}

function locationOf(answer: Response): string {
  return answer.headers.get('location') ?? '';
}
