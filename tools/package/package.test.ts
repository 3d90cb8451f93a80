import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect, onTestFinished, test } from 'vitest';
import { checkCommandContents } from './command.ts';
import { compareOrWrite } from './committed.ts';
import { overLimit, runChecks } from './findings.ts';
import { differentPackages } from './project.ts';
import { pushAndPull } from './push-and-pull.ts';
import { docstringFaults, exportsOf, referenceMarkdown } from './reference.ts';
import { checkServing, servingLines, unexpectedOutput } from './serving.ts';
import { checkContents } from './tarball.ts';

const warning =
  '(node:1) ExperimentalWarning: SQLite is an experimental feature and might change at any time\n(Use `node --trace-warnings ...` to show where the warning was created)\n';

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-package-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** What is exported by declarations as the compiler writes them. */
function exportsOfText(declarations: string) {
  const types = join(temporaryDirectory(), 'index.d.ts');
  writeFileSync(types, declarations);
  return exportsOf([{ specifier: '@moorage/example', types }]);
}

async function linesOf(run: () => { readonly faults: readonly string[] }): Promise<readonly string[]> {
  const lines: string[] = [];
  await runChecks(
    [
      { name: 'first', run },
      { name: 'second', run: () => ({ faults: [] }) },
    ],
    (line) => lines.push(line),
  );
  return lines;
}

test('a check that finds a fault, and one that throws, are failures, and the last line counts them', async () => {
  expect(await linesOf(() => ({ faults: ['a\nb'] }))).toEqual([
    'FAIL first',
    '     a\n     b',
    'ok   second',
    '1 passed, 1 failed',
  ]);
  const thrown = await linesOf(() => {
    throw new Error('no such file');
  });
  expect(thrown).toEqual(['FAIL first', '     no such file', 'ok   second', '1 passed, 1 failed']);
});

test('a number over its limit, and one that has none, are faults', () => {
  expect(overLimit('Files', 3, 3)).toEqual([]);
  expect(overLimit('Files', 4, 3)).toEqual(['Files: 4, and the limit in tools/package/limits.json is 3.']);
  expect(overLimit('Files', 4, undefined)).toHaveLength(1);
});

test('a generated file that differs, or is missing, is told by its first line; an update writes it', () => {
  const root = temporaryDirectory();
  mkdirSync(join(root, 'docs'));
  writeFileSync(join(root, 'docs/old.md'), 'one\ntwo\n');
  const files = new Map([
    ['docs/old.md', 'one\n2\n'],
    ['api/new.md', 'three\n'],
  ]);
  const [old, added] = compareOrWrite({ root, files, isUpdate: false });
  expect(old).toMatch(/^docs\/old\.md .*run "npm run package -- --update" and review\. Line 2:\n- two\n\+ 2$/);
  expect(added).toMatch(/^api\/new\.md .* Line 1:\n- \n\+ three$/);
  expect(compareOrWrite({ root, files, isUpdate: true })).toEqual([]);
  expect(compareOrWrite({ root, files, isUpdate: false })).toEqual([]);
  expect(readFileSync(join(root, 'api/new.md'), 'utf8')).toBe('three\n');
});

test('the reference has docstrings and declarations, and an export without a docstring is a fault', () => {
  const exports = exportsOfText(`/** What it knows. */
export interface Known {
    /** Names it. */
    readonly id: string;
}
/**
 * Finds one.
 *
 * - Never rejects.
 */
export declare function find(id: string): Known;
export declare const limit: number;
`);
  expect(docstringFaults(exports)).toEqual(['limit of @moorage/example has no docstring.']);
  const text = referenceMarkdown(exports);
  expect(text).toContain('- [@moorage/example](#moorageexample): `find`, `limit`\n');
  expect(text).toContain(
    '### find\n\nFinds one.\n\n- Never rejects.\n\n```typescript\nfunction find(id: string): Known;\n```\n\n### limit\n\n```typescript\nconst limit: number;\n```\n\n### Known\n\nWhat it knows.\n\n```typescript\ninterface Known {\n  /** Names it. */\n  readonly id: string;\n}\n```\n',
  );
});

test('a map, a build file and a missing licence are faults of a tarball', () => {
  const contents = [
    'README.md',
    'package.json',
    'dist/index.js',
    'dist/index.d.ts',
    'dist/index.js.map',
    'dist/.build',
  ];
  const { faults } = checkContents({ file: 'a.tgz', contents });
  expect(faults).toEqual([
    'LICENSE is missing.',
    '2 files are of no use to who installs it: dist/index.js.map, dist/.build …',
  ]);
});

test('declarations, maps and a missing program are faults of the tarball of the command', () => {
  const contents = ['LICENSE', 'README.md', 'bin/moorage.js', 'package.json', 'dist/tls/acme.js', 'dist/main.d.ts'];
  const { faults } = checkCommandContents({ file: 'a.tgz', contents });
  expect(faults).toEqual(['dist/main.js is missing.', 'dist/main.d.ts is of no use to who installs it.']);
});

test('a package that is installed, too, and one that is not, are faults', () => {
  expect(differentPackages(['jose', 'kysely'], ['jose', 'kysely'])).toEqual([]);
  expect(differentPackages(['jose', 'left-pad'], ['jose', 'kysely'])).toEqual([
    'left-pad is installed, too.',
    'kysely is not installed.',
  ]);
});

test('lines that listen at 5000 listen at any port, and a document without them is a fault', () => {
  expect(servingLines('a.md', "```sh\nnpm start\n```\n```ts\nserver.listen(5000, 'x');\n```\n")).toBe(
    "server.listen(0, 'x');\n",
  );
  expect(() => servingLines('a.md', '```ts\nserver.listen(80);\n```\n')).toThrow('a.md');
  expect(() => servingLines('a.md', 'Nothing.')).toThrow('a.md');
});

test('one warning of an experimental SQLite is expected, a second is not, nor one that was switched off', () => {
  expect(unexpectedOutput(warning, [])).toEqual([]);
  expect(unexpectedOutput(warning + warning, [])).toHaveLength(1);
  expect(unexpectedOutput(warning, ['--disable-warning=ExperimentalWarning'])).toHaveLength(1);
  expect(unexpectedOutput('ready\n', [])).toEqual(['It printed:\nready']);
});

test('a program that ends at once is a fault, and what it printed is told', async () => {
  const start = { node: process.execPath, args: [], isInline: true };
  const { faults } = await checkServing(temporaryDirectory(), "console.error('no disk'); process.exit(3)", start);
  expect(faults).toEqual(['It ended with 3.', 'It printed:\nno disk']);
});

test('a server that takes everything and keeps nothing is a fault', async () => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(request.method === 'GET' ? 200 : 201).end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  expect(await pushAndPull(`http://127.0.0.1:${address.port}`)).toEqual(['The manifest came back changed.']);
});
