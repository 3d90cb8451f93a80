import { copyFileSync, cpSync, existsSync, globSync, mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { listPacked } from '../package/tarball.ts';

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Where the packages of the workspace lie, by their names. */
const workspace: Readonly<Record<string, string>> = {
  moorage: 'packages/server',
  '@moorage/registry': 'packages/registry',
};

/** Puts the server and all that it depends on below `modules`, a folder `node_modules`: the packages of the workspace as npm packs them, the others as they are installed in the repository at `root`. Optional ones that
 *  are not installed, such as those of other platforms, are left out. Returns where native parts lie, below `modules`. */
export async function copyPackages(root: string, modules: string): Promise<readonly string[]> {
  const copied = new Set<string>();
  const queue = [{ folder: join(root, 'packages/server'), target: join(modules, 'moorage') }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { folder, target } = next;
    if (copied.has(target)) continue;
    copied.add(target);
    const manifest: Manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const own = workspace[manifest.name];
    if (own === undefined) copyInstalled(folder, target);
    else await copyPacked(join(root, own), target);
    for (const [name, isOptional] of dependenciesOf(manifest)) {
      const found = findInstalled(root, folder, name);
      if (found === undefined && isOptional) continue;
      if (found === undefined) throw new Error(`${name}, which ${manifest.name} needs, is not installed: npm ci`);
      queue.push({ folder: found, target: targetOf(root, modules, found) });
    }
  }
  return globSync('**/*.node', { cwd: modules });
}

function dependenciesOf({ dependencies = {}, optionalDependencies = {} }: Manifest): readonly [string, boolean][] {
  const names = Object.keys({ ...dependencies, ...optionalDependencies }).sort();
  return names.map((name) => [name, name in optionalDependencies]);
}

/** As Node finds it: in the nearest `node_modules` above. */
function findInstalled(root: string, from: string, name: string): string | undefined {
  const candidate = join(from, 'node_modules', name);
  if (existsSync(join(candidate, 'package.json'))) return candidate;
  return from === root ? undefined : findInstalled(root, dirname(from), name);
}

/** The place that a package has in the repository: beside all others, or inside of the one that has it for itself. */
function targetOf(root: string, modules: string, found: string): string {
  const server = join(root, 'packages/server');
  if (found.startsWith(`${server}/`)) return join(modules, 'moorage', relative(server, found));
  return join(modules, relative(join(root, 'node_modules'), found));
}

async function copyPacked(folder: string, target: string): Promise<void> {
  for (const path of await listPacked(folder)) {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    copyFileSync(join(folder, path), join(target, path));
  }
}

/** Without what is installed inside of it, of which only what is needed follows. */
function copyInstalled(folder: string, target: string): void {
  const source = realpathSync(folder);
  cpSync(source, target, {
    recursive: true,
    filter: (path) => relative(source, path).split('/')[0] !== 'node_modules',
  });
}
