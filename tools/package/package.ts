/** `npm run package`: the package as it would be published. Its API is under review, its tarball is whole, and an empty project that installs it serves a registry on every Node that
 *  it promises. `-- --update` writes the reports of the API and docs/reference.md again. Prints last `N passed, N failed`. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { checkReference, checkReports } from './api.ts';
import { checkCommandContents, checkCreate, checkNpx } from './command.ts';
import { type Check, runChecks } from './findings.ts';
import { checkImports, type ImportLimits } from './imports.ts';
import { checkInstallation, type InstallLimits, installInto } from './project.ts';
import { run } from './run.ts';
import { checkServing, servingLines } from './serving.ts';
import { here, subpaths } from './subpaths.ts';
import { build, checkContents, checkWithAttw, checkWithPublint, pack } from './tarball.ts';

interface Limits {
  readonly unnamedTypes: number;
  readonly installation: InstallLimits;
  readonly imports: Readonly<Record<string, ImportLimits>>;
}

const smallest = 'docs/embedding.md';
const documents = [smallest, 'README.md', 'packages/registry/README.md'];

/** Ways to start Node that are inherited by threads: the writer's must not mind them. */
const inlineStarts = [
  { title: 'after --eval', args: [] },
  { title: 'after --input-type=module --eval', args: ['--input-type=module'] },
];

const limits: Limits = JSON.parse(readFileSync(join(here, 'limits.json'), 'utf8'));
const isUpdate = process.argv.includes('--update');
const workFolder = mkdtempSync(join(tmpdir(), 'moorage-package-'));
try {
  await installTools();
  await build(['packages/registry', 'packages/server', 'packages/create-moorage']);
  const failed = await runChecks(await checksIn(workFolder), console.log);
  process.exitCode = failed === 0 ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
} finally {
  rmSync(workFolder, { recursive: true, force: true });
}

/** This folder has packages of its own, so that `npm ci` of the workspace stays small. */
async function installTools(): Promise<void> {
  const modifiedMs = (file: string) => (existsSync(file) ? statSync(file).mtimeMs : 0);
  const installed = join(here, 'node_modules/.package-lock.json');
  if (modifiedMs(join(here, 'package-lock.json')) <= modifiedMs(installed)) return;
  console.log('Installing the tools of this check (once) …');
  await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], here);
}

async function checksIn(folder: string): Promise<readonly Check[]> {
  const api = { isUpdate, workFolder: join(folder, 'api') };
  const project = join(folder, 'project');
  const tarball = await pack('packages/registry', folder);
  const command = await pack('packages/server', folder);
  const create = await pack('packages/create-moorage', folder);
  await installInto(project, tarball);
  return [
    { name: 'contents of the command’s tarball', run: () => checkCommandContents(command) },
    { name: 'npx moorage serve, push and pull', run: () => checkNpx(join(folder, 'npx'), [tarball, command]) },
    { name: 'npm create moorage', run: () => checkCreate(join(folder, 'create'), create) },
    { name: 'reports of the API', run: () => checkReports(api, limits.unnamedTypes) },
    { name: 'docs/reference.md', run: () => checkReference(api) },
    { name: 'contents of the tarball', run: () => checkContents(tarball) },
    { name: 'publint', run: () => checkWithPublint(tarball) },
    { name: 'attw', run: () => checkWithAttw(tarball) },
    { name: 'installation', run: () => checkInstallation(project, limits.installation) },
    { name: 'imports', run: () => checkImports(project, subpaths, limits.imports) },
    ...nodes().flatMap((node) => servingChecks(project, node)),
  ];
}

/** Every Node that the package promises to run on, oldest first: two are packages of this folder, the last is the repository's own. */
function nodes(): readonly { readonly version: string; readonly node: string }[] {
  const packaged = ['22', '24'].map((version) => ({
    version,
    node: join(here, `node_modules/node-${version}-${process.platform}-${process.arch}/bin/node`),
  }));
  for (const { version, node } of packaged) {
    if (!existsSync(node)) console.log(`Node ${version} is left out: none is packaged for this platform.`);
  }
  return [...packaged.filter(({ node }) => existsSync(node)), { version: '26', node: process.execPath }];
}

function servingChecks(project: string, { version, node }: { readonly version: string; readonly node: string }) {
  const quiet = ['--disable-warning=ExperimentalWarning'];
  return [
    ...documents.map((file) => ({
      name: `the lines of ${file} on Node ${version}`,
      run: () => checkServing(project, servingLines(file), { node, args: [], isInline: false }),
    })),
    {
      name: `nothing is printed with --disable-warning=ExperimentalWarning on Node ${version}`,
      run: () => checkServing(project, servingLines(smallest), { node, args: quiet, isInline: false }),
    },
    ...inlineStarts.map(({ title, args }) => ({
      name: `the lines of ${smallest} ${title} on Node ${version}`,
      run: () => checkServing(project, servingLines(smallest), { node, args, isInline: true }),
    })),
  ];
}
