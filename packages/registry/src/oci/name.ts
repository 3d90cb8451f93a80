import { type Digest, parseDigest } from './digest.ts';
import { OciError, quote } from './error.ts';

declare const brand: unique symbol;
/** A checked repository name (spec, "Pulling manifests"). */
export type RepositoryName = string & { readonly [brand]: 'repository' };
/** A checked tag. */
export type Tag = string & { readonly [brand]: 'tag' };
/** A checked id of an upload session: 128 random bits in hex, written as a UUID. */
export type SessionId = string & { readonly [brand]: 'session' };

/** What a manifest is asked for by. */
export type Reference =
  | { readonly tag: Tag; readonly digest?: never }
  | { readonly digest: Digest; readonly tag?: never };

/** Longest name that is accepted, in characters: clients limit `host:port/name` to 255. */
export const maximumNameLength = 255;

// The specification's expression, `component((separator)component)*`, written so that no input makes it backtrack for long.
const namePattern = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const sessionPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** `text` as a repository name; else `NAME_INVALID`. */
export function parseRepositoryName(text: string): RepositoryName {
  // An application in JavaScript may hand over a parameter that is not there.
  if (typeof text !== 'string') throw new OciError('NAME_INVALID', 'The name of a repository is a text.');
  if (text.length > maximumNameLength) {
    throw new OciError(
      'NAME_INVALID',
      `The repository name has ${text.length} characters; ${maximumNameLength} are allowed.`,
    );
  }
  if (namePattern.test(text)) return text as RepositoryName;
  throw new OciError(
    'NAME_INVALID',
    `${quote(text)} is not a repository name: use lower-case letters, digits and single . _ - between them, parts joined by /.`,
  );
}

/** `text` as a tag; else `MANIFEST_INVALID`, since the specification has no code of its own for it. */
export function parseTag(text: string): Tag {
  if (tagPattern.test(text)) return text as Tag;
  throw new OciError(
    'MANIFEST_INVALID',
    `${quote(text)} is not a tag: up to 128 letters, digits, . _ and -, the first one a letter, digit or _.`,
  );
}

/** A tag or a digest, told apart by the colon that only a digest has. */
export function parseReference(text: string): Reference {
  return text.includes(':') ? { digest: parseDigest(text) } : { tag: parseTag(text) };
}

/** `text` as a session id; else `BLOB_UPLOAD_UNKNOWN`: nobody was ever given such an id. */
export function parseSessionId(text: string): SessionId {
  if (sessionPattern.test(text)) return text as SessionId;
  throw new OciError('BLOB_UPLOAD_UNKNOWN');
}
