import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { runMoorage, startServer, temporaryDirectory, typeForJson, typeMoorage } from './run-moorage.ts';

// Each test starts the command many times, perhaps on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 120_000 });

const said = (stdout: string) => ({ code: 0, stdout, stderr: '' });
const refused = (stderr: string) => ({ code: 1, stdout: '', stderr });
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

test('user', async () => {
  const data = join(temporaryDirectory(), 'data');
  const type = (line: string, stdin?: string) => typeMoorage(data, line, stdin);
  expect(await type('user list')).toEqual(
    refused(`There is no registry in ${data}: name its directory with --data DIRECTORY.\n`),
  );
  expect(existsSync(data)).toBe(false);

  expect(await type('user add alice --password-stdin', 'pw\n')).toEqual(said('Added the user alice.\n'));
  expect(await type('user add root --admin --password-stdin', 'pw')).toEqual(said('Added the administrator root.\n'));
  expect(await type('user add alice --password-stdin', 'pw')).toEqual(
    refused('There is a user alice already: choose another name.\n'),
  );
  expect(await type('user add robot+ci --password-stdin', 'pw')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^"robot\+ci" cannot name a user: it must be up to 64 .*\.\n$/),
  });
  expect(await type('user add bob --password-stdin')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^The password on stdin cannot be one: it must be one line .*\.\n$/),
  });
  expect(await type('user add bob')).toMatchObject({ code: 1, stderr: expect.stringContaining('--password-stdin') });
  expect(await type('user disable alic')).toEqual(refused('There is no user alic: the nearest is alice.\n'));
  expect(await type('user disable alice')).toEqual(said('alice is refused from the next request on.\n'));
  expect(await type('token create --user alice')).toEqual(
    refused('The user alice is disabled: moorage user enable alice first.\n'),
  );
  const list = await type('user list');
  expect(list.stdout.replaceAll(/\d{4}-[-\dT:]+Z/g, 'then')).toBe(
    [
      'NAME   KIND           STATE     GROUPS  CREATED',
      'alice  user           disabled          then',
      'root   administrator  enabled           then',
      '',
    ].join('\n'),
  );
  expect(await type('user enable alice')).toEqual(said('alice may log in again.\n'));
  expect(await type('user password alice --password-stdin', 'other')).toEqual(said('Set the password of alice.\n'));
  expect(await typeForJson(data, 'user list')).toEqual([
    { name: 'alice', admin: false, disabled: false, groups: [], created: time },
    { name: 'root', admin: true, disabled: false, groups: [], created: time },
  ]);
  await type('token create --user alice');
  for (const on of ['acme/web', 'team/*']) await type(`repo grant ${on} alice --role reader`);
  expect(await type('user remove alice')).toEqual(said('Removed the user alice, 1 token and 2 rights.\n'));
  expect(await type('user add alice --password-stdin', 'pw')).toEqual(said('Added the user alice.\n'));
  expect(await typeForJson(data, 'repo show team/*')).toEqual({ name: 'team/*', rights: [] });
});

test('group', async () => {
  const data = temporaryDirectory();
  const type = (line: string, stdin?: string) => typeMoorage(data, line, stdin);
  await type('user add alice --password-stdin', 'pw');
  expect(await type('group list')).toEqual(said('There is no group yet.\n'));
  expect(await type('group add ops')).toEqual(said('Added the group ops; rights name it @ops.\n'));
  expect(await type('group join ops alice')).toEqual(said('alice is in ops.\n'));
  expect(await type('group join ops alicia')).toEqual(refused('There is no user alicia: the nearest is alice.\n'));
  expect(await type('group join opps alice')).toEqual(refused('There is no group opps: the nearest is ops.\n'));
  expect(await typeForJson(data, 'group list')).toEqual([{ name: 'ops', members: ['alice'], created: time }]);
  expect(await type('group leave ops alice')).toEqual(said('alice is not in ops any more.\n'));
  expect(await type('group leave ops alice')).toEqual(refused('alice is not in ops.\n'));
  await type('repo grant team/* @ops --role reader');
  expect(await type('group remove ops')).toEqual(said('Removed the group ops and 1 right.\n'));
  expect(await type('group add ops')).toMatchObject({ code: 0 });
  expect(await typeForJson(data, 'repo show team/*')).toEqual({ name: 'team/*', rights: [] });
});

