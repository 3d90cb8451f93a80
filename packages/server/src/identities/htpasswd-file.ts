import { ExitError } from '../exit-error.ts';

/** Hashes by user. */
export type HtpasswdEntries = ReadonlyMap<string, string>;

const bcryptPattern = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** Higher ones take seconds for each login. */
const costs = { minimum: 4, maximum: 15 } as const;

/** The users of a file as `htpasswd -B` writes it; `whyTaken` says of a name why it is somebody else's. Empty lines and those that begin with `#` say nothing. Throws an `ExitError` that names file
 *  and line, and never shows a hash. */
export function parseHtpasswd(
  text: string,
  { path, whyTaken }: { readonly path: string; whyTaken(name: string): string | undefined },
): HtpasswdEntries {
  const entries = new Map<string, string>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    const hash = line.slice(colon + 1).trimEnd();
    const reason =
      colon < 0
        ? 'has no colon between name and hash'
        : (wrongName(name) ?? whyTaken(name) ?? wrongHash(hash, { name, path }));
    if (reason !== undefined) throw new ExitError(`Line ${index + 1} of ${path} ${reason}.`);
    if (entries.has(name))
      throw new ExitError(`Line ${index + 1} of ${path} names ${name} again: keep one of the lines.`);
    entries.set(name, hash);
  }
  return entries;
}

/** Of 60 characters of a bcrypt hash: how many times 2 it is worked. */
export function costOf(hash: string): number {
  return Number(hash.slice(4, 6));
}

function wrongName(name: string): string | undefined {
  if (!/^\w[\w.@+-]{0,254}$/.test(name)) {
    return 'has no name that can be used here: it must be up to 255 letters, digits and . _ @ + -, beginning with a letter, digit or _';
  }
  return name.startsWith('robot+') ? `has the name ${name}, which is that of a robot: choose another one` : undefined;
}

function wrongHash(hash: string, { name, path }: { readonly name: string; readonly path: string }): string | undefined {
  const remedy = `htpasswd -B ${path} ${name}`;
  const [, cost] = bcryptPattern.exec(hash) ?? [];
  if (cost === undefined)
    return `has ${kindOf(hash)}: only bcrypt is safe enough here, so set the password again with ${remedy}`;
  if (Number(cost) >= costs.minimum && Number(cost) <= costs.maximum) return undefined;
  return `has a bcrypt hash of cost ${Number(cost)}, and here it must be ${costs.minimum} to ${costs.maximum}: set the password again with htpasswd -B -C 10 ${path} ${name}`;
}

function kindOf(hash: string): string {
  if (/^\$2[abxy]?\$/.test(hash)) return 'a bcrypt hash that is cut off or of a broken kind';
  if (hash.startsWith('$apr1$') || hash.startsWith('$1$')) return 'an MD5 hash';
  if (hash.startsWith('{SHA}')) return 'a SHA-1 hash';
  if (/^\$[56]\$/.test(hash)) return 'a SHA-2 crypt hash';
  return 'no bcrypt hash';
}
