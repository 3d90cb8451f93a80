import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RegistryOptions } from '@moorage/registry';
import { startTestRegistry } from '@moorage/registry/testing';
import { expect, onTestFinished, test } from 'vitest';
import { runMoorage, temporaryDirectory } from './run-moorage.ts';

const access: RegistryOptions['access'] = {
  authenticate: (shown) => ('username' in shown && shown.password === 'pw' ? { id: shown.username } : undefined),
  authorize: ({ identity, name }) => identity !== undefined && (name ?? identity.id).startsWith(identity.id),
};

/** A registry, and a person with a home and a folder at a terminal. */
async function start(options: Partial<RegistryOptions> = {}) {
  const { host, close } = await startTestRegistry(options);
  onTestFinished(close);
  const home = temporaryDirectory();
  const folder = join(home, 'folder');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.txt'), 'hello\n');
  const environment = {
    HOME: home,
    XDG_CACHE_HOME: undefined,
    DOCKER_CONFIG: undefined,
    REGISTRY_AUTH_FILE: undefined,
    XDG_RUNTIME_DIR: undefined,
  };
  const type = async (line: string, stdin?: string) => {
    const run = runMoorage(line.split(' '), { cwd: home, environment, ...(stdin !== undefined && { stdin }) });
    return { code: await run.ended, stdout: run.stdout(), stderr: run.stderr() };
  };
  return { host, home, type, config: join(home, '.docker/config.json') };
}

test('a folder is pushed, inspected, copied and pulled: each ends with the same digest on stdout', async () => {
  const { host, home, type } = await start();
  const pushed = await type(`push folder ${host}/demo/folder:1 --annotation a=b=c`);
  expect(pushed).toMatchObject({ code: 0, stderr: expect.stringMatching(/uploaded\n/) });
  const [line = '', digest = ''] = /^.*@(sha256:[0-9a-f]{64})\n$/.exec(pushed.stdout) ?? [];
  expect(line).toBe(`${host}/demo/folder:1@${digest}\n`);
  expect(JSON.parse((await type(`inspect --json ${host}/demo/folder:1`)).stdout)).toMatchObject({
    digest,
    manifest: { annotations: { a: 'b=c' } },
  });
  expect((await type(`copy ${host}/demo/folder:1 ${host}/demo/copy:2`)).stdout).toBe(`${host}/demo/copy:2@${digest}\n`);
  const pulled = await type(`pull ${host}/demo/copy:2 out`);
  expect(pulled).toMatchObject({
    code: 0,
    stdout: `${host}/demo/copy:2@${digest}\n`,
    stderr: expect.stringContaining('wrote folder/'),
  });
  expect(readFileSync(join(home, 'out/folder/a.txt'), 'utf8')).toBe('hello\n');
  expect(await type(`pull ${host}/demo/copy:2 out`)).toMatchObject({ code: 1, stdout: '' });
});

test('after a login pushes need no password, and after a logout they are refused in one line', async () => {
  const { host, type, config } = await start({ access });
  const refused = await type(`push folder ${host}/ann/web`);
  expect(refused).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(new RegExp(`Log in first: moorage login ${host}\n$`)),
  });
  expect(await type(`login ${host} -u ann --password-stdin`, 'wrong')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('does not take this name and password'),
  });
  expect(await type(`login ${host} -u ann --password-stdin`, 'pw\n')).toMatchObject({
    code: 0,
    stdout: `Logged in to ${host}; kept in ${config}.\n`,
  });
  expect(statSync(config).mode & 0o777).toBe(0o600);
  expect(readFileSync(config, 'utf8')).not.toContain(Buffer.from('ann:pw').toString('base64'));
  expect(await type(`push folder ${host}/ann/web`)).toMatchObject({ code: 0 });
  expect((await type(`push folder ${host}/bob/web`)).stderr).toMatch(/refused to .*\(40\d [A-Z]+, request id .*\)/);
  expect(await type(`logout ${host}`)).toMatchObject({
    code: 0,
    stdout: `Removed what was kept for ${host} in ${config}.\n`,
  });
  expect(await type(`pull ${host}/ann/web`)).toMatchObject({ code: 1 });
});

test('a name and a password may be given for one command', async () => {
  const { host, type, config } = await start({ access });
  expect(await type(`push folder ${host}/ann/web -u ann --password-stdin`, 'pw')).toMatchObject({ code: 0 });
  expect(() => statSync(config)).toThrow('ENOENT');
  expect((await type(`push folder ${host}/ann/web -u ann`)).stderr).toBe(
    '--username needs a password: add --password-stdin, or log in first: moorage login.\n',
  );
  expect((await type(`login ${host}`)).stderr).toMatch(/^There is no terminal to ask at: give --username/);
});
