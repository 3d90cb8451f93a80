import { mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { replaceFile } from '../../replace-file.ts';

/** Which upload a session is of. */
export interface UploadKey {
  /** Of the registry: `http://127.0.0.1:5000`. */
  readonly origin: string;
  readonly repository: string;
  readonly digest: string;
}

/** Knows the sessions that are under way, so that the next run of a command that was cut off goes on with them. Of a file that cannot be read or written nothing is known:
 *  the upload then begins anew. Two commands at the same time may lose each other's last note, which costs no more. */
export interface UploadMemory {
  /** Where the session of an upload was last seen. */
  find(key: UploadKey): Promise<string | undefined>;
  remember(key: UploadKey, url: string): Promise<void>;
  forget(key: UploadKey): Promise<void>;
}

interface Entry {
  readonly url: string;
  readonly usedMs: number;
}

/** Sessions of registries live for hours, or a few days. */
const keptMs = 7 * 24 * 60 * 60 * 1000;
const mostEntries = 500;

/** `$XDG_CACHE_HOME/moorage/uploads.json`, else the same under `~/.cache`. */
export function uploadsFile(environment: NodeJS.ProcessEnv): string {
  const cache = environment['XDG_CACHE_HOME'] || join(environment['HOME'] || homedir(), '.cache');
  return join(cache, 'moorage/uploads.json');
}

/** Keeps the sessions in a file for its owner alone (mode 0600). It holds addresses of sessions and never a credential: to go on with one wants the right to push. */
export function createUploadMemory(file: string, now: () => number = Date.now): UploadMemory {
  let writing: Promise<unknown> = Promise.resolve();
  const change = (act: (entries: Map<string, Entry>) => void) => {
    const next = writing.then(async () => {
      const entries = await readEntries(file);
      act(entries);
      await writeEntries(file, entries, now());
    });
    writing = next.catch(() => undefined); // a file system that is full or read-only
    return writing.then(() => undefined);
  };
  return {
    async find(key) {
      await writing;
      const entry = (await readEntries(file)).get(nameOf(key));
      return entry !== undefined && entry.usedMs > now() - keptMs ? entry.url : undefined;
    },
    remember: (key, url) => change((entries) => entries.set(nameOf(key), { url, usedMs: now() })),
    forget: (key) => change((entries) => entries.delete(nameOf(key))),
  };
}

function nameOf({ origin, repository, digest }: UploadKey): string {
  return `${origin}/${repository}@${digest}`;
}

async function readEntries(file: string): Promise<Map<string, Entry>> {
  try {
    const { uploads } = JSON.parse(await readFile(file, 'utf8')) as { uploads: Record<string, Entry> };
    return new Map(
      Object.entries(uploads).filter(([, { url, usedMs }]) => URL.canParse(url) && Number.isFinite(usedMs)),
    );
  } catch {
    return new Map(); // no file yet, or one that somebody else wrote
  }
}

async function writeEntries(file: string, entries: ReadonlyMap<string, Entry>, nowMs: number): Promise<void> {
  const kept = [...entries].filter(([, { usedMs }]) => usedMs > nowMs - keptMs).slice(-mostEntries);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await replaceFile(file, `${JSON.stringify({ uploads: Object.fromEntries(kept) }, undefined, 2)}\n`);
}
