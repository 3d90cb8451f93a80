import { resolve } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { addConnectFlags, type ConnectFlags } from './flags.ts';

interface PullOptions extends ConnectFlags {
  readonly platform?: string;
  readonly force?: true;
}

/** `moorage pull` */
export function addPullCommand(program: Command): void {
  const command = program
    .command('pull <reference> [directory]')
    .description(
      'Pull content into a directory (default: this one): the files of an artifact, the archive of a chart, the root file system of an image.',
    )
    .option('--platform <os/arch>', 'which image of an index; else linux on the architecture of this machine')
    .option('--force', 'replace files that are there');
  addConnectFlags(command).action(pull);
}

async function pull(typed: string, directory: string | undefined, options: PullOptions): Promise<void> {
  const [reference_, { typingDirectory }, { openSource }, { pullContent }, { defaultPlatform }, { parsePlatform }] =
    await Promise.all([
      import('../reference.ts'),
      import('../connect.ts'),
      import('../open-target.ts'),
      import('../pull-content.ts'),
      import('../choose-manifest.ts'),
      import('../registry/manifest-document.ts'),
    ]);
  const reference = reference_.parseReference(typed);
  const platform = options.platform === undefined ? defaultPlatform(process.arch) : parsePlatform(options.platform);
  const source = await openSource(reference, options);
  try {
    const target = { directory: resolve(typingDirectory(), directory ?? '.'), platform, force: options.force === true };
    const { digest, files } = await pullContent(source, reference, target);
    for (const file of files) source.progress.tell(`wrote ${file}`);
    process.stdout.write(`${reference_.formatReference(reference, digest)}\n`);
  } finally {
    source.close();
  }
}
