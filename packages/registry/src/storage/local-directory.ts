import type * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError } from './error.ts';

/** The owner writes, the group may read (a backup, a web server that sends files), others see nothing. */
export const DIRECTORY_MODE = 0o750;

/** Network file systems by the number that Linux's `statfs` gives them. That bytes are on a disk is another machine's word there (an NFS export with
 *  `async`, SMB without write-through), and moving or removing an open file means something else. What a virtual machine or a container shares with
 *  its host (9p, virtiofs, FUSE) is let through: whole containers live on it. */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'SMB (CIFS)'],
  [0xfe534d42, 'SMB 2'],
]);

/** What making a directory asks of its host. */
export interface DirectoryHost {
  readonly files: Pick<typeof fs, 'mkdir' | 'statfs'>;
  /** When it returns, the names in the directory have survived a power cut. */
  flush(path: string): Promise<void>;
}

/** Makes `directory` and what is missing above it, and makes all their names durable. `unavailable`, with what to do, where the place is a file, cannot be
 *  written or is on a network. */
export async function makeLocalDirectory(directory: string, { files, flush }: DirectoryHost): Promise<void> {
  try {
    const firstMade = await files.mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    await refuseNetwork(directory, files);
    if (firstMade === undefined) return;
    for (let path = directory; path.length >= firstMade.length; path = dirname(path)) await flush(dirname(path));
  } catch (error) {
    throw toDirectoryRefusal(error, directory);
  }
}

async function refuseNetwork(directory: string, files: DirectoryHost['files']): Promise<void> {
  if (process.platform !== 'linux') return; // elsewhere the numbers mean something else
  const network = NETWORK_FILE_SYSTEMS.get((await files.statfs(directory)).type);
  if (network === undefined) return;
  throw new StorageError(
    'unavailable',
    `${directory} is on a network file system (${network}), which may lose what it confirmed. Keep the registry's data on a local disk, or in a database and an object store.`,
  );
}

/** What the host's refusal of a directory means, with what to do; any other error as it is. */
export function toDirectoryRefusal(error: unknown, directory: string): unknown {
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'EEXIST':
    case 'ENOTDIR':
      return new StorageError('unavailable', `${directory}, or a part of it, is a file. Choose another directory.`, {
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StorageError(
        'unavailable',
        `${directory} cannot be written. Let the user that runs the registry write there, or choose another directory.`,
        { cause: error },
      );
    default:
      return error;
  }
}
