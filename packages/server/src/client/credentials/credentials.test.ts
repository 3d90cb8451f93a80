import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findCredentials, removeCredentials, storeCredentials } from './credentials.ts';

const host = 'hub.example.com';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const password = (username: string, secret: string) => ({ kind: 'password' as const, username, password: secret });

/** A home of its own, with files in it. */
function makeHome(files: Readonly<Record<string, unknown>> = {}) {
  const home = mkdtempSync(join(tmpdir(), 'moorage-home-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const write = (name: string, content: unknown) => {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), typeof content === 'string' ? content : JSON.stringify(content));
  };
  for (const [name, content] of Object.entries(files)) write(name, content);
  const environment = { HOME: home, PATH: `${join(home, 'bin')}:${process.env['PATH']}` };
  const file = join(home, '.docker/config.json');
  return { home, file, environment, read: () => JSON.parse(readFileSync(file, 'utf8')) };
}

/** A helper that keeps its entries in a file. */
function addHelper(home: string, name: string): void {
  const store = join(home, 'secrets.json');
  writeFileSync(store, '{}');
  mkdirSync(join(home, 'bin'), { recursive: true });
  const program = join(home, 'bin', `docker-credential-${name}`);
  writeFileSync(
    program,
    `#!${process.execPath}
const { readFileSync, writeFileSync } = require('node:fs');
const input = readFileSync(0, 'utf8').trim();
const kept = JSON.parse(readFileSync(${JSON.stringify(store)}, 'utf8'));
const save = () => writeFileSync(${JSON.stringify(store)}, JSON.stringify(kept));
switch (process.argv[2]) {
  case 'get':
    if (kept[input] === undefined) { console.log('credentials not found in native keychain'); process.exit(1); }
    console.log(JSON.stringify(kept[input]));
    break;
  case 'store': { const entry = JSON.parse(input); kept[entry.ServerURL] = entry; save(); break; }
  case 'erase': delete kept[input]; save();
}
`,
  );
  chmodSync(program, 0o755);
}

test.each([
  [{ auths: { [host]: { auth: base64('ann:a:b') } } }, password('ann', 'a:b')],
  [{ auths: { [`https://${host}/v2/`]: { auth: base64('ann:pw') } } }, password('ann', 'pw')],
  [{ auths: { [host]: { username: 'ann', password: 'pw' } } }, password('ann', 'pw')],
  [{ auths: { [host]: { auth: base64('<token>:'), identitytoken: 'it' } } }, { kind: 'identity', token: 'it' }],
  [{ auths: { [host]: { registrytoken: 'rt' } } }, { kind: 'registry', token: 'rt' }],
  [{ auths: { [host]: {} } }, undefined],
  [{ auths: { 'hub.example.com.evil.org': { auth: base64('ann:pw') } } }, undefined],
  [{ auths: { [`${host}:5000`]: { auth: base64('ann:pw') } } }, undefined],
  [{}, undefined],
])('docker keeps %j', async (document, expected) => {
  const { environment } = makeHome({ '.docker/config.json': document });
  expect(await findCredentials({ host }, { environment })).toEqual(expected);
});

test('$DOCKER_CONFIG names the directory, and Docker Hub has one login under all of its names', async () => {
  const { home, environment } = makeHome({
    'other/config.json': { auths: { 'https://index.docker.io/v1/': { auth: base64('ann:pw') } } },
  });
  const options = { environment: { ...environment, DOCKER_CONFIG: join(home, 'other') } };
  for (const name of ['docker.io', 'index.docker.io']) {
    expect(await findCredentials({ host: name }, options)).toEqual(password('ann', 'pw'));
  }
});

test('podman keeps logins for a path, of which the longest counts', async () => {
  const auths = { [host]: { auth: base64('all:pw') }, [`${host}/acme`]: { auth: base64('acme:pw') } };
  const { environment } = makeHome({ '.config/containers/auth.json': { auths } });
  const find = (repository: string) => findCredentials({ host, repository }, { environment });
  expect(await find('acme/web')).toEqual(password('acme', 'pw'));
  expect(await find('acme')).toEqual(password('acme', 'pw'));
  expect(await find('acmes/web')).toEqual(password('all', 'pw'));
});

test('a file that is broken is named', async () => {
  const { environment } = makeHome({ '.docker/config.json': '{"auths":' });
  await expect(findCredentials({ host }, { environment })).rejects.toThrow(/config\.json is not an object of JSON/);
});

test('a login is kept for its owner alone, beside all else that the file says, and goes again', async () => {
  const { file, environment, read } = makeHome({
    '.docker/config.json': { psFormat: 'x', auths: { other: { auth: 'b' }, [`https://${host}`]: { auth: 'old' } } },
  });
  chmodSync(file, 0o644);
  expect(await storeCredentials(host, password('ann', 'pä:ss'), { environment })).toBe(file);
  expect(read()).toEqual({ psFormat: 'x', auths: { other: { auth: 'b' }, [host]: { auth: base64('ann:pä:ss') } } });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await findCredentials({ host }, { environment })).toEqual(password('ann', 'pä:ss'));
  expect(await removeCredentials(host, { environment })).toBe(file);
  expect(read()).toEqual({ psFormat: 'x', auths: { other: { auth: 'b' } } });
  expect(await removeCredentials(host, { environment })).toBe(undefined);
});

