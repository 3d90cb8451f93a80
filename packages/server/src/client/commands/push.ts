import { resolve } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { ExitError } from '../../exit-error.ts';
import type { ContentKind } from '../content/make.ts';
import { addChunkFlag, addConnectFlags, type ConnectFlags, several } from './flags.ts';

interface PushOptions extends ConnectFlags {
  readonly as?: string;
  readonly type?: string;
  readonly annotation?: readonly string[];
  readonly platform?: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly label?: readonly string[];
  readonly port?: readonly string[];
  readonly keepModes?: true;
  readonly chunk?: string;
}

const kinds: readonly ContentKind[] = ['image', 'artifact', 'chart'];

/** `moorage push` */
export function addPushCommand(program: Command): void {
  const command = program
    .command('push <path> <reference>')
    .description(
      'Make an image, a Helm chart or an artifact of a file or directory, and push it to [HOST[:PORT]/]NAME[:TAG]. The same content has the same digest, whoever pushes it and when.',
    )
    .option(
      '--as <kind>',
      'image, artifact or chart; else: Chart.yaml makes a chart, two of bin, etc, lib and usr an image, all else an artifact',
    )
    .option('--type <type>', 'artifactType of an artifact')
    .option('--annotation <key=value>', 'annotation of the manifest; may be given again', several)
    .option('--platform <os/arch>', 'what an image is for; else linux on the architecture of this machine')
    .option('--entrypoint <word>', 'entry point of an image; give each word by itself', several)
    .option('--cmd <word>', 'command of an image; give each word by itself', several)
    .option('--env <name=value>', 'variable of an image; may be given again', several)
    .option('--workdir <directory>', 'working directory of an image')
    .option('--user <user>', 'user[:group] of an image')
    .option('--label <key=value>', 'label of an image; may be given again', several)
    .option('--port <port>', 'port that an image listens on; may be given again', several)
    .option(
      '--keep-modes',
      'keep all permission bits of the files of an image, which depend on the umask they were made with',
    );
  addConnectFlags(addChunkFlag(command)).action(push);
}

async function push(path: string, typed: string, options: PushOptions): Promise<void> {
  const [{ parseReference, formatReference }, { typingDirectory }, { openTarget }, { makeContent }, { pushContent }] =
    await Promise.all([
      import('../reference.ts'),
      import('../connect.ts'),
      import('../open-target.ts'),
      import('../content/make.ts'),
      import('../push-content.ts'),
    ]);
  const reference = parseReference(typed);
  const target = await openTarget(reference, options);
  const content = await makeContent(resolve(typingDirectory(), path), {
    as: parseKind(options.as),
    artifactType: options.type,
    annotations: parsePairs('--annotation', options.annotation),
    image: {
      platform: options.platform,
      entrypoint: options.entrypoint,
      cmd: options.cmd,
      env: options.env,
      workdir: options.workdir,
      user: options.user,
      labels: parsePairs('--label', options.label),
      ports: options.port,
      keepModes: options.keepModes,
    },
    sourceDateEpoch: process.env['SOURCE_DATE_EPOCH'],
  });
  // What was packed may be large, and nobody else would remove it.
  const breakOff = () => void content.close().finally(() => process.exit(130));
  process.once('SIGINT', breakOff).once('SIGTERM', breakOff);
  try {
    const digest = await pushContent(target, content, reference);
    process.stdout.write(`${formatReference(reference, digest)}\n`);
  } finally {
    target.close();
    await content.close();
  }
}

function parseKind(text: string | undefined): ContentKind | undefined {
  const kind = kinds.find((known) => known === text);
  if (text !== undefined && kind === undefined) {
    throw new ExitError(`--as must be ${kinds.join(', ')}, not ${JSON.stringify(text)}.`);
  }
  return kind;
}

function parsePairs(flag: string, pairs: readonly string[] | undefined): Readonly<Record<string, string>> | undefined {
  return pairs && Object.fromEntries(pairs.map((pair) => parsePair(flag, pair)));
}

function parsePair(flag: string, pair: string): [string, string] {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
  if (key === undefined || value === undefined) throw new ExitError(`${flag} ${JSON.stringify(pair)} is no KEY=VALUE.`);
  return [key, value];
}
