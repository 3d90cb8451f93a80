/** Ends the command with exit code 1 and `message` alone: a sentence for the person who typed the command, without a stack. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
}
