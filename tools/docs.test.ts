import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { difference } from './docs/generated.ts';
import { linkFaults } from './docs/links.ts';
import { commandFaults, snippetsOf, writeSnippets } from './docs/snippets.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const readme = snippetsOf('README.md', readFileSync(join(root, 'README.md'), 'utf8'));
const indexType = 'application/vnd.oci.image.index.v1+json';
const knownFlags = new Map([
  ['serve', ['--open']],
  ['user add', ['--admin', '--password-stdin']],
]);
const known = { scripts: ['start'], flagsOf: (command: string) => knownFlags.get(command) };

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-docs-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Starts a program whose output names the address that it serves; returns the address, and what its output said until `lastWords`. */
async function startAndRead(
  args: readonly string[],
  cwd: string,
  lastWords = /127/,
): Promise<{ url: string; output: string }> {
  const environment = Object.entries(process.env).filter(([name]) => !/^(MOORAGE_|INIT_CWD|NODE_OPTIONS)/.test(name));
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd,
    env: Object.fromEntries(environment),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  let output = '';
  for await (const text of child.stdout?.setEncoding('utf8') ?? []) {
    output += text;
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
    if (url !== undefined && lastWords.test(output)) return { url, output };
  }
  throw new Error(`No address was told:\n${output}`);
}

/** A bearer token, as `docker login` and a push get it: the challenge says where, and Basic says who. */
async function getToken(url: string, name: string, login: string): Promise<string> {
  const { status, headers } = await fetch(`${url}/v2/`);
  const [, realm = '', service = ''] =
    /^Bearer realm="(.+)",service="(.+)"$/.exec(headers.get('www-authenticate') ?? '') ?? [];
  expect([status, realm]).toEqual([401, `${url}/v2/token`]);
  const answer = await fetch(`${realm}?service=${service}&scope=repository:${name}:pull,push`, {
    headers: { Authorization: `Basic ${Buffer.from(login).toString('base64')}` },
  });
  const { token } = (await answer.json()) as { token: string };
  return token;
}

/** Pushes an index under a tag, as a client does after its blobs, and pulls it; returns the status of both and what was pulled. */
async function pushAndPull(url: string, name: string, token?: string): Promise<readonly unknown[]> {
  const shown: Record<string, string> = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const blob = Buffer.from(`for ${name}`);
  const digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`;
  const session = await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: 'POST', headers: shown });
  if (session.status !== 202) return [session.status];
  const location = new URL(session.headers.get('location') ?? '', url);
  location.searchParams.set('digest', digest);
  const headers = { ...shown, 'Content-Type': indexType };
  const body = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [] });
  const pushes = [
    await fetch(location, { method: 'PUT', headers: shown, body: blob }),
    await fetch(`${url}/v2/${name}/manifests/1`, { method: 'PUT', headers, body }),
  ];
  const pulls = [
    await fetch(`${url}/v2/${name}/blobs/${digest}`, { headers: shown }),
    await fetch(`${url}/v2/${name}/manifests/1`, { headers: shown }),
  ];
  const [pulledBlob, pulledManifest] = await Promise.all(pulls.map((pull) => pull.text()));
  return [...pushes.map(({ status }) => status), pulledBlob === blob.toString(), pulledManifest === body];
}

/** Starts the server by a command of the README, with a port and data of its own. */
async function startByReadme(command: string): Promise<{ url: string; output: string }> {
  expect(readme.filter(({ language }) => language === 'sh').map(({ code }) => code)).toContain(`${command}\n`);
  const [, start = ''] =
    /^node (.*)$/.exec(
      JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts.start.replace(/^exec /, ''),
    ) ?? [];
  const flags = command.split(' -- ')[1]?.split(' ') ?? [];
  const own = ['--listen', '127.0.0.1:0', '--data', join(temporaryDirectory(), 'data'), '--log-level', 'warn'];
  return startAndRead([...start.split(' '), ...flags, ...own], root, /Waiting for your first push/);
}

test('README: npm start tells a password, and who logs in with it pushes and pulls', async () => {
  const { url, output } = await startByReadme('npm start');
  const [, password = ''] = /This password is shown once:\n +(\S+)\n/.exec(output) ?? [];
  expect(await pushAndPull(url, 'hello')).toEqual([401]);
  const token = await getToken(url, 'hello', `admin:${password}`);
  expect(await pushAndPull(url, 'hello', token)).toEqual([201, 201, true, true]);
});

test('README: with --open everyone pushes and pulls', async () => {
  const { url } = await startByReadme('npm start -- --open');
  expect(await pushAndPull(url, 'hello')).toEqual([201, 201, true, true]);
});

test('README: the application that embeds the registry serves, and lets push where it says', async () => {
  const snippet = readme.find(({ language }) => language === 'ts');
  const listen = ".listen(5000, '127.0.0.1');";
  expect(snippet?.code).toContain(listen);
  const told = ".listen(0, '127.0.0.1', function () { console.log('http://127.0.0.1:' + this.address().port); });";
  const code = snippet?.code.replace(listen, told) ?? '';
  const folder = join(root, '.cache/readme');
  const [program = ''] = writeSnippets(folder, [{ file: 'README.md', language: 'ts', code }]);
  const { url } = await startAndRead(['--conditions=moorage-source', program], temporaryDirectory());
  expect(await pushAndPull(url, 'sandbox/hello')).toEqual([201, 201, true, true]);
  expect(await pushAndPull(url, 'hello')).toEqual([403]);
});

test.each([
  ['[a](README.md) [b](#a-heading) [c](https://example.com)\n# A heading', []],
  ['[a](nowhere.md)', ['A.md links to nowhere.md, which does not exist.']],
  ['[a](README.md#nowhere)', ['A.md links to README.md#nowhere, a heading that does not exist.']],
  ['`tools/docs.ts` and `tools/nothing.ts`', ['A.md names tools/nothing.ts, which does not exist.']],
  ['[the checker finds each planted fault](tools/rooms.test.ts)', []],
  [
    '[the checker finds nothing](tools/rooms.test.ts)',
    ['A.md names the test "the checker finds nothing", which is not in tools/rooms.test.ts.'],
  ],
  ['```\n[a](nowhere.md)\n```', []],
])('links of %j', (text, faults) => {
  expect(linkFaults(root, 'A.md', text)).toEqual(faults);
});

test.each([
  ['npm start -- --open', []],
  ['npm start -- --oben', ['moorage serve has no --oben.']],
  ['npm stop', ['there is no script stop.']],
  ['npx moorage serve --open # comment', []],
  ['moorage push', ['there is no command push.']],
  ['printf x | npx moorage user add alice --password-stdin', []],
  ['printf x | npx moorage user add alice --pasword-stdin', ['moorage user add has no --pasword-stdin.']],
  ['moorage user ad alice', ['there is no command user ad.']],
  ['docker push --all', []],
])('commands of %j', (line, faults) => {
  const snippets = snippetsOf('A.md', `\`\`\`sh\n${line}\n\`\`\`\n`);
  expect(commandFaults(snippets, known)).toEqual(faults.map((fault) => `A.md: "${line}": ${fault}`));
});

test('a generated document that differs is told with the line', () => {
  expect(difference('a.md', 'one\ntwo', 'one\ntwo')).toBeUndefined();
  expect(difference('a.md', 'one\ntwo', 'one\n2')).toMatch(
    /^a\.md is not what its source says: .* Line 2:\n- two\n\+ 2$/,
  );
  expect(difference('a.md', undefined, '')).toMatch(/^a\.md is missing: /);
});
