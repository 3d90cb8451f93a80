import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** What a process and those that it started hold: resident memory in bytes (`VmRSS`), and open files, sockets among them. Linux only. */
export type Figures = { readonly residentBytes: number; readonly openFiles: number };

const none: Figures = { residentBytes: 0, openFiles: 0 };

/** Reads the figures of a process and of its descendants. Throws when the process has ended. */
export async function readFigures(pid: number): Promise<Figures> {
  const [status, files, children] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readdir(`/proc/${pid}/fd`),
    listChildren(pid),
  ]);
  const kibibytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  if (Number.isNaN(kibibytes)) throw new Error(`/proc/${pid}/status tells no VmRSS.`);
  let { residentBytes, openFiles } = { residentBytes: kibibytes * 1024, openFiles: files.length };
  // A child that has ended meanwhile holds nothing.
  for (const figures of await Promise.all(children.map((child) => readFigures(child).catch(() => none)))) {
    residentBytes += figures.residentBytes;
    openFiles += figures.openFiles;
  }
  return { residentBytes, openFiles };
}

async function listChildren(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const read = (thread: string) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => ''); // it ended meanwhile
  return (await Promise.all(threads.map(read))).flatMap((list) => list.split(' ').filter(Boolean).map(Number));
}

const sampleMs = 50;

/** Runs `work` and returns the most resident memory, in bytes, that the process was seen to have meanwhile. Throws when the process ends. */
export async function peakDuring(pid: number, work: () => Promise<unknown>): Promise<number> {
  let peak = 0;
  let done = false;
  const sample = async () => {
    while (!done) {
      peak = Math.max(peak, (await readFigures(pid)).residentBytes);
      await delay(sampleMs);
    }
  };
  const working = work().finally(() => {
    done = true;
  });
  await Promise.all([working, sample()]);
  return Math.max(peak, (await readFigures(pid)).residentBytes);
}
