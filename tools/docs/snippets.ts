import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

/** A block of code in a document. */
export interface Snippet {
  readonly file: string;
  readonly language: string;
  readonly code: string;
}

/** The fenced blocks of a document. */
export function snippetsOf(file: string, text: string): readonly Snippet[] {
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({
    file,
    language,
    code,
  }));
}

/** Writes snippets as modules of their own into `folder`, which is emptied before; returns their paths. */
export function writeSnippets(folder: string, snippets: readonly Snippet[]): readonly string[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  return snippets.map(({ file, code }, index) => {
    const path = join(folder, `${file.replace(/\W+/g, '-')}-${index + 1}.ts`);
    writeFileSync(path, `${code}\nexport {};\n`);
    return path;
  });
}

/** What the compiler says about the `ts` snippets, below `root`, where imports of the workspace lead to its sources. */
export function typeFaults(root: string, snippets: readonly Snippet[]): readonly string[] {
  const folder = join(root, '.cache/snippets');
  const files = writeSnippets(
    folder,
    snippets.filter(({ language }) => language === 'ts'),
  );
  const config = join(folder, 'tsconfig.json');
  const compilerOptions = {
    composite: false,
    incremental: false,
    noEmit: true,
    allowImportingTsExtensions: true,
    rewriteRelativeImportExtensions: false,
  };
  writeFileSync(config, JSON.stringify({ extends: '../../tsconfig.base.json', compilerOptions, files }));
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', config, '--pretty', 'false'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  // Faults of the sources themselves are found where types are checked.
  return status === 0 ? [] : stdout.split('\n').filter((line) => line.startsWith('.cache/'));
}

/** What the commands of the repository are called, and which flags they know. */
export interface KnownCommands {
  readonly scripts: readonly string[];
  /** The flags of `moorage <command>`, such as `serve` or `user add`; undefined when there is no such command, or one that wants a second word. */
  flagsOf(command: string): readonly string[] | undefined;
}

/** What is wrong with the lines of `sh` snippets that call npm scripts or `moorage`: a script, command or flag that does not exist. */
export function commandFaults(snippets: readonly Snippet[], known: KnownCommands): readonly string[] {
  return snippets
    .filter(({ language }) => language === 'sh')
    .flatMap(({ file, code }) =>
      code.split('\n').flatMap((line) =>
        line
          .replace(/ +#.*$/, '')
          .split(' | ')
          .flatMap((part) => partFaults(part, known).map((fault) => `${file}: "${line}": ${fault}`)),
      ),
    );
}

function partFaults(part: string, known: KnownCommands): readonly string[] {
  const words = part.split(' ').filter((word) => word !== '');
  const [program, ...rest] = words[0] === 'npx' ? words.slice(1) : words;
  if (program === 'moorage') return moorageFaults(rest, known);
  if (program !== 'npm') return [];
  const script = rest[0] === 'run' ? rest[1] : rest[0];
  if (script === undefined || !known.scripts.includes(script)) return [`there is no script ${script}.`];
  return script === 'start' && rest.includes('--')
    ? moorageFaults(['serve', ...rest.slice(rest.indexOf('--') + 1)], known)
    : [];
}

function moorageFaults(words: readonly string[], known: KnownCommands): readonly string[] {
  const command = [words.slice(0, 1), words.slice(0, 2)]
    .map((start) => start.join(' '))
    .find((start) => known.flagsOf(start) !== undefined);
  const flags = command === undefined ? undefined : known.flagsOf(command);
  if (flags === undefined) return [`there is no command ${words.slice(0, 2).join(' ')}.`];
  return words
    .filter((word) => word.startsWith('--') && !flags.includes(word))
    .map((flag) => `moorage ${command} has no ${flag}.`);
}

/** The commands as the repository has them today: scripts from package.json, flags from the help of the real command. */
export function knownCommands(root: string, scripts: readonly string[]): KnownCommands {
  const bin = join(root, 'packages/server/bin/moorage.js');
  const asked = new Map<string, readonly string[] | undefined>();
  return {
    scripts,
    flagsOf(command) {
      if (!asked.has(command)) {
        const args = ['--conditions=moorage-source', bin, ...command.split(' '), '--help'];
        const help = spawnSync(process.execPath, args, { encoding: 'utf8' });
        const [usage = ''] = help.stdout.split('\n');
        const isKnown =
          help.status === 0 && usage.startsWith(`Usage: moorage ${command} `) && !usage.includes('[command]');
        asked.set(command, isKnown ? (help.stdout.match(/--[a-z][a-z-]*/g) ?? []) : undefined);
      }
      return asked.get(command);
    },
  };
}
