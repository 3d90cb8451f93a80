import { ExitError } from '../../exit-error.ts';

// Control characters draw on terminals and split lists of files; U+FFFD stands where the bytes were not UTF-8, so that two names could become one.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const unprintable = /[\u0000-\u001f\u007f\ufffd]/;

/**
 * The parts of a relative name, without `.`: none for the root itself. Refuses with an `ExitError`, whose sentence begins with `place`, what is absolute, goes
 * up by `..`, is not printable UTF-8, or means something else on this system (a drive or `\` on Windows).
 */
export function parseEntryName(name: string, place: string): readonly string[] {
  const refuse = (why: string) => new ExitError(`${place} has the name ${JSON.stringify(name)}, which ${why}.`);
  if (name === '') throw refuse('is empty');
  if (!isPrintable(name)) throw refuse('has characters that no file name should have');
  if (name.startsWith('/')) throw refuse('is absolute');
  if (process.platform === 'win32' && /[\\:]/.test(name)) throw refuse('is not a file name on Windows');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refuse('leads out of the directory');
  return parts;
}

/** Whether `text` is UTF-8 without control characters. */
export function isPrintable(text: string): boolean {
  return !unprintable.test(text);
}
