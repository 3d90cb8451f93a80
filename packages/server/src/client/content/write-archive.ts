// The bytes of an archive depend on names, contents and kinds alone: not on times, owners, the umask or the order in which a file system lists its names.
import type { Stats } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { Header, Pax } from 'tar';
import { ExitError } from '../../exit-error.ts';
import { isPrintable } from './entry-name.ts';
import { readStable, refuse } from './stable-file.ts';
import type { TreeEntry } from './walk-tree.ts';

const blockBytes = 512;
const specialBits = 0o7000;
const stickyBit = 0o1000;

export type ArchiveOptions = {
  /** Stands before each name: empty, or ends in `/`. */
  readonly prefix: string;
  /** The time of every entry, in seconds since 1970. */
  readonly timeSeconds: number;
  /** `plain`: 0644, and 0755 for directories and what its owner may run; `special` keeps setuid, setgid and the sticky bit too; `all` keeps every bit. */
  readonly modes: 'plain' | 'special' | 'all';
  /** Whether names of one file become links to the first of them; else each is a copy. */
  readonly hardLinks: boolean;
};

/** A tar archive (ustar, with pax records for what ustar cannot say) of the entries in their order, all owned by 0:0. */
export async function* writeArchive(
  entries: AsyncIterable<TreeEntry>,
  { prefix, timeSeconds, modes, hardLinks }: ArchiveOptions,
): AsyncGenerator<Uint8Array> {
  const mtime = new Date(timeSeconds * 1000);
  const firstNames = new Map<string, string>();
  for await (const entry of entries) {
    const { state, kind } = entry;
    const path = `${prefix}${entry.path}`;
    const fields = { path, mtime, mode: modeOf(entry, modes), size: 0 };
    if (kind === 'directory') {
      yield encodeHeader({ ...fields, path: `${path}/`, type: 'Directory' });
      continue;
    }
    if (kind === 'symlink') {
      yield encodeHeader({ ...fields, type: 'SymbolicLink', linkpath: await targetOf(entry.file) });
      continue;
    }
    if (hardLinks && state.nlink > 1) {
      const key = `${state.dev}:${state.ino}`;
      const first = firstNames.get(key);
      if (first !== undefined) {
        yield encodeHeader({ ...fields, type: 'Link', linkpath: first });
        continue;
      }
      firstNames.set(key, path);
    }
    yield encodeHeader({ ...fields, type: 'File', size: state.size });
    yield* readStable(entry.file, state);
    yield new Uint8Array((blockBytes - (state.size % blockBytes)) % blockBytes);
  }
  yield new Uint8Array(2 * blockBytes);
}

type HeaderFields = {
  readonly path: string;
  readonly mtime: Date;
  readonly mode: number;
  readonly size: number;
  readonly type: 'File' | 'Directory' | 'SymbolicLink' | 'Link';
  readonly linkpath?: string;
};

function encodeHeader(fields: HeaderFields): Uint8Array {
  const block = Buffer.alloc(blockBytes);
  const header = new Header({ ...fields, uid: 0, gid: 0, uname: '', gname: '' });
  if (!header.encode(block)) return block;
  const { path, size, linkpath } = fields;
  return Buffer.concat([new Pax({ path, size, ...(linkpath === undefined ? {} : { linkpath }) }).encode(), block]);
}

function modeOf({ kind, state }: TreeEntry, modes: ArchiveOptions['modes']): number {
  if (kind === 'symlink') return 0o777;
  if (modes === 'all') return state.mode & 0o7777;
  return plainMode(kind, state) | (modes === 'special' ? state.mode & specialBits : 0);
}

function plainMode(kind: TreeEntry['kind'], { mode }: Stats): number {
  // What the sticky bit is for: everyone may write to such a directory.
  if (kind === 'directory') return (mode & (stickyBit | 0o002)) === (stickyBit | 0o002) ? 0o777 : 0o755;
  return (mode & 0o100) === 0 ? 0o644 : 0o755;
}

async function targetOf(file: string): Promise<string> {
  const target = await readlink(file).catch((error: unknown) => refuse(file, error));
  if (isPrintable(target)) return target;
  throw new ExitError(`${file} is a link to ${JSON.stringify(target)}: others could not read such a name.`);
}
