import { existsSync, globSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import type { Findings } from './findings.ts';
import { run, tryRun } from './run.ts';
import { here, root } from './subpaths.ts';

/** The tarball that would be published. */
export interface Tarball {
  readonly file: string;
  /** Paths inside the package. */
  readonly contents: readonly string[];
}

/** Builds packages, each by its folder in the repository; what an older build left of sources that are gone is removed. Throws what the compiler says. */
export async function build(packageFolders: readonly string[]): Promise<void> {
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', ...packageFolders], root);
  for (const packageFolder of packageFolders) {
    const dist = join(root, packageFolder, 'dist');
    for (const file of globSync('**/*.{js,js.map,d.ts}', { cwd: dist })) {
      const source = file.replace(/\.(js|js\.map|d\.ts)$/, '.ts');
      if (!existsSync(join(root, packageFolder, 'src', source))) rmSync(join(dist, file));
    }
  }
}

/** Packs the package of a folder of the repository into `folder`. */
export async function pack(packageFolder: string, folder: string): Promise<Tarball> {
  const args = ['pack', '--json', '--silent', '--pack-destination', folder];
  const output = await run('npm', args, resolve(root, packageFolder));
  const [packed]: readonly [{ filename: string; files: readonly { path: string }[] }] = JSON.parse(output);
  return { file: join(folder, packed.filename), contents: packed.files.map(({ path }) => path) };
}

/** Paths that a package would be published with. */
export async function listPacked(packageFolder: string): Promise<readonly string[]> {
  const output = await run('npm', ['pack', '--json', '--silent', '--dry-run'], resolve(root, packageFolder));
  const [packed]: readonly [{ files: readonly { path: string }[] }] = JSON.parse(output);
  return packed.files.map(({ path }) => path);
}

/** The tarball holds what it needs and nothing else. */
export function checkContents({ contents }: Tarball): Findings {
  const needed = ['LICENSE', 'README.md', 'package.json'];
  const unneeded = contents.filter((path) => !needed.includes(path) && !/^dist\/.*\.(js|d\.ts)$/.test(path));
  return {
    notes: [`${contents.length} files`],
    faults: [
      ...needed.filter((path) => !contents.includes(path)).map((path) => `${path} is missing.`),
      ...(unneeded.length === 0
        ? []
        : [`${unneeded.length} files are of no use to who installs it: ${unneeded.slice(0, 3).join(', ')} …`]),
    ],
  };
}

/** publint finds nothing. */
export function checkWithPublint({ file }: Tarball): Promise<Findings> {
  return checkWith('publint/src/cli.js', ['run', file, '--strict']);
}

/** Are The Types Wrong? finds that every subpath resolves, with its types, from ES modules: the package has no others. */
export function checkWithAttw({ file }: Tarball): Promise<Findings> {
  const options = ['--profile', 'esm-only', '--no-definitely-typed', '--no-color', '--no-emoji'];
  return checkWith('@arethetypeswrong/cli/dist/index.js', [file, ...options]);
}

async function checkWith(script: string, args: readonly string[]): Promise<Findings> {
  const { code, output } = await tryRun(process.execPath, [join(here, 'node_modules', script), ...args], here);
  return { faults: code === 0 ? [] : [output] };
}
