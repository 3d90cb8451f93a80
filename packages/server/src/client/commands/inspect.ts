import process from 'node:process';
import type { Command } from 'commander';
import { addConnectFlags, type ConnectFlags } from './flags.ts';

interface InspectOptions extends ConnectFlags {
  readonly json?: true;
}

/** `moorage inspect` */
export function addInspectCommand(program: Command): void {
  const command = program
    .command('inspect <reference>')
    .description('Show what a registry has under a name: manifest, size, platforms, and what refers to it.')
    .option('--json', 'print one JSON document');
  addConnectFlags(command).action(inspect);
}

async function inspect(typed: string, options: InspectOptions): Promise<void> {
  const [{ parseReference }, { openSource }, { inspectContent, inspectionJson, inspectionLines }] = await Promise.all([
    import('../reference.ts'),
    import('../open-target.ts'),
    import('../inspect-content.ts'),
  ]);
  const reference = parseReference(typed);
  const source = await openSource(reference, options);
  try {
    const inspection = await inspectContent(source.client, reference);
    const text =
      options.json === true
        ? JSON.stringify(inspectionJson(inspection), undefined, 2)
        : inspectionLines(inspection).join('\n');
    process.stdout.write(`${text}\n`);
  } finally {
    source.close();
  }
}
