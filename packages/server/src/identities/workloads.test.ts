import { expect, onTestFinished, test } from 'vitest';
import { startIssuer } from '../../test/issuer.ts';
import { startOutsideRegistry } from '../../test/outside-registry.ts';

const nowMs = Math.floor(Date.now() / 1000) * 1000;
const now = nowMs / 1000;

const rule = {
  claims: { repository: 'acme/web', ref: 'refs/heads/*' },
  repositories: ['acme/web'],
  actions: ['pull', 'push'],
  ttlSeconds: 600,
};
const job = {
  aud: 'hub.example',
  sub: 'repo:acme/web:ref:refs/heads/main',
  repository: 'acme/web',
  ref: 'refs/heads/main',
};
const long = { ...job, iat: now, exp: now + 3600 };

/** An issuer, and a registry that has its rules. */
async function start(...rules: readonly object[]) {
  const issuer = await startIssuer({ alg: 'EdDSA', now: () => nowMs });
  onTestFinished(() => issuer.close());
  const settingsOf = (...changed: readonly object[]) => ({
    oidc: [{ issuer: issuer.url, audience: 'hub.example', rules: changed }],
  });
  const registry = await startOutsideRegistry(settingsOf(...(rules.length === 0 ? [rule] : rules)), { nowMs });
  const shown = async (claims: object = job) => ['oidc', await issuer.sign({ ...claims })] as const;
  return { issuer, registry, settingsOf, shown, id: `oidc:${new URL(issuer.url).host}:${job.sub}` };
}

const all = ['acme/web:pull,push,delete'];

test('a job pushes to the repository of its rule, by a token that is exchanged and by its own one', async () => {
  const { registry, shown } = await start();
  const basic = await shown();
  const { status, token, refresh_token } = await registry.login(basic, all, 'offline_token=true');
  expect([status, refresh_token]).toEqual([200, undefined]);
  for (const way of [token, basic, basic[1]]) expect(await registry.push(way, 'acme/web')).toBe(202);
  expect((await registry.login(['any name', basic[1]])).status).toBe(200);
  await registry.pushImage('acme/web:1');
  for (const way of [token, basic, basic[1]]) {
    expect((await registry.call(way, 'acme/web/manifests/1')).status).toBe(200);
    expect((await registry.call(way, 'acme/web/manifests/1', 'DELETE')).status).toBe(403);
  }
});

test('and nothing else: no other repository, no other action, no mount, nothing public, and a catalog of one', async () => {
  const { registry, shown, id } = await start();
  const basic = await shown();
  for (const name of ['acme/web', 'acme/other', 'acme/web/below', 'public/base']) await registry.pushImage(`${name}:1`);
  await registry.registry.setVisibility('public/base', 'public');
  // Rights that somebody gave to the id are not looked at.
  await registry.registry.setRole('acme/other', id, 'owner');

  const others = ['acme/other', 'acme/web/below', 'public/base', 'acme/new', 'acme'];
  const { token } = await registry.login(basic, [...all, ...others.map((name) => `${name}:pull,push,delete`)]);
  for (const way of [token, basic, basic[1]]) {
    for (const name of others) {
      expect(await registry.push(way, name)).toBe(403);
      expect((await registry.call(way, `${name}/manifests/1`)).status).toBe(404);
      expect((await registry.call(way, `${name}/tags/list`)).status).toBe(404);
    }
    expect((await registry.call(way, 'acme/web/manifests/1', 'DELETE')).status).toBe(403);
    const { digest } = await registry.registry.getManifest('acme/other', '1');
    const mount = `acme/web/blobs/uploads/?mount=${digest}&from=acme/other`;
    expect((await registry.call(way, mount, 'POST')).status).toBe(202);
  }
  const refusal = await registry.call(basic, 'acme/other/blobs/uploads/', 'POST');
  expect(JSON.parse(refusal.body).errors[0].message).toBe(
    `${id} may not push in acme/other: its rule grants pull, push in acme/web and nothing else.`,
  );
  const list = await registry.login(basic, ['registry:catalog:*']);
  for (const way of [list.token, basic]) expect(await registry.catalog(way)).toEqual(['acme/web']);
  // A bearer token gets no other one.
  expect((await registry.login(token, all)).status).toBe(401);
});

