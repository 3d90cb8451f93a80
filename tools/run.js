// Runs a script of this repository on the Node that the repository pins, whatever Node started it (18 or later).
// Installs the dependencies first when the lock file is newer than what is installed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [script, ...rest] = process.argv.slice(2);

const modifiedMs = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);
if (modifiedMs(join(root, 'package-lock.json')) > modifiedMs(join(root, 'node_modules/.package-lock.json'))) {
  console.error('Installing the dependencies (once) …');
  const install = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (install.status !== 0) process.exit(install.status ?? 1);
}

const pinned = join(root, 'node_modules/.bin/node');
if (!existsSync(pinned)) {
  console.error(
    `No Node is packaged for ${process.platform}-${process.arch}: install Node 26 and run "node -C moorage-source ${script}".`,
  );
  process.exit(1);
}
const child = spawn(pinned, ['--conditions=moorage-source', join(root, script), ...rest], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
