import { open, stat } from 'node:fs/promises';
import { ExitError } from '../exit-error.ts';
import { type HtpasswdEntries, parseHtpasswd } from './htpasswd-file.ts';

/** Longest file that is read, in bytes: a line is about 80. */
const maximumBytes = 16 * 1024 * 1024;

/** How often the file is looked at, at the most. */
const lookEveryMs = 1000;

/** Reads an htpasswd file, again when it changed. */
export interface HtpasswdReader {
  /** Reads the file for the first time; rejects with an `ExitError` that says what to do where it cannot be read or holds a line that is not good. `whyTaken`: see `parseHtpasswd`. */
  load(whyTaken: (name: string) => string | undefined): Promise<void>;
  /** What the file says, at most a second ago. Of one that has become bad the log is told once, and the last good one goes on. */
  current(): Promise<HtpasswdEntries>;
}

/** What a file is read with. */
export interface HtpasswdReaderNeeds {
  readonly path: string;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  now(): number;
}

export function createHtpasswdReader({ path, log, now }: HtpasswdReaderNeeds): HtpasswdReader {
  let entries: HtpasswdEntries = new Map();
  /** The file as it was when it was read. A file may change twice in one tick of its clock: one that was written just before is read again. */
  let seen: string | undefined;
  /** What was told of a file that is bad. */
  let told: string | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      const stamp = [ino, size, mtimeNs, ctimeNs].join(' ');
      if (stamp === seen) return;
      const read = parseHtpasswd(await readText(path), { path, whyTaken: () => undefined });
      if (!isSame(read, entries)) log.info({ path, users: read.size }, 'htpasswd file read again');
      entries = read;
      seen = Date.now() - Number(mtimeNs / 1_000_000n) > 2 * lookEveryMs ? stamp : undefined;
      told = undefined;
    } catch (error) {
      const reason = reasonOf(error);
      if (told !== reason) log.warn({ path, reason }, 'htpasswd file is not good: the last good one goes on');
      told = reason;
      seen = undefined;
    }
  }

  return {
    async load(whyTaken) {
      try {
        entries = parseHtpasswd(await readText(path), { path, whyTaken });
      } catch (cause) {
        if (cause instanceof ExitError) throw cause;
        throw new ExitError(`The file that htpasswd names cannot be read: ${reasonOf(cause)}.`, { cause });
      }
    },
    async current() {
      const nowMs = now();
      // A clock that was set back must not stop it.
      if (Math.abs(nowMs - lookedMs) >= lookEveryMs) {
        lookedMs = nowMs;
        looking = looking.then(look);
      }
      await looking;
      return entries;
    },
  };
}

function isSame(one: HtpasswdEntries, other: HtpasswdEntries): boolean {
  return one.size === other.size && [...one].every(([name, hash]) => other.get(name) === hash);
}

async function readText(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size > maximumBytes) throw new Error(`${path} has more than ${maximumBytes} bytes`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