test('token', async () => {
  const data = temporaryDirectory();
  const type = (line: string, stdin?: string) => typeMoorage(data, line, stdin);
  await type('user add alice --password-stdin', 'pw');
  expect(await type('token list')).toEqual(said('There is no token yet.\n'));
  const made = await type('token create --user alice');
  expect(made.stdout).toMatch(
    /^Made the token [0-9a-f]{32} of alice, good until .*Z\. Its secret is shown this once:\nmoorage_[\w-]+\n$/,
  );
  const wanted = 'token create --user alice --repository team/* --actions push,pull --expires 30d --quiet';
  const quiet = await type(wanted);
  expect(quiet).toEqual(said(expect.stringMatching(/^moorage_[\w-]+\n$/)));
  const tokens = (await typeForJson(data, 'token list')) as { id: string; created: string; expires: string }[];
  expect(tokens).toEqual([
    {
      user: 'alice',
      id: expect.any(String),
      repository: 'team/*',
      actions: ['pull', 'push'],
      created: time,
      expires: time,
    },
    {
      ...{ user: 'alice', id: expect.any(String), repository: null, actions: ['pull', 'push', 'delete'] },
      ...{ created: time, expires: time },
    },
  ]);
  const days = tokens.map(({ created, expires }) => (Date.parse(expires) - Date.parse(created)) / 86_400_000);
  expect(days).toEqual([30, 90]);
  expect(JSON.stringify(tokens)).not.toContain(quiet.stdout.trim());

  const id = tokens[0]?.id;
  expect(await type(`token revoke ${id}`)).toEqual(said(`Revoked the token ${id} of alice.\n`));
  expect(await type(`token revoke ${id}`)).toMatchObject({
    code: 1,
    stderr: `There is no token ${id}: the nearest is ${tokens[1]?.id}.\n`,
  });
  expect(await type('token create --user alic')).toEqual(refused('There is no user alic: the nearest is alice.\n'));
  expect(await type('token create --user alice --repository Team')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^"Team" is not a repository name: [^\n]+\n$/),
  });
});

test('robot', async () => {
  const data = temporaryDirectory();
  const type = (line: string, stdin?: string) => typeMoorage(data, line, stdin);
  await type('user add alice --password-stdin', 'pw');
  const create = 'robot create ci --repository team/* --actions pull,push --expires 12h';
  expect((await type(create)).stdout).toMatch(
    /^Made the robot ci, good until .*Z\. It logs in as robot\+ci with this secret, which is shown this once:\nmoorage_[\w-]+\n$/,
  );
  expect(await type(create)).toEqual(
    refused('There is a robot ci already: remove it first, or choose another name.\n'),
  );
  expect(await type('robot create cd')).toMatchObject({ code: 1, stderr: expect.stringContaining('--repository') });
  expect(await typeForJson(data, 'robot list')).toMatchObject([
    { name: 'ci', login: 'robot+ci', repository: 'team/*', actions: ['pull', 'push'] },
  ]);
  expect((await type('robot list')).stdout).toMatch(/^NAME .*\nci {4}robot\+ci {2}team\/\* .*Z\n$/);
  expect(await type('robot remove cj')).toEqual(refused('There is no robot cj: the nearest is ci.\n'));
  expect(await type('robot remove ci')).toEqual(said('Removed the robot ci.\n'));
});

