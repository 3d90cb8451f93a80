import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Kind } from './kinds.ts';

/** What stands in the templates for the domain, which is that of documents. */
const exampleDomain = 'hub.example.com';

/** What a folder is made for. */
export interface Wishes {
  readonly kind: Kind;
  /** Under which clients reach a server; undefined: not known yet. One that `isDomain` lets pass. */
  readonly domain: string | undefined;
}

/** Writes the files of a kind into `directory`, which is made where there is none, and returns their paths in it. Rejects with a sentence when something is there; no file is ever overwritten. */
export async function scaffold(directory: string, wishes: Wishes): Promise<readonly string[]> {
  await mkdir(directory, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${directory} cannot be made (${error.code}): choose another directory.`);
  });
  if ((await readdir(directory)).length > 0) throw new Error(`${directory} is not empty: choose another directory.`);
  const templates = fileURLToPath(new URL(`../templates/${wishes.kind}`, import.meta.url));
  const entries = await readdir(templates, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(templates.length + 1))
    .sort();
  const written: string[] = [];
  for (const path of paths) {
    const template = await readFile(join(templates, path), 'utf8');
    // npm packs no file of that name.
    const target = path === 'gitignore' ? '.gitignore' : path;
    await mkdir(join(directory, dirname(target)), { recursive: true });
    const filled = fill(template, { ...wishes, name: packageName(directory) });
    const text = withKeys(filled);
    const hasSecrets = text !== filled;
    await writeFile(join(directory, target), text, { flag: 'wx', mode: hasSecrets ? 0o600 : 0o644 });
    written.push(target);
  }
  return written;
}

function fill(template: string, { domain, name }: Wishes & { readonly name: string }): string {
  const named = template.replaceAll('"name": "my-registry"', `"name": ${JSON.stringify(name)}`);
  // Without a domain the challenge of a login must not lead there.
  if (domain === undefined) return named.replace(/^(?=publicUrl:)/m, '# ');
  return named.replaceAll(exampleDomain, domain);
}

/** Keys that nobody knows, in the place of those that every reader of the examples does. */
function withKeys(text: string): string {
  return text.replace(/'[a-z]+-key'/g, () => `'${randomBytes(24).toString('base64url')}'`);
}

/** The directory's name as npm takes it. */
function packageName(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'my-registry' : name.slice(0, 100);
}
