// Starts an example: `npm run example NAME`; without a name, lists them. PORT and DATA say where it listens and keeps its data (3000, and `data` in its folder).
import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { copiesLibrary, installPackages } from './install-packages.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** An example's folder, and what its package.json says. */
interface Example {
  readonly name: string;
  readonly directory: string;
  readonly description: string;
  readonly start: string;
}

const examples: readonly Example[] = globSync('examples/*/package.json', { cwd: root })
  .map((file) => {
    const directory = dirname(join(root, file));
    const { description, scripts } = JSON.parse(readFileSync(join(root, file), 'utf8'));
    return { name: basename(directory), directory, description, start: scripts.start };
  })
  .sort((one, other) => (one.name < other.name ? -1 : 1));

const [wanted] = process.argv.slice(2);
const example = examples.find(({ name }) => name === wanted);
if (example !== undefined) {
  // The packages of examples without a lock file are among the root's.
  if (existsSync(join(example.directory, 'package-lock.json'))) installPackages(example.directory);
  start(example);
} else if (wanted === undefined) {
  console.log(list());
} else {
  console.error(`There is no example ${wanted}. There are:\n${list()}`);
  process.exitCode = 1;
}

function list(): string {
  return examples.map(({ name, description }) => `npm run example ${name.padEnd(10)} ${description}`).join('\n');
}

/** Runs the start script until it ends, or a signal to this process ends it. */
function start({ directory, start: script }: Example): void {
  const { PATH = '', PORT = '3000', DATA, INIT_CWD = process.cwd() } = process.env;
  const child = spawn(script, {
    shell: true,
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a process group of its own, so that a signal reaches what the shell started
    env: {
      ...process.env,
      PATH: [join(directory, 'node_modules/.bin'), join(root, 'node_modules/.bin'), PATH].join(delimiter),
      // The sources, but where an example has a copy of the library as it is published.
      ...(copiesLibrary(directory) ? {} : { NODE_OPTIONS: '--conditions=moorage-source' }),
      PORT,
      DATA: DATA === undefined ? join(directory, 'data') : resolve(INIT_CWD, DATA),
    },
  });
  child.stdout.pipe(process.stdout);
  child.stderr.pipe(process.stderr);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    });
  }
  // The shell may end before what it started, which then still holds its output open.
  child.on('close', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
}
