import { relative, resolve } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { findKind, isDomain, type Kind, kinds } from './kinds.ts';
import { scaffold, type Wishes } from './scaffold.ts';

const usage = `npm create moorage@latest DIRECTORY -- --kind ${kinds.join('|')} [--domain HOST]`;

/** What was typed; what is missing is asked for. */
interface Typed {
  readonly directory: string | undefined;
  readonly kind: Kind | undefined;
  readonly domain: string | undefined;
}

/** Makes the folder that `words`, what was typed behind the command's name, and answers on a terminal say. Returns the exit code: 0, or 1 after a sentence on stderr. */
export async function createMoorage(words: readonly string[]): Promise<number> {
  try {
    if (words.includes('--help') || words.includes('-h')) {
      console.log(usage);
      return 0;
    }
    const { directory, ...wishes } = await complete(parse(words));
    const files = await scaffold(directory, wishes);
    console.log(
      `Made ${directory}:\n${files.map((file) => `  ${file}`).join('\n')}\n\n${nextSteps(directory, wishes)}`,
    );
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

function parse(words: readonly string[]): Typed {
  const options = { kind: { type: 'string' }, domain: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true });
  const [directory, ...rest] = positionals;
  if (rest.length > 0) throw new Error(`One directory is made at a time: ${usage}`);
  if (values.domain !== undefined && values.kind !== undefined && values.kind !== 'server') {
    throw new Error('--domain is for --kind server: applications are told theirs in their own settings.');
  }
  return {
    directory: directory === undefined ? undefined : resolve(directory),
    kind: values.kind === undefined ? undefined : toKind(values.kind),
    domain: values.domain === undefined ? undefined : toDomain(values.domain),
  };
}

function toKind(text: string): Kind {
  const kind = findKind(text);
  if (kind === undefined) throw new Error(`There is no kind ${JSON.stringify(text)}: choose from ${kinds.join(', ')}.`);
  return kind;
}

function toDomain(text: string): string {
  const domain = text.toLowerCase();
  if (isDomain(domain)) return domain;
  throw new Error(`${JSON.stringify(text)} is no domain: type one such as hub.example.com, without https:// and port.`);
}

/** Asks for what was not typed, on a terminal; elsewhere only the domain may be missing. */
async function complete(typed: Typed): Promise<Wishes & { readonly directory: string }> {
  const { directory, kind, domain } = typed;
  if (process.stdin.isTTY !== true) {
    if (directory === undefined || kind === undefined) throw new Error(`Say which directory and which kind: ${usage}`);
    return { directory, kind, domain };
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // Not `question`, which loses what was typed before it is asked.
  const lines = terminal[Symbol.asyncIterator]();
  const ask = async (question: string) => {
    process.stdout.write(question);
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`Nothing was made: ${usage}`);
    return value.trim();
  };
  try {
    const asked = {
      directory: directory ?? resolve((await ask('Directory (my-registry): ')) || 'my-registry'),
      kind: kind ?? toKind((await ask(`Kind, ${kinds.join(', ')} (server): `)) || 'server'),
    };
    if (asked.kind !== 'server' || domain !== undefined) return { ...asked, domain };
    const answer = await ask('Domain, if you have one, such as hub.example.com (none): ');
    return { ...asked, domain: answer === '' ? undefined : toDomain(answer) };
  } finally {
    terminal.close();
  }
}

function nextSteps(directory: string, { kind }: Wishes): string {
  const change = `cd ${relative(process.cwd(), directory) || '.'}`;
  const start = kind === 'server' ? 'npx moorage serve --config moorage.yaml' : 'npm install && npm start';
  return `Next:\n  ${change}\n  ${start}\n\nREADME.md has the rest.`;
}
