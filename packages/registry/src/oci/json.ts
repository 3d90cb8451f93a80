import { OciError, quote } from './error.ts';

/** Deepest nesting that a document may have. */
const maximumDepth = 32;

/** Keys that a document may have in all its objects: an index of ten thousand manifests has fewer, and reading them takes the process a fraction of a second. */
const maximumKeys = 100_000;

/** A JSON object whose members have not been looked at yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The object that `bytes` hold. Everything that two parsers could read differently is refused with `MANIFEST_INVALID`: bytes that are not
 *  UTF-8, a byte order mark, duplicate keys, deep nesting, text after the document (CVE-2021-41190 and its kin). */
export function parseJsonObject(bytes: Uint8Array): JsonObject {
  const text = decodeText(bytes);
  checkStructure(text);
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OciError('MANIFEST_INVALID', 'The manifest is not a JSON object.');
  }
  return value as JsonObject;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new OciError('MANIFEST_INVALID', 'The manifest is not UTF-8 text.', { cause });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OciError(
      'MANIFEST_INVALID',
      `The manifest is not JSON: ${quote(String((cause as Error).message), 200)}.`,
      { cause },
    );
  }
}

/** Walks `text` once, in linear time whatever it holds. What is not JSON at all passes here and is refused by `JSON.parse`. */
function checkStructure(text: string): void {
  const keysOfOpen: (Set<string> | undefined)[] = [];
  let lastString: string | undefined;
  let keyCount = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '{':
      case '[':
        keysOfOpen.push(text[at] === '{' ? new Set() : undefined);
        if (keysOfOpen.length > maximumDepth) {
          throw new OciError('MANIFEST_INVALID', `The manifest is nested deeper than ${maximumDepth} levels.`);
        }
        break;
      case '}':
      case ']':
        keysOfOpen.pop();
        break;
      case ':':
        keyCount += 1;
        if (keyCount > maximumKeys)
          throw new OciError('MANIFEST_INVALID', `The manifest has more than ${maximumKeys} keys.`);
        addKey(keysOfOpen.at(-1), lastString);
        break;
      case '"': {
        const end = endOfString(text, at);
        lastString = text.slice(at, end + 1);
        at = end;
      }
    }
  }
}

/** Where the string that begins at `start` has its closing quote; at or behind the end of `text` when it has none. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

function addKey(keys: Set<string> | undefined, literal: string | undefined): void {
  if (keys === undefined || literal === undefined) return;
  // An escape is one spelling of a key among several: compare what it stands for.
  const key = literal.includes('\\') ? String(parse(literal)) : literal.slice(1, -1);
  if (keys.has(key))
    throw new OciError('MANIFEST_INVALID', `The manifest has the key ${quote(key)} twice in one object.`);
  keys.add(key);
}
