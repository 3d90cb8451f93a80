import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { isDomain, kinds } from './kinds.ts';
import { scaffold } from './scaffold.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const templates = join(root, 'packages/create-moorage/templates');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const readTemplate = (file: string) => readFileSync(join(templates, file), 'utf8');

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'create-moorage-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

interface Surroundings {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a script of the workspace where nothing is a terminal. */
async function run(script: string, words: readonly string[], { cwd, environment = {} }: Surroundings) {
  const settings = Object.entries(process.env).filter(([name]) => !/^(MOORAGE_|INIT_CWD|NODE_OPTIONS)/.test(name));
  const child = spawn(process.execPath, ['--conditions=moorage-source', join(root, script), ...words], {
    cwd,
    env: { ...Object.fromEntries(settings), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { stdout, stderr, code };
}

const create = (words: readonly string[], cwd: string) =>
  run('packages/create-moorage/bin/create-moorage.js', words, { cwd });

test.each([
  ['fastify/server.ts', 'examples/fastify/server.ts'],
  ['fastify/users.ts', 'examples/fastify/users.ts'],
  ['hono/server.ts', 'examples/hono/server.ts'],
  ['hono/users.ts', 'examples/hono/users.ts'],
  ['express/users.ts', 'examples/hono/users.ts'],
  ['next/lib/users.ts', 'examples/hono/users.ts'],
  ['next/tsconfig.json', 'examples/next/tsconfig.json'],
  ['next/instrumentation.ts', 'examples/next/instrumentation.ts'],
  ['next/app/layout.tsx', 'examples/next/app/layout.tsx'],
  ['next/pages/api/v2/[[...path]].ts', 'examples/next/pages/api/v2/[[...path]].ts'],
])('the template %s is %s: copy the one over the other', (template, example) => {
  expect(readTemplate(template)).toBe(read(example));
});

test('the configuration of Next is that of the example, which has a line more for its own place', () => {
  const own = /\n {2}\/\/ This example lies inside[^\n]*\n[^\n]*/;
  expect(readTemplate('next/next.config.ts')).toBe(read('examples/next/next.config.ts').replace(own, ''));
});

test('applications have the versions that the repository tries, and the server its own', () => {
  const { version } = JSON.parse(read('packages/server/package.json'));
  const { dependencies: next, devDependencies: nextTypes } = JSON.parse(read('examples/next/package.json'));
  const library = JSON.parse(read('packages/registry/package.json')).version;
  const known = { ...JSON.parse(read('package.json')).devDependencies, ...next, ...nextTypes };
  for (const kind of kinds.filter((name) => name !== 'server')) {
    const { dependencies, devDependencies = {} } = JSON.parse(readTemplate(`${kind}/package.json`));
    for (const [name, wanted] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect([kind, name, wanted]).toEqual([kind, name, name === '@moorage/registry' ? library : known[name]]);
    }
  }
  const named = globSync('server/*', { cwd: templates }).flatMap((file) => readTemplate(file).match(/moorage@[\d.]+/g));
  expect(new Set(named.filter((found) => found !== null))).toEqual(new Set([`moorage@${version}`]));
});

test('docs/operating.md has the service as it is made', () => {
  expect(read('docs/operating.md')).toContain(`\`\`\`ini\n${readTemplate('server/moorage.service')}\`\`\`\n`);
});

test('a server is made whose settings `moorage config` reads, under the domain that was said', async () => {
  const directory = temporaryDirectory();
  const made = await create(['hub', '--kind', 'server', '--domain', 'Registry.Example.org'], directory);
  expect([made.code, made.stderr]).toEqual([0, '']);
  const hub = join(directory, 'hub');
  expect(readdirSync(hub).sort()).toEqual(
    ['.gitignore', 'Caddyfile', 'README.md', 'compose.yaml', 'moorage.service', 'moorage.yaml', 'nginx.conf'].sort(),
  );
  const { stdout } = await run('packages/server/bin/moorage.js', ['config', '--json', '--config', 'moorage.yaml'], {
    cwd: hub,
  });
  const { publicUrl, trustedProxies, listen } = JSON.parse(stdout);
  expect(publicUrl).toMatchObject({ value: 'https://registry.example.org' });
  expect(trustedProxies).toMatchObject({ value: ['127.0.0.1', '::1'] });
  expect(listen.value).toEqual({ host: '127.0.0.1', port: 5000 });
  const all = readdirSync(hub).map((file) => readFileSync(join(hub, file), 'utf8'));
  expect(all.join('\n')).not.toContain('example.com');
});

test('the compose file is one, and its settings are settings: those of a server that a proxy on the host reaches', async () => {
  const directory = temporaryDirectory();
  await scaffold(join(directory, 'hub'), { kind: 'server', domain: undefined });
  const { services, volumes } = parse(readFileSync(join(directory, 'hub/compose.yaml'), 'utf8'));
  const { ports, environment, command, build, ...moorage } = services.moorage;
  expect(ports).toEqual(['127.0.0.1:5000:5000']);
  expect(command).toEqual(['serve', '--config', '/etc/moorage/moorage.yaml']);
  expect(build.dockerfile_inline).toMatch(/^FROM docker\.io\/library\/node:26-slim\nRUN npm install --global moorage@/);
  // Read-only, and yet everything that is written has a place.
  expect(moorage).toMatchObject({ read_only: true, tmpfs: ['/tmp'], volumes: ['data:/data', expect.anything()] });
  expect(volumes).toEqual({ data: {} });
  const flags = ['config', '--json', '--config', 'moorage.yaml'];
  const config = await run('packages/server/bin/moorage.js', flags, { cwd: join(directory, 'hub'), environment });
  const { listen, data, trustedProxies } = JSON.parse(config.stdout);
  expect([listen, data, trustedProxies].map(({ origin }) => origin)).toEqual([
    ...['MOORAGE_LISTEN', 'MOORAGE_DATA', 'MOORAGE_TRUSTED_PROXIES'],
  ]);
  expect([listen.value, data.value]).toEqual([{ port: 5000 }, '/data']);
});

test('without a domain a server says no public URL, where logins would lead', async () => {
  const directory = join(temporaryDirectory(), 'hub');
  await scaffold(directory, { kind: 'server', domain: undefined });
  expect(parse(readFileSync(join(directory, 'moorage.yaml'), 'utf8')).publicUrl).toBeUndefined();
});

test.each(kinds.filter((kind) => kind !== 'server'))(
  '%s has keys of its own, which nobody else reads',
  async (kind) => {
    const parent = temporaryDirectory();
    const users = kind === 'next' ? 'lib/users.ts' : 'users.ts';
    const keys = new Set<string>();
    for (const name of ['One App', 'two']) {
      const directory = join(parent, name);
      expect(await scaffold(directory, { kind, domain: undefined })).toContain(users);
      const text = readFileSync(join(directory, users), 'utf8');
      const found = [...text.matchAll(/apiKey: '([\w-]{32})'/g)].map(([, key = '']) => key);
      expect(found.length).toBe(kind === 'fastify' ? 3 : 2);
      for (const key of found) keys.add(key);
      expect(text).not.toContain('alice-key');
      expect(statSync(join(directory, users)).mode & 0o777).toBe(0o600);
    }
    expect(keys.size).toBe(kind === 'fastify' ? 6 : 4);
    expect(JSON.parse(readFileSync(join(parent, 'One App/package.json'), 'utf8')).name).toBe('one-app');
  },
);

test('a directory with something in it is left as it is', async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'full'));
  writeFileSync(join(directory, 'full/README.md'), 'mine');
  writeFileSync(join(directory, 'file'), 'mine');
  for (const [name, said] of [
    ['full', 'is not empty: choose another directory.'],
    ['file', 'cannot be made (EEXIST): choose another directory.'],
  ] as const) {
    const { code, stderr } = await create([name, '--kind', 'hono'], directory);
    expect([code, stderr]).toEqual([1, `${join(directory, name)} ${said}\n`]);
  }
  expect(readdirSync(join(directory, 'full'))).toEqual(['README.md']);
  expect(readFileSync(join(directory, 'full/README.md'), 'utf8')).toBe('mine');
});

test('what cannot be made is refused in a sentence, and nothing is asked where there is no terminal', async () => {
  const directory = temporaryDirectory();
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /^Say which directory and which kind: npm create moorage@latest /],
    [['app'], /^Say which directory and which kind: /],
    [['app', '--kind', 'rails'], /^There is no kind "rails": choose from server, express, fastify, hono, next\.$/],
    [['hub', '--kind', 'server', '--domain', 'a.b;}'], /^"a\.b;}" is no domain: type one such as hub\.example\.com/],
    [['app', '--kind', 'hono', '--domain', 'a.example'], /^--domain is for --kind server/],
    [['one', 'two', '--kind', 'hono'], /^One directory is made at a time: /],
  ];
  const said = await Promise.all(cases.map(([words]) => create(words, directory)));
  for (const [index, { code, stderr }] of said.entries()) {
    expect(code).toBe(1);
    expect(stderr.trimEnd()).toMatch(cases[index]?.[1] ?? /^$/);
  }
  expect(readdirSync(directory)).toEqual([]);
});

test.each([
  ['hub.example.com', true],
  ['a-b.example', true],
  ['localhost', false],
  ['hub.example.com:443', false],
  ['https://hub.example.com', false],
  ['hub.example.com\nopen: true', false],
  ['-a.example', false],
  ['a..example', false],
  [`${'a.'.repeat(126)}ab`, false],
])('%j is a domain: %s', (domain, expected) => {
  expect(isDomain(domain)).toBe(expected);
});