const refused: readonly (readonly [string, object, RegExp])[] = [
  [
    'of another branch',
    { ref: 'refs/tags/v1' },
    /no rule of this registry is for it: sub is "repo:acme\/web.*, repository is "acme\/web", ref is "refs\/tags\/v1"\.$/,
  ],
  ['of another repository', { repository: 'evil/web' }, /no rule of this registry/],
  ['without a claim of the rule', { ref: undefined }, /ref is missing\.$/],
  ['for another audience', { aud: 'other.example' }, /it is for "other\.example"/],
  ['that has expired', { iat: now - 500, exp: now - 100 }, /it has expired/],
  ['in the minute after its end', { iat: now - 500, exp: now - 1 }, /the time of its rule \(ttlSeconds\) is over/],
  ['that was issued before the time of the rule', { iat: now - 601, exp: now + 3600 }, /ttlSeconds/],
];

test('a job is refused on every door, with words, and the audit knows', async () => {
  const { issuer, registry, shown } = await start();
  for (const [index, [which, change, words]] of refused.entries()) {
    const basic = await shown({ ...job, ...change });
    const answer = await registry.login(basic, all);
    expect(answer, which).toMatchObject({ status: 401, token: '' });
    expect(answer.message, which).toMatch(words);
    expect(answer.message, which).toContain(`The token of ${issuer.url} is not good here: `);
    for (const way of [basic, basic[1]]) expect(await registry.push(way, 'acme/web'), which).toBe(401);
    const entries = await registry.metadata.listAudit({ after: 0, limit: 100 });
    expect(entries).toHaveLength(3 * (index + 1));
    expect(entries.at(-1)).toMatchObject({ act: 'login', isAllowed: false, identity: undefined, address: '127.0.0.1' });
  }
});

test('of refused tokens the audit has sixty lines a minute, since every stranger can get some at a public issuer', async () => {
  const { registry, shown } = await start();
  const [, token] = await shown({ ...job, repository: 'evil/web' });
  const lines = async () => (await registry.metadata.listAudit({ after: 0, limit: 100 })).length;
  for (let i = 0; i < 70; i++) expect(await registry.push(token, 'acme/web')).toBe(401);
  expect(await lines()).toBe(60);
  registry.clock.nowMs += 60_000;
  expect(await registry.push(token, 'acme/web')).toBe(401);
  expect(await lines()).toBe(61);
});

test('a token of another issuer is nobody’s, and one with a forged signature counts as a wrong password', async () => {
  const { registry, shown } = await start();
  const other = await startIssuer({ alg: 'EdDSA' });
  onTestFinished(() => other.close());
  const [, token] = await shown();
  for (const bad of [await other.sign(job), `${token.slice(0, -8)}AAAAAAAA`, await other.sign({ ...long, iss: 'x' })]) {
    expect(await registry.login(['oidc', bad], all)).toMatchObject({
      status: 401,
      message: 'The user name or the password is wrong.',
    });
    expect(await registry.push(bad, 'acme/web')).toBe(401);
  }
});

test('a new key of the issuer is taken at once, and what the one before signed is refused from then on', async () => {
  const { issuer, registry, shown } = await start();
  const before = await shown();
  expect(await registry.push(before, 'acme/web')).toBe(202);
  await issuer.rotate();
  for (const way of [await shown(), (await shown())[1]]) expect(await registry.push(way, 'acme/web')).toBe(202);
  for (const way of [before, before[1]]) expect(await registry.push(way, 'acme/web')).toBe(401);
});

test('while the keys cannot be fetched jobs are told so with 503, and nobody is locked out', async () => {
  const { issuer, registry, shown } = await start();
  issuer.answer('/keys', (response) => response.writeHead(500).end());
  const basic = await shown();
  for (let i = 0; i < 11; i++) {
    const { status, message } = await registry.login(basic, all);
    expect([status, message]).toEqual([503, expect.stringMatching(/^The keys of http.* cannot be fetched/)]);
  }
  issuer.answer('/keys', undefined);
  expect(await registry.push(basic, 'acme/web')).toBe(202);
});

test('after ten minutes it is over, on every door, however long the token lives and however often it was exchanged', async () => {
  const { registry, shown } = await start();
  const basic = await shown(long);
  const first = await registry.login(basic, all);
  registry.clock.nowMs += 599_000;
  const last = await registry.login(basic, all);
  for (const way of [last.token, basic, basic[1]]) expect(await registry.push(way, 'acme/web')).toBe(202);
  expect(await registry.push(first.token, 'acme/web')).toBe(401); // after 300 s, as every token
  registry.clock.nowMs += 1000;
  for (const way of [last.token, basic, basic[1]]) expect(await registry.push(way, 'acme/web')).toBe(401);
  expect((await registry.login(basic, all)).status).toBe(401);
});

