import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Loaded by the C library itself when a name is looked up; newer ones have them inside. */
const lookups = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'];

/** Puts the C libraries that programs of this machine load into the file system at `root`, at the places where they are found here, and returns those. Throws a sentence when `ldd` cannot tell. */
export function copyLibraries(programs: readonly string[], root: string): readonly string[] {
  const needed = new Set(programs.flatMap(librariesOf));
  const folder = [...needed].map(dirname).find((directory) => existsSync(join(directory, 'libc.so.6')));
  for (const name of lookups) {
    if (folder !== undefined && existsSync(join(folder, name))) needed.add(join(folder, name));
  }
  const libraries = [...needed].sort();
  for (const library of libraries) {
    mkdirSync(dirname(join(root, library)), { recursive: true });
    copyFileSync(library, join(root, library)); // what a link leads to, under the name of the link
  }
  return libraries;
}

/** `/lib/…` behind the arrow, and the loader, which stands alone. */
function librariesOf(program: string): readonly string[] {
  const { status, stdout, error } = spawnSync('ldd', [program], { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`ldd cannot say what ${program} loads${error === undefined ? '' : ': it is not on this machine'}.`);
  const missing = /^\s*(\S+) => not found/m.exec(stdout);
  if (missing !== null) throw new Error(`${program} needs ${missing[1]}, which is not on this machine.`);
  return [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path = '']) => path);
}
