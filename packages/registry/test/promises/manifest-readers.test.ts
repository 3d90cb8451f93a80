import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OciError } from '../../src/oci/error.ts';
import { parseJsonObject } from '../../src/oci/json.ts';
import { type Manifest, parseManifest } from '../../src/oci/manifest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { imageType, indexType, sha256 } from '../support/registry.ts';
import { runs, timeoutMs } from './runs.ts';
import { depthOf, hasDuplicate, member, type Reader, readers, readWritten, type Written } from './second-parser.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What `parse` makes; undefined where it refuses. */
function accepted<Result>(parse: () => Result): Result | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof OciError) || error.status !== 400) throw error;
    return undefined;
  }
}

/** Members in the order in which they are written; a key may come twice. */
type Members = readonly (readonly [key: string, value: string])[];

/** A key as it may be spelled in a document: with escapes, and in another case. */
function spelled(key: string): fc.Arbitrary<string> {
  const escaped = (text: string) => text.replace(/^./, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const others = [escaped(key), key.toUpperCase(), key.replace('s', 'ſ'), key.replace('k', '\u212a'), `${key} `];
  return fc.oneof({ arbitrary: fc.constant(key), weight: 20 }, { arbitrary: fc.constantFrom(...others), weight: 1 });
}

const write = (members: Members) => `{${members.map(([key, value]) => `"${key}":${value}`).join(',')}}`;

/** An object with some of these members, in any order, now and then with one of them twice. */
function objectOf(values: Readonly<Record<string, fc.Arbitrary<string>>>, required: Members): fc.Arbitrary<string> {
  const one = fc
    .constantFrom(...Object.keys(values))
    .chain((key) => fc.tuple(spelled(key), values[key] ?? fc.constant('0')));
  const twice = fc.oneof({ arbitrary: fc.constant(0), weight: 9 }, { arbitrary: fc.nat(2), weight: 1 });
  return fc
    .tuple(fc.uniqueArray(one, { selector: ([key]) => key, maxLength: 4 }), fc.nat(9), twice)
    .map(([some, at, count]) => {
      const names = new Set(some.map(([key]) => key));
      const all = [...some, ...required.filter(([key]) => !names.has(key))];
      const again = all.slice(0, count);
      const rotated = [...all.slice(at % all.length), ...all.slice(0, at % all.length)];
      return write([...rotated, ...again]);
    });
}

const digestsHere = fc.nat(5).map((n) => JSON.stringify(sha256(`content ${n}`)));
const descriptors = objectOf(
  {
    digest: digestsHere,
    size: fc.constantFrom('1', '0', '-1', 'null'),
    mediaType: fc.constantFrom('"application/a"', '"application/b"', 'null'),
    urls: fc.constantFrom('[]', '["https://a.example"]'),
    data: fc.constant('"e30="'),
  },
  [
    ['digest', JSON.stringify(sha256('content 0'))],
    ['size', '1'],
  ],
);
const lists = fc.array(descriptors, { maxLength: 3 }).map((items) => `[${items.join(',')}]`);
const manifestTexts = objectOf(
  {
    mediaType: fc.constantFrom(imageType, indexType, 'application/x').map((type) => JSON.stringify(type)),
    config: descriptors,
    layers: lists,
    manifests: lists,
    blobs: lists,
    subject: descriptors,
    artifactType: fc.constantFrom('"application/t"', 'null'),
    annotations: fc.constantFrom('{"a":"b"}', '{"a":"b","A":"c"}', 'null'),
  },
  [['schemaVersion', '2']],
);

const textOf = (value: Written | undefined) => (value?.kind === 'text' ? value.text : undefined);
const itemsOf = (value: Written | undefined) => (value?.kind === 'array' ? value.items : []);

/** What a client reads in the document. */
function readAs(document: Written, reader: Reader) {
  const digest = (value: Written | undefined) => textOf(member(value, 'digest', reader));
  const lists = ['layers', 'blobs', 'manifests'].flatMap((key) => itemsOf(member(document, key, reader)));
  const config = member(document, 'config', reader);
  return {
    mediaType: textOf(member(document, 'mediaType', reader)),
    subject: digest(member(document, 'subject', reader)),
    digests: [...new Set([...(config === undefined ? [] : [config]), ...lists].map(digest))],
  };
}

const whatWeRead = ({ mediaType, declaresMediaType, subject, edges }: Manifest) => ({
  mediaType: declaresMediaType ? mediaType : undefined,
  subject,
  digests: edges.map(({ digest }) => digest),
});

test(
  'what is accepted reads the same to every client: whichever of two keys it takes, and whether or not it minds their case',
  () => {
    let taken = 0;
    fc.assert(
      fc.property(manifestTexts, (text) => {
        const hints = { contentType: undefined, defaultMediaType: mediaTypes.octetStream };
        const manifest = accepted(() => parseManifest(encode(text), hints));
        if (manifest === undefined) return;
        taken += 1;
        for (const reader of readers) expect(readAs(readWritten(text), reader), text).toEqual(whatWeRead(manifest));
      }),
      runs(1500),
    );
    // Were all of them refused, nothing would have been compared.
    expect(taken).toBeGreaterThan(100);
  },
  timeoutMs,
);

const jsonTokens = [
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '"a"',
  '"a":',
  '"b":',
  '"\\u0061":',
  '""',
  '"\\\\"',
  '"\\""',
  '1',
  '-0',
  '1e9',
  'null',
];
const moreTokens = [
  ' ',
  '\n',
  '"',
  '\\',
  '{"a":1}',
  '[{}]',
  'true',
  '\ufeff',
  '\u0000',
  '01',
  '{"a":{"a":1},"b":[',
  '"é"',
];
const soup = fc
  .array(fc.constantFrom(...jsonTokens, ...moreTokens), { maxLength: 12 })
  .map((tokens) => tokens.join(''));
const deep = fc
  .tuple(
    fc.array(fc.constantFrom('{"a":', '['), { minLength: 28, maxLength: 36 }),
    fc.constantFrom('0', '{}', '[]', '"}]"'),
  )
  .map(([opened, value]) => {
    const closed = opened.toReversed().map((open) => (open === '[' ? ']' : '}'));
    return `{"root":${opened.join('')}${value}${closed.join('')}}`;
  });
const values = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.json({ maxDepth: 0 }),
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items}]`),
  ),
  object: fc
    .array(fc.tuple(fc.constantFrom('"a"', '"\\u0061"', '"b"', '"a "', '"{"', '"\\""'), tie('value')), { maxLength: 3 })
    .map((members) => `{${members.map((pair) => pair.join(':')).join(',')}}`),
}));

/** `text` with a piece taken out, or put in again elsewhere. */
const cut = (texts: fc.Arbitrary<string>) =>
  fc.tuple(texts, fc.nat(), fc.nat(8), fc.nat()).map(([text, from, length, to]) => {
    const start = from % (text.length + 1);
    const without = text.slice(0, start) + text.slice(start + length);
    const at = to % (without.length + 1);
    return to % 2 === 0 ? without : without.slice(0, at) + text.slice(start, start + length) + without.slice(at);
  });

/** What JSON.parse makes of `text` where it is an object; undefined where it is none. */
function parseWithNode(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined; // it is no JSON
  }
}

test(
  'a document is accepted exactly where JSON.parse takes it and a second parser finds no key twice and no 33rd level',
  () => {
    const counts = { accepted: 0, duplicate: 0, deep: 0, noObject: 0 };
    const texts = fc.oneof(soup, deep, values.object, cut(values.object), cut(manifestTexts), cut(deep));
    fc.assert(
      fc.property(texts, (text) => {
        const wanted = parseWithNode(text);
        const written = wanted === undefined ? undefined : readWritten(text);
        const isTwice = written !== undefined && hasDuplicate(written);
        const isDeep = written !== undefined && depthOf(written) > 32;
        counts[written === undefined ? 'noObject' : isDeep ? 'deep' : isTwice ? 'duplicate' : 'accepted'] += 1;
        const read = accepted(() => parseJsonObject(encode(text)));
        if (written === undefined || isTwice || isDeep) expect(read, text).toBeUndefined();
        else expect(isDeepStrictEqual(read, wanted), text).toBe(true);
      }),
      runs(1500),
    );
    for (const [kind, count] of Object.entries(counts)) expect(count, kind).toBeGreaterThan(15);
  },
  timeoutMs,
);
