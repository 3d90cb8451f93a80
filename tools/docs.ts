/** Writes the documents that are generated, docs/errors.md and docs/settings.md. With `--check` it writes nothing, and fails when one of them is out of date,
 *  when a document links to what is not there, or when a snippet does not compile or calls a command that does not exist. */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { difference, generatedDocuments } from './docs/generated.ts';
import { linkFaults } from './docs/links.ts';
import { commandFaults, knownCommands, snippetsOf, typeFaults } from './docs/snippets.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

if (process.argv.includes('--check')) check();
else for (const [file, text] of generatedDocuments()) writeFileSync(join(root, file), text);

function check(): void {
  const ignored = ['**/node_modules', '**/dist', '**/results', '**/data', '**/.cache', '**/*.api.md'];
  const documents = globSync('**/*.md', { cwd: root, exclude: ignored }).map((file) => ({
    file,
    text: readFileSync(join(root, file), 'utf8'),
  }));
  const snippets = documents.flatMap(({ file, text }) => snippetsOf(file, text));
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const faults = [
    ...[...generatedDocuments()].flatMap(([file, wanted]) => difference(file, readIfThere(file), wanted) ?? []),
    ...documents.flatMap(({ file, text }) => linkFaults(root, file, text)),
    ...typeFaults(root, snippets),
    ...commandFaults(snippets, knownCommands(root, Object.keys(scripts))),
  ];
  for (const fault of faults) console.error(fault);
  console.log(
    `${documents.length} documents, ${snippets.length} snippets: ${faults.length === 0 ? 'nothing wrong' : `${faults.length} faults`}.`,
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
}

function readIfThere(file: string): string | undefined {
  const path = join(root, file);
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
