import process from 'node:process';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { ExitError } from '../exit-error.ts';

/** Asks the person at the terminal. */
export interface Questions {
  /** The line that is typed; a secret is not shown. Rejects with an `ExitError` when the question is broken off. */
  ask(question: string, options?: { readonly isSecret?: boolean }): Promise<string>;
  close(): void;
}

/** Opens the terminal for questions, on stderr; an `ExitError` when there is none. Lines that are typed ahead answer the next question. */
export function openQuestions(): Questions {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    throw new ExitError(
      'There is no terminal to ask at: give --username NAME and --password-stdin, with the password on stdin.',
    );
  }
  let isMuted = false;
  // What is typed is echoed to the output.
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!isMuted) stderr.write(chunk);
      done();
    },
  });
  const reader = createInterface({ input: stdin, output, terminal: true });
  const lines = reader[Symbol.asyncIterator]();
  reader.once('SIGINT', () => reader.close());
  return {
    async ask(question, { isSecret = false } = {}) {
      stderr.write(question);
      isMuted = isSecret;
      const { done, value } = await lines.next();
      if (isSecret) stderr.write('\n');
      isMuted = false;
      if (done === true) throw new ExitError('Nothing was typed.', { exitCode: 130 });
      return value;
    },
    close: () => reader.close(),
  };
}
