import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { copyLibraries } from './libraries.ts';
import { copyPackages } from './packages.ts';

/** Where everything lies in the image. */
export const places = {
  node: '/usr/local/bin/node',
  command: '/opt/moorage/node_modules/moorage/bin/moorage.js',
  data: '/data',
} as const;

/** Who runs it: nobody that a host has. */
export const userId = 65_532;

/** Puts the files of the image together in a new directory, from the repository at `root` as it is built; `use` gets it, and then it is removed. */
export async function withFileSystem(root: string, use: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-image-'));
  try {
    const node = join(directory, places.node);
    mkdirSync(dirname(node), { recursive: true });
    copyFileSync(process.execPath, node);
    chmodSync(node, 0o755);
    copyLicense(directory);
    const modules = join(directory, 'opt/moorage/node_modules');
    const natives = await copyPackages(root, modules);
    copyLibraries([process.execPath, ...natives.map((path) => join(modules, path))], directory);
    writeEtc(directory);
    for (const writable of [places.data, '/tmp']) {
      mkdirSync(join(directory, writable));
      // Archives of images are owned by root: so that the user can write there, everyone can.
      chmodSync(join(directory, writable), 0o1777);
    }
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Node's licence has those of its parts, and asks to go with it. */
function copyLicense(directory: string): void {
  const license = join(dirname(dirname(process.execPath)), 'LICENSE');
  if (!existsSync(license)) return;
  mkdirSync(join(directory, 'usr/local/share/node'), { recursive: true });
  copyFileSync(license, join(directory, 'usr/local/share/node/LICENSE'));
}

function writeEtc(directory: string): void {
  const users = [
    'root:x:0:0:root:/:/sbin/nologin',
    `moorage:x:${userId}:${userId}:Moorage:${places.data}:/sbin/nologin`,
  ];
  const files = {
    passwd: users.join('\n'),
    group: `root:x:0:\nmoorage:x:${userId}:`,
    // Names of hosts come from the files that a container gets, and then from its resolver.
    'nsswitch.conf': 'hosts: files dns',
  };
  mkdirSync(join(directory, 'etc'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, 'etc', name), `${text}\n`);
}