test('and never beyond the end of the token itself', async () => {
  const { registry, shown } = await start();
  const { token } = await registry.login(await shown({ ...job, iat: now, exp: now + 30 }), all);
  registry.clock.nowMs += 29_000;
  expect(await registry.push(token, 'acme/web')).toBe(202);
  registry.clock.nowMs += 1000;
  expect(await registry.push(token, 'acme/web')).toBe(401);
});

test('a grant survives a restart, and ends with any change of its rule, or with the rule', async () => {
  const { registry, shown, settingsOf } = await start();
  const { token } = await registry.login(await shown(long), all);
  await registry.restart(settingsOf({ ...rule, claims: { repository: 'other/*' } }, { ...rule }));
  expect(await registry.push(token, 'acme/web')).toBe(202);
  for (const change of [
    { claims: { repository: 'acme/web' } },
    { repositories: ['acme/web', 'acme/other'] },
    { actions: ['push'] },
    { ttlSeconds: 601 },
    { as: 'ci' },
  ]) {
    await registry.restart(settingsOf({ ...rule, ...change }));
    expect(await registry.push(token, 'acme/web')).toBe(401);
  }
  await registry.restart({ oidc: [] });
  expect(await registry.push(token, 'acme/web')).toBe(401);
});

test('the first rule that matches decides alone; a namespace means all below it; `as` names the identity', async () => {
  const pulls = {
    claims: { repository: 'acme/web' },
    repositories: ['team/*', 'acme/web'],
    actions: ['pull'],
    as: 'reader',
  };
  const { registry, shown } = await start(pulls, { ...rule, repositories: ['acme/*'] });
  for (const name of ['team/a', 'team/b/c', 'teams/d', 'acme/web', 'acme/other']) await registry.pushImage(`${name}:1`);
  const [reader, writer] = [await shown(), await shown({ ...job, repository: 'acme/web2' })];
  expect((await registry.login(writer)).status).toBe(401);
  expect(await registry.push(reader, 'acme/web')).toBe(403);
  expect(await registry.catalog(reader)).toEqual(['acme/web', 'team/a', 'team/b/c']);
  expect((await registry.call(reader, 'team/b/c/manifests/1')).status).toBe(200);
  expect((await registry.call(reader, '_catalog?n=2&last=acme/web')).body).toBe(
    '{"repositories":["team/a","team/b/c"]}',
  );
  expect((await registry.call(reader, 'acme/web/manifests/1', 'DELETE')).body).toContain('oidc:reader may not delete');
});

test('what a job made belongs to nobody who could log in otherwise, and the audit says which job it was', async () => {
  const { registry, shown, id } = await start();
  const upload = await registry.call(await shown(), 'acme/web/blobs/uploads/', 'POST');
  expect(upload.status).toBe(202);
  const index = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}';
  const [, token] = await shown();
  const put = await fetch(`http://${registry.host}/v2/acme/web/manifests/1`, {
    method: 'PUT',
    body: index,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/vnd.oci.image.index.v1+json' },
  });
  expect(put.status).toBe(201);
  expect((await registry.registry.getRepository('acme/web')).createdBy).toBe(id);
  await registry.restart(); // lines of the audit are written beside the answers, and all of them at the end
  const entries = await registry.metadata.listAudit({ after: 0, limit: 100 });
  expect(entries).toContainEqual(expect.objectContaining({ identity: id, act: 'push', isAllowed: true }));
});

test('others are decided about as before, and find their repositories in the catalog', async () => {
  const { registry } = await start();
  await registry.accounts.users.add({ name: 'alice', password: 'pw', isAdmin: false });
  await registry.accounts.users.add({ name: 'root', password: 'pw', isAdmin: true });
  for (const name of ['acme/web', 'alice/web', 'public/base']) await registry.pushImage(`${name}:1`);
  await registry.registry.setRole('alice/web', 'alice', 'owner');
  await registry.registry.setVisibility('public/base', 'public');
  const [alice, root] = [
    ['alice', 'pw'],
    ['root', 'pw'],
  ] as const;
  expect(await registry.catalog(alice)).toEqual(['alice/web', 'public/base']);
  expect(await registry.catalog(root)).toEqual(['acme/web', 'alice/web', 'public/base']);
  expect([await registry.push(alice, 'alice/web'), await registry.push(alice, 'acme/web')]).toEqual([202, 403]);
  expect((await registry.login(alice, [], 'offline_token=true')).refresh_token).toBeDefined();
  expect((await registry.call(undefined, 'public/base/tags/list')).status).toBe(200);
});
