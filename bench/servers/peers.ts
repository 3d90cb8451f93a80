import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort } from '../../tools/free-port.ts';
import { findProgram, tryOutput } from '../program.ts';
import type { Server } from '../target.ts';
import { type Launch, launch } from './process.ts';

/** A registry that others make: how it is installed, recognized and started. */
export interface Peer {
  readonly name: string;
  readonly program: string;
  /** What `go install` takes; undefined: it is had in another way. */
  readonly module?: string;
  /** The command line that brings it. */
  readonly getIt: string;
  /** What a reader of its figures must know. */
  readonly remark?: string;
  readonly versionArgs: readonly string[];
  /** What the printed version must match, and its first group is the version. */
  readonly versionPattern: RegExp;
  settings(directory: string, port: number): Pick<Launch, 'args' | 'env'>;
}

/** The peer that ratios are taken against: it flushes before it answers, as Moorage does. */
export const distribution: Peer = {
  name: 'distribution',
  program: 'registry',
  ...goModule('github.com/distribution/distribution/v3/cmd/registry@v3.1.2'),
  versionArgs: ['--version'],
  versionPattern: /distribution\/v3 v?([\d.]+)/,
  settings: distributionSettings,
};

/** What Debian and its children install: distribution's second version. */
const dockerRegistry: Peer = {
  name: 'docker-registry',
  program: 'docker-registry',
  getIt: 'apt-get install docker-registry',
  versionArgs: ['--version'],
  versionPattern: /docker\/distribution v?([\d.]+)/,
  settings: distributionSettings,
};

const crane: Peer = {
  name: 'crane',
  program: 'crane',
  ...goModule('github.com/google/go-containerregistry/cmd/crane@v0.22.1'),
  remark: 'a registry for tests: manifests and tags are kept in memory alone, and gone when it ends',
  versionArgs: ['version'],
  versionPattern: /^v?(\d[\w.-]*)/,
  settings(directory, port) {
    const data = join(directory, 'data');
    mkdirSync(data); // else it answers 500 to every push
    return { args: ['registry', 'serve', '--address', `127.0.0.1:${port}`, '--disk', data] };
  },
};

const olareg: Peer = {
  name: 'olareg',
  program: 'olareg',
  ...goModule('github.com/olareg/olareg/cmd/olareg@latest'),
  versionArgs: ['version'],
  versionPattern: /VCSTag:\s+\(?v?([\w.-]+)/,
  settings(directory, port) {
    return {
      args: [
        'serve',
        '--addr',
        '127.0.0.1',
        '--port',
        String(port),
        '--dir',
        join(directory, 'data'),
        '--verbosity',
        'error',
      ],
    };
  },
};

/** The peers that are looked for, the one that ratios are taken against first. */
export const peers: readonly Peer[] = [distribution, dockerRegistry, olareg, crane];

/** The peer as a server, where its program is found; installs it first when `install` says so. Undefined when it is not to be had. */
export function findPeer(peer: Peer, { install }: { readonly install: boolean }): Server | undefined {
  if (install && peer.module && !findProgram(peer.program)) installPeer(peer.name, peer.module);
  const command = findProgram(peer.program);
  const version = command && peer.versionPattern.exec(tryOutput(command, peer.versionArgs) ?? '')?.[1];
  if (!command || !version) return undefined;
  return {
    name: peer.name,
    version,
    async start(directory) {
      const port = await findFreePort();
      const { name } = peer;
      return launch({
        ...peer.settings(directory, port),
        name,
        command,
        cwd: directory,
        port,
        readyPath: '/v2/',
        logDirectory: directory,
      });
    },
  };
}

/** A registry that somebody else started, as `NAME=URL,PID`; without PID its CPU and memory stay unknown. Its store is not emptied between rows. */
export function givenPeer(text: string): Server {
  const [, name, url, pid = '0'] = /^([\w.-]+)=(http:\/\/[^,]+)(?:,(\d+))?$/.exec(text) ?? [];
  if (!name || !url) throw new Error(`--peer wants NAME=http://127.0.0.1:PORT,PID, not "${text}".`);
  const { hostname, port } = new URL(url);
  if (!/^(localhost|127\.[\d.]+)$/.test(hostname))
    throw new Error(`--peer ${name}: load stays on this machine, so the address must be a loopback one.`);
  const target = { name, host: hostname, port: Number(port || 80), pid: Number(pid) };
  return {
    name,
    version: 'given',
    isGiven: true,
    start: async () => ({ ...target, startMs: 0, stop: async () => undefined }),
  };
}

function goModule(module: string): Pick<Peer, 'module' | 'getIt'> {
  return { module, getIt: `go install ${module}` };
}

function installPeer(name: string, module: string): void {
  console.error(`Installing ${name}: go install ${module}`);
  try {
    execFileSync('go', ['install', module], { stdio: ['ignore', 2, 2] });
  } catch {
    // Go printed why, or is not installed: the table is made without this peer, and says so.
    console.error(`${name} could not be installed.`);
  }
}

function distributionSettings(directory: string, port: number): Pick<Launch, 'args' | 'env'> {
  const file = join(directory, 'distribution.yml');
  writeFileSync(file, distributionConfiguration(join(directory, 'data'), port));
  // Without this it sends traces to a collector that is not there.
  return { args: ['serve', file], env: { OTEL_TRACES_EXPORTER: 'none' } };
}

/** As its own example configures it: blob descriptors cached in memory, deletes on; quiet, and without the debug listener. */
function distributionConfiguration(rootDirectory: string, port: number): string {
  return `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage:
  filesystem: { rootdirectory: ${JSON.stringify(rootDirectory)} }
  cache: { blobdescriptor: inmemory }
  delete: { enabled: true }
http: { addr: "127.0.0.1:${port}" }
`;
}
