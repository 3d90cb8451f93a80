import { randomBytes } from 'node:crypto';
import process from 'node:process';
import type { Command } from 'commander';
import { addConnectFlags, type ConnectFlags } from '../client/commands/flags.ts';
import { ExitError } from '../exit-error.ts';

interface DoctorFlags extends ConnectFlags {
  readonly repository?: string;
  readonly size: string;
  readonly json?: true;
}

/** `moorage doctor` */
export function addDoctorCommand(program: Command): void {
  const command = program
    .command('doctor <url>')
    .description(
      'Do what clients do with a registry at its public URL, step by step, and say what breaks where, and the line to change. It pushes to a repository and removes that again.',
    )
    .option('--repository <name>', 'push to this one, where a new name may not be made (default: doctor/check-RANDOM)')
    .option('--size <size>', 'of the large bodies that have to pass', '150MB')
    .option('--json', 'print one JSON document');
  addConnectFlags(command).action(examineUrl);
}

async function examineUrl(typed: string, flags: DoctorFlags): Promise<void> {
  const [
    { examine },
    { publicEndpoint },
    { formatFinding },
    { parseByteSize },
    { typedCredentials },
    { findCredentials },
  ] = await Promise.all([
    import('../doctor/doctor.ts'),
    import('../doctor/public-endpoint.ts'),
    import('../doctor/finding.ts'),
    import('../client/byte-size.ts'),
    import('../client/connect.ts'),
    import('../client/credentials/credentials.ts'),
  ]);
  const { parseRepositoryName } = await import('@moorage/registry');
  const endpoint = publicEndpoint(typed, flags);
  const repository = parseName(
    parseRepositoryName,
    flags.repository ?? `doctor/check-${randomBytes(4).toString('hex')}`,
  );
  const sizeBytes = parseByteSize(flags.size);
  const credentials = await typedCredentials(flags);
  const warn = (sentence: string) => process.stderr.write(`${sentence}\n`);
  const findings = [];
  const found = { host: endpoint.host, repository };
  for await (const finding of examine({
    ...{ endpoint, repository, sizeBytes },
    findCredentials: async () => credentials ?? findCredentials(found, { environment: process.env, warn }),
  })) {
    findings.push(finding);
    if (flags.json !== true) process.stdout.write(`${formatFinding(finding)}\n`);
  }
  if (flags.json === true) process.stdout.write(`${JSON.stringify(findings, undefined, 2)}\n`);
  const failed = findings.filter(({ outcome }) => outcome === 'FAIL').length;
  if (failed > 0) throw new ExitError(`${failed} of ${findings.length} steps failed.`);
}

function parseName<Name>(parse: (text: string) => Name, text: string): Name {
  try {
    return parse(text);
  } catch (error) {
    throw new ExitError(error instanceof Error ? error.message : String(error));
  }
}
