import process from 'node:process';
import type { Command } from 'commander';
import { addChunkFlag, addConnectFlags, type ConnectFlags } from './flags.ts';

interface CopyOptions extends ConnectFlags {
  readonly platform?: string;
  readonly referrers: boolean;
  readonly chunk?: string;
  readonly fromPlainHttp?: true;
  readonly fromInsecure?: true;
  readonly fromCa?: string;
}

/** `moorage copy` */
export function addCopyCommand(program: Command): void {
  const command = program
    .command('copy <from> <to>')
    .description(
      'Copy content from one registry to another, byte for byte, with all platforms and all that refers to it. What was cut off goes on when it is typed again.',
    )
    .option('--platform <os/arch>', 'of an index only the image for this platform')
    .option('--no-referrers', 'leave out what refers to it: signatures, lists of contents, attestations')
    .option('--from-plain-http', 'as --plain-http, for the registry that is copied from')
    .option('--from-insecure', 'as --insecure, for the registry that is copied from')
    .option('--from-ca <file>', 'as --ca, for the registry that is copied from');
  addConnectFlags(addChunkFlag(command)).action(copy);
}

async function copy(typedFrom: string, typedTo: string, options: CopyOptions): Promise<void> {
  const [reference, { openSource, openTarget }, { copyContent }, { parsePlatform }] = await Promise.all([
    import('../reference.ts'),
    import('../open-target.ts'),
    import('../copy-content.ts'),
    import('../registry/manifest-document.ts'),
  ]);
  const from = reference.parseReference(typedFrom);
  const to = reference.parseReference(typedTo);
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const target = await openTarget(to, options);
  const source = await openSource(from, {
    ...(options.fromPlainHttp !== undefined && { plainHttp: true }),
    ...(options.fromInsecure !== undefined && { insecure: true }),
    ...(options.fromCa !== undefined && { ca: options.fromCa }),
  });
  try {
    const needs = { from: { ...source, reference: from }, to: { ...target, reference: to }, progress: target.progress };
    const digest = await copyContent(needs, { platform, hasReferrers: options.referrers });
    process.stdout.write(`${reference.formatReference(to, digest)}\n`);
  } finally {
    source.close();
    target.close();
  }
}