test('repo, and the audit of it all', async () => {
  const { url, data } = await startServer();
  const type = (line: string, stdin?: string) => typeMoorage(data, line, stdin);
  expect(await type('repo list')).toEqual(said('Nothing was pushed yet.\n'));
  const indexType = 'application/vnd.oci.image.index.v1+json';
  const body = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [] });
  await fetch(`${url}/v2/team/web/manifests/1`, { method: 'PUT', headers: { 'Content-Type': indexType }, body });
  await type('user add alice --password-stdin', 'pw');
  await type('group add ops');

  expect(await type('repo list')).toEqual(said('NAME      VISIBILITY  MADE BY\nteam/web  private\n'));
  expect(await type('repo grant team/web alice --role owner')).toEqual(said('alice is owner of team/web.\n'));
  expect(await type('repo grant team/* @ops --role reader')).toEqual(said('@ops is reader of team/*.\n'));
  expect(await type('repo grant team/new alice --role contributor')).toEqual({
    ...said('alice is contributor of team/new.\n'),
    stderr: 'There is no repository team/new yet: the right counts once it is there.\n',
  });
  expect(await type('repo grant team/web @opps --role reader')).toEqual(
    refused('There is no group opps: the nearest is ops.\n'),
  );
  expect(await type('repo set team/web --visibility public')).toEqual(said('team/web is public: everyone may pull.\n'));
  expect(await type('repo show team/web')).toEqual(
    said(
      [
        ...['name        team/web', 'visibility  public', 'made by     nobody who was logged in', ''],
        ...['WHO    ROLE    ON', 'alice  owner   team/web', '@ops   reader  team/*', ''],
      ].join('\n'),
    ),
  );
  expect(await typeForJson(data, 'repo show team/*')).toEqual({
    name: 'team/*',
    rights: [{ pattern: 'team/*', subject: '@ops', role: 'reader' }],
  });
  expect(await type('repo revoke team/web bob')).toEqual(
    refused('bob has no role on team/web; those who have: alice (owner).\n'),
  );
  expect(await type('repo revoke team/web alice')).toEqual(said('alice is not owner of team/web any more.\n'));
  expect(await type('repo show team/wep')).toEqual(
    refused('There is no repository team/wep: the nearest is team/web.\n'),
  );
  expect(await type('repo remove team/web')).toEqual(said('Removed team/web with all that it held.\n'));
  expect((await fetch(`${url}/v2/team/web/manifests/1`)).status).toBe(404);

  const audit = (await typeForJson(data, 'audit')) as { act: string; identity: string }[];
  const byCommands = audit.filter(({ identity }) => identity === 'command line');
  expect(byCommands.map(({ act }) => act)).toEqual([
    ...['user-add', 'group-add', 'grant', 'grant', 'grant', 'visibility', 'revoke', 'repository-remove'],
  ]);
  expect(byCommands[2]).toEqual({
    ...{ time, allowed: true, act: 'grant', identity: 'command line', repository: 'team/web', about: 'alice owner' },
  });
  const lines = (await type('audit')).stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(audit.length);
  expect(lines.at(-1)).toMatch(/^\S+Z {2}allowed {2}repository-remove {2}command line {6}- {16}team\/web$/);
});

test('config', async () => {
  const cwd = temporaryDirectory();
  mkdirSync(join(cwd, 'etc'));
  writeFileSync(join(cwd, 'etc/moorage.yaml'), 'tokens:\n  ttlSeconds: 600\n');
  const words = ['config', '--config', 'etc/moorage.yaml', '--listen', ':80', '--data', '/srv'];
  const environment = { MOORAGE_OPEN: 'true' };
  const run = runMoorage(words, { cwd, environment });
  expect(await run.ended).toBe(0);
  const lines = run
    .stdout()
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  expect(lines).toContainEqual(['listen', ':80', '--listen']);
  expect(lines).toContainEqual(['open', 'true', 'MOORAGE_OPEN']);
  expect(lines).toContainEqual(['tokens.ttlSeconds', '600', `tokens.ttlSeconds in ${join(cwd, 'etc/moorage.yaml')}`]);
  expect(lines).toContainEqual(['uploads.ttlSeconds', '86400', 'default']);
  const json = runMoorage([...words, '--json'], { cwd, environment });
  expect(await json.ended).toBe(0);
  expect(JSON.parse(json.stdout())).toMatchObject({
    listen: { value: { port: 80 }, origin: '--listen' },
    publicUrl: { value: null, origin: 'default' },
  });
});

test.each([
  ['user lst', /^error: unknown command 'lst' \(Did you mean list\?\)\n$/],
  [
    'repo grant a b --role king',
    /^error: option '--role <role>' argument 'king' is invalid\. Allowed choices are .*\n$/,
  ],
  ['token create', /^error: required option '--user <name>' not specified\n$/],
])('%s ends with one sentence', async (line, sentence) => {
  const { code, stderr } = await typeMoorage(temporaryDirectory(), line);
  expect(code).toBe(1);
  expect(stderr).toMatch(sentence);
});

test('a database that is none ends with one sentence', async () => {
  const data = temporaryDirectory();
  await typeMoorage(data, 'user add alice --password-stdin', 'pw');
  writeFileSync(join(data, 'accounts.db'), 'This is no database, but text that is long enough to be looked at as one.');
  const { code, stderr } = await typeMoorage(data, 'user list');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^Cannot open the accounts in [^\n]+accounts\.db: file is not a database\.\n$/);
});
