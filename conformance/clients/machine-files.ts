import { access, constants, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../run-command.ts';

export type MachineFile = { readonly path: string; readonly sizeBytes: number };

/** The readable regular files below the directories, in byte order of their paths, so that a machine gives the same list each time. */
export async function* walkFiles(...directories: readonly string[]): AsyncGenerator<MachineFile> {
  for (const directory of directories) {
    const entries = await readdir(directory, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(directory, entry.name);
      if (!(await isReadable(path))) continue;
      if (entry.isDirectory()) yield* walkFiles(path);
      if (entry.isFile()) yield { path, sizeBytes: (await stat(path)).size };
    }
  }
}

/** Takes files from the walk until they fill the budget to 99 percent; a file that is too large for what is left is passed over.
 *  The walk goes on where it stopped, so that two layers from one walk have no file in common. */
export async function takeFiles(walk: AsyncGenerator<MachineFile>, budgetBytes: number): Promise<string[]> {
  const paths: string[] = [];
  let leftBytes = budgetBytes;
  while (leftBytes > budgetBytes / 100) {
    const { value } = await walk.next();
    if (value === undefined) break;
    if (value.sizeBytes > leftBytes) continue;
    paths.push(value.path);
    leftBytes -= value.sizeBytes;
  }
  return paths;
}

/** Writes a tar archive of the files that depends on nothing but their names, modes and bytes. */
export async function packFiles(archive: string, paths: readonly string[]): Promise<void> {
  const names = paths.map((path) => `${path.slice(1)}\0`).join('');
  const fixed = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--hard-dereference'];
  const list = ['--directory=/', '--no-recursion', '--null', '--verbatim-files-from', '--files-from=-'];
  await runCommand('tar', ['--create', `--file=${archive}`, '--format=gnu', ...fixed, ...list], { input: names });
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false, // a dangling link, or a file of another user
  );
}
