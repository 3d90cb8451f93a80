import type { Command } from 'commander';
import { ExitError } from '../exit-error.ts';
import type { CheckOptions } from './check-data.ts';
import { addDataCommand, readDataSettings } from './data-command.ts';

/** Exit code of a check that could not look. */
const couldNotLook = 2;

/** `moorage check` */
export function addCheckCommand(program: Command): void {
  addDataCommand(
    program,
    'check',
    'Look for bytes and rows that are missing, broken or left over; exits with 0 when all is well, 1 when something was found, 2 when it could not look.',
  )
    .option('--quick', "leave out reading the blobs' bytes: their size alone is compared")
    .option('--mend', 'take what is broken out of the way, so that pushing it again puts it right')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : couldNotLook))
    .action(async (options: CheckOptions) => {
      const found = await lookOr2(options);
      if (found > 0) throw new ExitError(`Found ${found === 1 ? '1 fault' : `${found} faults`}.`);
    });
}

/** How many faults there are. Whatever keeps it from looking ends with 2, a fault of this program too: 1 would say that it looked. */
async function lookOr2(options: CheckOptions): Promise<number> {
  try {
    const { settings, directory } = readDataSettings(options);
    // Loaded only now: help and refusals need not wait for the registry.
    const { checkData } = await import('./check-data.ts');
    return await checkData({ settings, directory }, options);
  } catch (error) {
    const said = error instanceof ExitError ? error.message : error instanceof Error ? error.stack : String(error);
    throw new ExitError(`Could not look. ${said}`, { exitCode: couldNotLook, cause: error });
  }
}
