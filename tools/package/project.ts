import { globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Findings, overLimit } from './findings.ts';
import { run } from './run.ts';
import type { Tarball } from './tarball.ts';

/** What is held of what an installation brings. */
export interface InstallLimits {
  /** Every package that it brings, itself included. */
  readonly packages: readonly string[];
  /** Sum of the files of the package itself, in bytes. */
  readonly packageBytes: number;
  /** Sum of the files of all that is installed, in bytes. */
  readonly installedBytes: number;
}

/** Installs the tarball into an empty project, as anybody would. */
export async function installInto(folder: string, { file }: Tarball): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', file], folder);
}

/** The installation brings the packages that are named, and not more bytes than are allowed. */
export function checkInstallation(folder: string, limits: InstallLimits): Findings {
  const modules = join(folder, 'node_modules');
  const lock: { packages: Record<string, unknown> } = JSON.parse(
    readFileSync(join(modules, '.package-lock.json'), 'utf8'),
  );
  const packages = Object.keys(lock.packages).map((path) => path.replace(/^node_modules\//, ''));
  const packageBytes = bytesBelow(join(modules, '@moorage/registry'));
  const installedBytes = bytesBelow(modules);
  return {
    notes: [`${packages.length} packages, ${installedBytes} bytes; of these its own: ${packageBytes}`],
    faults: [
      ...differentPackages(packages, limits.packages),
      ...overLimit('Bytes of the package', packageBytes, limits.packageBytes),
      ...overLimit('Bytes of all that is installed', installedBytes, limits.installedBytes),
    ],
  };
}

/** What is installed and should not be, and the other way round. */
export function differentPackages(installed: readonly string[], allowed: readonly string[]): readonly string[] {
  return [
    ...installed.filter((name) => !allowed.includes(name)).map((name) => `${name} is installed, too.`),
    ...allowed.filter((name) => !installed.includes(name)).map((name) => `${name} is not installed.`),
  ];
}

function bytesBelow(folder: string): number {
  return globSync('**', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
