import { createHmac, randomBytes } from 'node:crypto';
import type { Identity } from '@moorage/registry';
import { verify } from '@node-rs/bcrypt';
import { createVerifier } from '../accounts/verifier.ts';
import { fingerprint } from './fingerprint.ts';
import { costOf, type HtpasswdEntries } from './htpasswd-file.ts';
import { createHtpasswdReader, type HtpasswdReader, type HtpasswdReaderNeeds } from './htpasswd-reader.ts';

const prefix = 'htpasswd.';

/** Whether a credential is one of a password in a file. */
export function isHtpasswdCredential(credential: string): boolean {
  return credential.startsWith(prefix);
}

/** Users of a file with bcrypt hashes. */
export interface Htpasswd extends Pick<HtpasswdReader, 'load'> {
  /** Whether the file names that user now. */
  has(name: string): Promise<boolean>;
  /** Who shows this name and password. A wrong password takes as long as a name that is not there; `isHidden`: the name is somebody else's, and none of the file's. */
  authenticate(
    credentials: { readonly username: string; readonly password: string },
    options?: { readonly isHidden: boolean },
  ): Promise<Identity | undefined>;
  /** The user who showed the password that `credential` stands for; undefined where it was changed or removed since. */
  identify(id: string, credential: string): Promise<Identity | undefined>;
}

/** The users of the file at `path`, which is read by `load`. */
export function createHtpasswd({
  now = Date.now,
  ...needs
}: Omit<HtpasswdReaderNeeds, 'now'> & Partial<Pick<HtpasswdReaderNeeds, 'now'>>): Htpasswd {
  const { load, current } = createHtpasswdReader({ ...needs, now });
  const isGood = createVerifier({ matches, now });
  const key = randomBytes(32);
  const identityOf = (id: string, hash: string): Identity => ({ id, credential: `${prefix}${fingerprintOf(hash)}` });

  /** Stands in for a name that is not there: it costs what one that is there does, of those in the file always the same for the same name. */
  function hashOfNobody(username: string, entries: HtpasswdEntries): string {
    const hashes = [...entries.values()];
    const place = createHmac('sha256', key).update(username).digest().readUInt32BE() % Math.max(1, hashes.length);
    const cost = costOf(hashes[place] ?? '$2b$10$');
    return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`;
  }

  return {
    load,
    has: async (name) => (await current()).has(name),
    async authenticate({ username, password }, { isHidden } = { isHidden: false }) {
      const entries = await current();
      const known = isHidden ? undefined : entries.get(username);
      const wasGood = await isGood({ username, password, passwordHash: known ?? hashOfNobody(username, entries) });
      if (!wasGood || known === undefined) return undefined;
      // The file may have been read again while it was checked.
      return (await current()).get(username) === known ? identityOf(username, known) : undefined;
    },
    async identify(id, credential) {
      const hash = (await current()).get(id);
      const identity = hash === undefined ? undefined : identityOf(id, hash);
      return identity?.credential === credential ? identity : undefined;
    },
  };
}

/** Of a password the first 72 bytes count, as everywhere with bcrypt. */
function matches(passwordHash: string, password: string): Promise<boolean> {
  return verify(password, passwordHash);
}

/** Tells a hash from the one before, and nothing of it: its salt has 128 random bits. */
function fingerprintOf(hash: string): string {
  return fingerprint(hash);
}
