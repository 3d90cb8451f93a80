import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Findings, overLimit } from './findings.ts';
import { here, type Subpath } from './subpaths.ts';

/** What an import may cost: files loaded and their bytes, and processor time as a multiple of an empty process's. */
export interface ImportLimits {
  readonly files: number;
  readonly bytes: number;
  readonly timeRatio: number;
}

/** How many processes each time is the best of. */
const rounds = 7;

/** No subpath costs more at import than its limit, in a process of its own on this Node. `project` has the package installed. */
export async function checkImports(
  project: string,
  subpaths: readonly Subpath[],
  limits: Readonly<Record<string, ImportLimits>>,
): Promise<Findings> {
  const empty = writeProgram(project, 'empty', '');
  const programs = subpaths.map(({ specifier, name }) => ({
    specifier,
    program: writeProgram(project, name, `import '${specifier}';\n`),
  }));
  const times = bestTimes([empty, ...programs.map(({ program }) => program)]);
  const emptyMs = times.get(empty) ?? Number.NaN;
  const results = [];
  for (const { specifier, program } of programs) {
    const loaded = await filesLoaded(program);
    const bytes = loaded.reduce((sum, file) => sum + statSync(file).size, 0);
    const timeMs = times.get(program) ?? Number.NaN;
    results.push({ specifier, loaded, bytes, timeMs, timeRatio: Number((timeMs / emptyMs).toFixed(2)) });
  }
  return {
    notes: [
      `an empty process: ${emptyMs.toFixed(1)} ms of processor time, the best of ${rounds}`,
      ...results.map(
        ({ specifier, loaded, bytes, timeMs, timeRatio }) =>
          `${specifier}: ${loaded.length} files (${byPackage(loaded)}), ${bytes} bytes, ${timeMs.toFixed(1)} ms, ratio ${timeRatio}`,
      ),
    ],
    faults: results.flatMap(({ specifier, loaded, bytes, timeRatio }) => [
      ...overLimit(`Files that ${specifier} loads`, loaded.length, limits[specifier]?.files),
      ...overLimit(`Bytes that ${specifier} loads`, bytes, limits[specifier]?.bytes),
      ...overLimit(`Processor time of ${specifier} to an empty process`, timeRatio, limits[specifier]?.timeRatio),
    ]),
  };
}

function writeProgram(project: string, name: string, code: string): string {
  const program = join(project, `import-${name}.js`);
  writeFileSync(program, code);
  return program;
}

/** Milliseconds of processor time, the best of several: taken in turns, so that a busy moment of the machine hits all alike. */
function bestTimes(programs: readonly string[]): ReadonlyMap<string, number> {
  const preload = join(here, 'preload/processor-time.js');
  const best = new Map<string, number>();
  for (let round = 0; round < rounds; round += 1) {
    for (const program of programs) {
      const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', preload, program], {
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`${program} ended with ${status}:\n${stderr}`);
      best.set(program, Math.min(Number(stdout), best.get(program) ?? Number.POSITIVE_INFINITY));
    }
  }
  return best;
}

/** The files that a program loads, without its own. */
async function filesLoaded(program: string): Promise<readonly string[]> {
  const preload = join(here, 'preload/loaded.js');
  const child = spawn(process.execPath, ['--import', preload, program], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    timeout: 60_000,
  });
  const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (!Array.isArray(message)) throw new Error(`${program} ended before it told what it loaded.`);
  return message.map((url: string) => fileURLToPath(url)).filter((file) => file !== program);
}

/** `74 of @moorage/registry, 40 of jose`. */
function byPackage(files: readonly string[]): string {
  const groups = Map.groupBy(files, (file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? 'elsewhere');
  return [...groups].map(([name, { length }]) => `${length} of ${name}`).join(', ');
}