test('an identity token is kept as docker keeps it, in a file that was not there', async () => {
  const { environment, read, file } = makeHome();
  await storeCredentials(host, { kind: 'identity', token: 'it' }, { environment });
  expect(read()).toEqual({ auths: { [host]: { auth: base64('<token>:'), identitytoken: 'it' } } });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
});

test('a configuration that is a symbolic link stays one', async () => {
  const { home, file, environment } = makeHome({ 'dotfiles/docker.json': {} });
  mkdirSync(dirname(file));
  symlinkSync(join(home, 'dotfiles/docker.json'), file);
  await storeCredentials(host, password('ann', 'pw'), { environment });
  expect(readFileSync(join(home, 'dotfiles/docker.json'), 'utf8')).toContain(host);
});

test.each([{ credsStore: 'test' }, { credHelpers: { [host]: 'test' }, credsStore: 'absent' }])(
  'with %j the helper keeps the secret, and the file only that there is one',
  async (document) => {
    const { home, environment, read } = makeHome({ '.docker/config.json': document });
    addHelper(home, 'test');
    expect(await findCredentials({ host }, { environment })).toBe(undefined);
    expect(await storeCredentials(host, password('ann', 'pw'), { environment })).toBe('docker-credential-test');
    expect(read()).toEqual({ ...document, auths: { [host]: {} } });
    expect(await findCredentials({ host }, { environment })).toEqual(password('ann', 'pw'));
    await storeCredentials(host, { kind: 'identity', token: 'it' }, { environment });
    expect(await findCredentials({ host }, { environment })).toEqual({ kind: 'identity', token: 'it' });
    expect(await removeCredentials(host, { environment })).toBe('docker-credential-test');
    expect(await findCredentials({ host }, { environment })).toBe(undefined);
    expect(read()).toEqual({ ...document, auths: {} });
  },
);

test('a helper that is not installed is a warning to who pulls, and an error to who logs in', async () => {
  const { environment } = makeHome({ '.docker/config.json': { credsStore: 'absent' } });
  const warnings: string[] = [];
  const options = { environment, warn: (sentence: string) => warnings.push(sentence) };
  expect(await findCredentials({ host }, options)).toBe(undefined);
  expect(warnings).toEqual([expect.stringMatching(/^docker-credential-absent, .* cannot be run/)]);
  await expect(storeCredentials(host, password('ann', 'pw'), options)).rejects.toThrow(/cannot be run/);
});

test('a helper is never a path', async () => {
  const { environment } = makeHome({ '.docker/config.json': { credsStore: '../../evil' } });
  await expect(findCredentials({ host }, { environment })).rejects.toThrow(/cannot name a credential helper/);
});
