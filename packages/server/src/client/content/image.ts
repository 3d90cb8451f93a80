import { ExitError } from '../../exit-error.ts';
import type { Content } from '../content.ts';
import { type Annotations, assemble, bytesBlob, inOrder, withArchive } from './assemble.ts';
import { mediaTypes } from './media-types.ts';
import { walkTree } from './walk-tree.ts';
import { writeArchive } from './write-archive.ts';

/** How an image runs (image-spec, "OCI Image Configuration"). */
export interface ImageOptions {
  /** `os/architecture[/variant]`; linux on this machine's architecture unless it is given. */
  readonly platform?: string | undefined;
  readonly entrypoint?: readonly string[] | undefined;
  readonly cmd?: readonly string[] | undefined;
  /** Each `NAME=VALUE`. */
  readonly env?: readonly string[] | undefined;
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  readonly labels?: Annotations | undefined;
  /** Each `PORT[/PROTOCOL]`. */
  readonly ports?: readonly string[] | undefined;
  /** Keeps every permission bit of the files. Else they are 0644 or 0755, whatever the umask was, with setuid, setgid and the sticky bit. */
  readonly keepModes?: boolean | undefined;
}

type Options = ImageOptions & { readonly annotations?: Annotations | undefined; readonly timeSeconds: number };

/** An image whose root file system is the directory: one compressed layer on top of nothing. */
export function makeImage(directory: string, options: Options): Promise<Content> {
  const { platform = defaultPlatform(), timeSeconds } = options;
  const [os, architecture, variant] = parsePlatform(platform);
  const config = { ...runOptions(options) };
  const modes = options.keepModes === true ? 'all' : 'special';
  const archive = writeArchive(walkTree(directory), { prefix: '', timeSeconds, modes, hardLinks: true });
  return withArchive(archive, ({ digest, sizeBytes, contentDigest }, open) => {
    const created = new Date(timeSeconds * 1000).toISOString().replace('.000', '');
    const document = {
      created,
      architecture,
      os,
      ...(variant === undefined ? {} : { variant }),
      config,
      rootfs: { type: 'layers', diff_ids: [contentDigest] },
      history: [{ created, created_by: 'moorage push' }],
    };
    const bytes = new TextEncoder().encode(JSON.stringify(document));
    const layer = { digest, size: sizeBytes, mediaType: mediaTypes.archive, open };
    const { annotations } = options;
    return assemble({ config: bytesBlob(bytes, mediaTypes.imageConfig), layers: [layer], annotations });
  });
}

function runOptions({ user, ports, env, entrypoint, cmd, workdir, labels }: ImageOptions) {
  for (const line of env ?? []) {
    if (!/^[^=]+=/.test(line)) throw new ExitError(`${JSON.stringify(line)} is no variable: type NAME=VALUE.`);
  }
  if (workdir !== undefined && !workdir.startsWith('/')) {
    throw new ExitError(`The working directory ${JSON.stringify(workdir)} must begin with /.`);
  }
  const given = {
    User: user,
    ExposedPorts:
      ports &&
      Object.fromEntries(
        ports
          .map(parsePort)
          .sort()
          .map((port) => [port, {}]),
      ),
    Env: env,
    Entrypoint: entrypoint,
    Cmd: cmd,
    WorkingDir: workdir,
    Labels: labels && inOrder(labels),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function parsePort(text: string): string {
  const [, port = '', protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text) ?? [];
  if (port !== '' && Number(port) >= 1 && Number(port) < 2 ** 16) return `${Number(port)}/${protocol}`;
  throw new ExitError(`${JSON.stringify(text)} is no port: type a number, such as 8080 or 53/udp.`);
}

function parsePlatform(text: string): readonly string[] {
  if (/^[a-z0-9_.-]+(\/[a-z0-9_.-]+){1,2}$/.test(text)) return text.split('/');
  throw new ExitError(`${JSON.stringify(text)} is no platform: type OS/ARCHITECTURE, such as linux/arm64.`);
}

/** Node's names of architectures where Go, and so the specification, has others. */
const goArchitectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  arm: 'arm/v7',
  ppc64: 'ppc64le',
  mipsel: 'mipsle',
};

function defaultPlatform(): string {
  return `linux/${goArchitectures[process.arch] ?? process.arch}`;
}
