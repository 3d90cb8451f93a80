// Installs what `npm run conformance`, `npm run clients` and the endurance run use and this machine lacks.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages } from '../tools/install-packages.ts';
import { hostsDirectory } from './hosts/hosts.ts';
import { runCommand, tryCommand } from './run-command.ts';
import { debianPackages, goProgramDirectory, goPrograms } from './tools.ts';

type GoProgram = (typeof goPrograms)[number];

async function installGoProgram({ name, path, version }: GoProgram): Promise<void> {
  const file = join(goProgramDirectory, name);
  if (existsSync(file)) {
    const { stdout } = await tryCommand('go', ['version', '-m', file]);
    const module = stdout.split('\n').find((line) => line.startsWith('\tmod\t'));
    if (module?.split('\t')[3] === version) return console.log(`${name} ${version} is there`);
  }
  console.log(`${name} ${version}: building …`);
  await runCommand('go', ['install', `${path}@${version}`], { timeoutMs: 900_000 });
  console.log(`${name} ${version} is installed in ${goProgramDirectory}`);
}

async function installDebianPackages(): Promise<void> {
  const found = await Promise.all(
    debianPackages.map(async (name) => ({ name, ...(await tryCommand('sh', ['-c', `command -v ${name}`])) })),
  );
  const missing = found.filter(({ exitCode }) => exitCode !== 0).map(({ name }) => name);
  if (missing.length === 0) return console.log(`${debianPackages.join(', ')} are there`);
  if (process.getuid?.() !== 0)
    throw new Error(`Run as root: apt-get install --no-install-recommends ${missing.join(' ')}`);
  console.log(`Debian packages ${missing.join(', ')}: installing …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await runCommand('apt-get', ['update', '--quiet'], { env, timeoutMs: 300_000 });
  await runCommand('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...missing], {
    env,
    timeoutMs: 600_000,
  });
  console.log(`${missing.join(', ')} are installed`);
}

/** Frameworks and runtimes that only the hosts need, in folders of their own. */
async function installHostPackages(folder: 'runtimes' | 'next'): Promise<void> {
  installPackages(join(hostsDirectory, folder));
  console.log(`The packages of conformance/hosts/${folder} are there`);
}

const results = await Promise.allSettled([
  installDebianPackages(),
  installHostPackages('runtimes'),
  installHostPackages('next'),
  ...goPrograms.map(installGoProgram),
]);
const failures = results.filter((result) => result.status === 'rejected');
for (const { reason } of failures) console.error(reason instanceof Error ? reason.message : reason);
process.exitCode = failures.length === 0 ? 0 : 1;
