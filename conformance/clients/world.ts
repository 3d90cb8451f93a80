import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandOptions, type CommandResult, runCommand } from '../run-command.ts';
import type { TestServer } from '../server.ts';
import { toolPath } from '../tools.ts';
import type { Fixtures } from './fixtures.ts';
import { type Descriptor, verifyLayout } from './layout.ts';

// All of them: some registries answer 404 to a client that accepts less than the manifest's own type.
const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  '*/*',
];

/** What a case needs: the registry under test, what to push, and clients with a home of their own. */
export type World = {
  readonly server: TestServer;
  readonly fixtures: Fixtures;
  /** Runs a client in the temporary home; throws with its transcript when it fails. */
  run(command: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Asks the registry itself, accepting any manifest; throws unless it answers `expect`, 200 by default. */
  ask(path: string, options?: { readonly expect?: number }): Promise<Response>;
  /** What the clients printed since the last call, to show when a case fails. */
  takeTranscripts(): string[];
  /** Gives `use` an empty folder and removes it afterwards. */
  inFolder<T>(use: (directory: string) => Promise<T>): Promise<T>;
};

/** A named group of cases, run in order: a case may rely on what the cases before it in its group pushed. */
export type Group = {
  readonly name: string;
  readonly cases: readonly { readonly name: string; run(world: World): Promise<void> }[];
};

/** Throws unless a pulled layout names this root and holds all that it leads to, byte for byte. */
export async function expectLayout(directory: string, root: Descriptor): Promise<void> {
  const index: { manifests: readonly Descriptor[] } = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8'));
  const digests = index.manifests.map(({ digest }) => digest);
  if (!digests.includes(root.digest)) throw new Error(`The pulled layout names ${digests} and not ${root.digest}.`);
  await verifyLayout(directory, root);
}

/** Makes the clients' home below `directory`: plain HTTP to this one host, no credentials, storage without a kernel driver. */
export async function createWorld(directory: string, server: TestServer, fixtures: Fixtures): Promise<World> {
  const home = join(directory, 'home');
  const folders = join(directory, 'folders');
  const containers = join(home, '.config/containers');
  const files = {
    [join(containers, 'policy.json')]: '{"default":[{"type":"insecureAcceptAnything"}]}',
    [join(containers, 'registries.conf')]: `[[registry]]\nlocation = "${server.host}"\ninsecure = true\n`,
    [join(containers, 'storage.conf')]:
      `[storage]\ndriver = "vfs"\ngraphroot = "${home}/graph"\nrunroot = "${home}/run"\n`,
    [join(home, '.regctl/config.json')]: JSON.stringify({ hosts: { [server.host]: { tls: 'disabled' } } }),
  };
  await mkdir(containers, { recursive: true });
  await mkdir(join(home, '.regctl'));
  await mkdir(folders);
  await Promise.all(Object.entries(files).map(([file, content]) => writeFile(file, content)));
  const env = {
    PATH: toolPath,
    LC_ALL: 'C.UTF-8',
    HOME: home,
    TMPDIR: folders,
    XDG_RUNTIME_DIR: home,
    CONTAINERS_REGISTRIES_CONF: join(containers, 'registries.conf'),
    CONTAINERS_STORAGE_CONF: join(containers, 'storage.conf'),
  };
  const transcripts: string[] = [];
  return {
    server,
    fixtures,
    async run(command, args, options) {
      const result = await runCommand(command, args, { env, ...options });
      transcripts.push(result.transcript);
      return result;
    },
    takeTranscripts: () => transcripts.splice(0),
    async ask(path, { expect = 200 } = {}) {
      const response = await fetch(`${server.url}/v2/${path}`, { headers: { accept: manifestTypes.join(', ') } });
      if (response.status === expect) return response;
      throw new Error(`GET /v2/${path} answered ${response.status}: ${await response.text()}`);
    },
    async inFolder(use) {
      const folder = join(folders, crypto.randomUUID());
      await mkdir(folder);
      try {
        return await use(folder);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
