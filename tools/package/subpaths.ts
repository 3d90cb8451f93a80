import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const root: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** This folder, which has packages of its own. */
export const here: string = join(root, 'tools/package');

/** The package that is published. */
export const packageFolder: string = join(root, 'packages/registry');

/** What can be imported from the package. */
export interface Subpath {
  /** As it stands in an import, such as `@moorage/registry/sqlite`. */
  readonly specifier: string;
  /** For files: `sqlite`, or `index` for the package itself. */
  readonly name: string;
  /** The built declarations. */
  readonly types: string;
}

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, { readonly types: string }>>;
}

const manifest: Manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));

/** Every subpath of the package's `exports`, in its order. */
export const subpaths: readonly Subpath[] = Object.entries(manifest.exports).map(([path, { types }]) => ({
  specifier: manifest.name + path.slice(1),
  name: path === '.' ? 'index' : path.slice(2).replaceAll('/', '-'),
  types: join(packageFolder, types),
}));

/** How the built declarations are read, by the compiler and by API Extractor: as an application would. */
export const compilerOptions = {
  module: 'nodenext',
  target: 'es2024',
  lib: ['es2024', 'esnext.array', 'esnext.disposable', 'esnext.iterator'],
  types: ['node'],
  strict: true,
  skipLibCheck: true,
} as const;
