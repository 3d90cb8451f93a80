// Makes an image of the server without docker and pushes it: `npm run image -- [HOST/]NAME:TAG [--platform linux/amd64] [FLAGS of moorage push]`.
// The last line on stdout is the reference with its digest, which is the same for the same clone on the same machine.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { places, userId, withFileSystem } from './image/file-system.ts';
import { build } from './package/tarball.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

try {
  const { reference, platforms, flags } = parse(process.argv.slice(2));
  const platform = ownPlatform();
  const others = platforms.filter((wanted) => wanted !== platform);
  if (others.length > 0) {
    console.error(
      `${others.join(', ')} is left out: the C libraries and Node's own binary come from this machine, which is ${platform}. Run this on a machine of that platform, under a tag of its own.`,
    );
  }
  if (platforms.length > 0 && others.length === platforms.length) throw new Error('No platform is left to make.');
  await build(['packages/registry', 'packages/server']);
  await withFileSystem(root, async (directory) => push(directory, [reference, '--platform', platform, ...flags]));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** What was typed. `--platform` is read here; all other flags are for the push. */
function parse(words: readonly string[]) {
  const at = words.findIndex((word) => word === '--platform' || word.startsWith('--platform='));
  const isApart = words[at] === '--platform';
  const text = at < 0 ? '' : isApart ? (words[at + 1] ?? '') : (words[at]?.slice('--platform='.length) ?? '');
  const [reference, ...flags] = at < 0 ? words : words.toSpliced(at, isApart ? 2 : 1);
  if (reference === undefined || reference.startsWith('-')) {
    throw new Error('Name the image: npm run image -- [HOST/]NAME:TAG [--platform linux/amd64,linux/arm64]');
  }
  return { reference, platforms: text.split(',').filter((platform) => platform !== ''), flags };
}

function ownPlatform(): string {
  const architecture = architectures[process.arch];
  if (process.platform === 'linux' && architecture !== undefined) return `linux/${architecture}`;
  throw new Error(
    `An image is for linux, and its files come from the machine that makes it: this is ${process.platform}.`,
  );
}

function push(directory: string, words: readonly string[]): void {
  const { version, license } = JSON.parse(readFileSync(join(root, 'packages/server/package.json'), 'utf8'));
  const labels = { title: 'Moorage', version, licenses: license };
  const runs = [
    ...['--as', 'image', '--entrypoint', places.node, '--entrypoint', places.command, '--cmd', 'serve'],
    ...['--env', 'PATH=/usr/local/bin', '--env', 'MOORAGE_LISTEN=:5000', '--env', `MOORAGE_DATA=${places.data}`],
    ...['--user', `${userId}:${userId}`, '--workdir', places.data, '--port', '5000'],
    ...Object.entries(labels).flatMap(([name, value]) => ['--label', `org.opencontainers.image.${name}=${value}`]),
  ];
  const command = join(root, 'packages/server/bin/moorage.js');
  const args = ['--conditions=moorage-source', command, 'push', directory, ...words, ...runs];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) throw new Error('The image was not pushed.');
}
