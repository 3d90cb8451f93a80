import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { findFreePort } from './free-port.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const packages = globSync('examples/*/package.json', { cwd: root }).map((file) => ({
  directory: dirname(join(root, file)),
  ...JSON.parse(readFileSync(join(root, file), 'utf8')),
}));

/** Runs the tool from a directory that is not the repository's. */
function runTool(args: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
  const { NODE_OPTIONS, INIT_CWD, ...inherited } = process.env;
  const child = spawn(process.execPath, [join(root, 'tools/example.ts'), ...args], {
    cwd: tmpdir(),
    env: { ...inherited, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill());
  return child;
}

async function outcomeOf({ stdout, stderr }: ChildProcess): Promise<readonly string[]> {
  if (stdout === null || stderr === null) throw new Error('The tool was started without pipes.');
  return Promise.all([text(stdout), text(stderr)]);
}

test('without a name the examples are listed, a line each with what it shows', async () => {
  const [listed = ''] = await outcomeOf(runTool([]));
  const wanted = packages.map(({ directory, description }) => [basename(directory), description]);
  const lines = listed.trimEnd().split('\n');
  expect(lines.map((line) => /^npm run example (\S+) +(.+)$/.exec(line)?.slice(1)).sort()).toEqual(wanted.sort());
});

test('a name that is none is refused, and the examples are listed', async () => {
  const child = runTool(['none']);
  const [[, said], [code]] = await Promise.all([outcomeOf(child), once(child, 'exit')]);
  expect(code).toBe(1);
  expect(said).toMatch(/^There is no example none\. There are:\nnpm run example /);
});

test('an example listens where PORT says and keeps its data where DATA says, and ends when it is told to', async () => {
  const caller = mkdtempSync(join(tmpdir(), 'moorage-example-'));
  onTestFinished(() => rmSync(caller, { recursive: true, force: true }));
  const port = await findFreePort();
  const child = runTool(['hono'], { PORT: String(port), DATA: 'kept', INIT_CWD: caller });
  const url = `http://127.0.0.1:${port}`;
  let said = '';
  for await (const part of child.stdout?.setEncoding('utf8').iterator({ destroyOnReturn: false }) ?? []) {
    said += part;
    if (said.includes(url)) break;
  }
  expect((await fetch(`${url}/v2/`, { headers: { Connection: 'close' } })).status).toBe(401);
  expect(existsSync(join(caller, 'kept/registry.db'))).toBe(true);
  child.kill('SIGTERM');
  await once(child, 'exit');
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});

test('examples without a lock file have the versions of the repository', () => {
  const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'));
  const known = {
    ...read('package.json').devDependencies,
    '@moorage/registry': read('packages/registry/package.json').version,
  };
  const without = packages.filter(({ directory }) => !existsSync(join(directory, 'package-lock.json')));
  expect(without.length).toBeGreaterThan(0);
  for (const { name, dependencies } of without) {
    const versions = Object.keys(dependencies).map((dependency) => [dependency, known[dependency]]);
    expect([name, dependencies]).toEqual([name, Object.fromEntries(versions)]);
  }
});
