import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Command } from 'commander';
import { addClientCommands } from './client/commands/client-commands.ts';
import { addAuditCommand } from './commands/audit.ts';
import { addCheckCommand } from './commands/check.ts';
import { addConfigCommand } from './commands/config.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addGroupCommands } from './commands/group.ts';
import { addPeopleCommands } from './commands/people.ts';
import { addRepoCommands } from './commands/repo.ts';
import { addRobotCommands } from './commands/robot.ts';
import { addServeCommand } from './commands/serve.ts';
import { addTokenCommands } from './commands/token.ts';
import { addUserCommands } from './commands/user.ts';
import { addWhyCommand } from './commands/why.ts';
import { ExitError } from './exit-error.ts';

/** Runs the command that `words` (what was typed after `moorage`) say, and ends the process with 0, or after one sentence on stderr with the code of its `ExitError`. */
export async function runCommand(words: readonly string[]): Promise<void> {
  // Whoever read the output may be gone, a closed terminal or a pipe to `head`: that must not end a server.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    await createProgram().parseAsync(words, { from: 'user' });
    process.exit(0);
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(error.exitCode);
  }
}

function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const program = new Command('moorage')
    .description('A registry for container images and other OCI artifacts.')
    .version(version, '-V, --version')
    // Commander writes its suggestion on a line of its own.
    .configureOutput({ outputError: (message, write) => write(`${message.trim().replace(/\n/g, ' ')}\n`) });
  addServeCommand(program, version);
  addClientCommands(program);
  addUserCommands(program);
  addGroupCommands(program);
  addPeopleCommands(program);
  addTokenCommands(program);
  addRobotCommands(program);
  addRepoCommands(program);
  addAuditCommand(program);
  addWhyCommand(program);
  addCheckCommand(program);
  addDoctorCommand(program);
  addConfigCommand(program);
  return program;
}
