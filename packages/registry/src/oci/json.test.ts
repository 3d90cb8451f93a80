import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OciError } from './error.ts';
import { parseJsonObject } from './json.ts';

/** Any text at all, halves of surrogate pairs included. */
const anyText = fc.uint16Array({ maxLength: 40 }).map((units) => String.fromCharCode(...units));

/** Compares as Node does: Vitest takes the key `constructor` for the constructor. */
const isJsonOf = (text: string) => (value: unknown) => isDeepStrictEqual(value, JSON.parse(text));
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** How a document is spelled: with every character of its strings escaped, and with space between its tokens. */
interface Spelling {
  readonly escaped: boolean;
  readonly space: string;
}

const spellings: fc.Arbitrary<Spelling> = fc.record({
  escaped: fc.boolean(),
  space: fc.constantFrom('', ' ', '\n\t ', '\r\n'),
});

function spellString(text: string, { escaped }: Pick<Spelling, 'escaped'>): string {
  if (!escaped) return JSON.stringify(text);
  const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`;
}

function spell(value: unknown, spelling: Spelling): string {
  const { space } = spelling;
  if (typeof value === 'string') return spellString(value, spelling);
  if (Array.isArray(value))
    return `[${space}${value.map((item) => spell(item, spelling)).join(`${space},${space}`)}${space}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, item]) => `${spellString(key, spelling)}${space}:${space}${spell(item, spelling)}`,
  );
  return `{${space}${members.join(`,${space}`)}${space}}`;
}

const keys = fc.oneof(
  anyText,
  fc.constantFrom('mediaType', '__proto__', 'constructor', 'toString', '{', '}', '":', '\\', '\\"', ':', '[', 'é', '🛳'),
);
const documents = fc.dictionary(keys, fc.jsonValue({ maxDepth: 5 }), { maxKeys: 6 });

/** The refusal of `text`, or undefined where it is taken. */
function refusalOf(document: string | Uint8Array): OciError | undefined {
  try {
    parseJsonObject(typeof document === 'string' ? encode(document) : document);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(OciError);
    expect(error).toMatchObject({ code: 'MANIFEST_INVALID', status: 400 });
    return error as OciError;
  }
}

test('a document without duplicate keys is what JSON.parse makes of it, however it is spelled', () => {
  fc.assert(
    fc.property(documents, spellings, (document, spelling) => {
      const text = spell(document, spelling);
      expect(parseJsonObject(encode(text))).toSatisfy(isJsonOf(text));
    }),
    { numRuns: 1000 },
  );
});

test('a document with a key twice in one object is refused, however the two are spelled and however deep it lies', () => {
  const deep = fc.array(fc.constantFrom('object', 'array'), { maxLength: 6 });
  fc.assert(
    fc.property(
      fc.tuple(documents, keys, fc.jsonValue(), deep),
      spellings,
      fc.boolean(),
      ([document, key, value, path], spelling, escaped) => {
        const first = spell({ ...document, [key]: value }, spelling);
        let text = `${first.slice(0, -1)},${spellString(key, { escaped })}:0}`;
        for (const step of path) text = step === 'array' ? `[0,${text}]` : `{"a":{},"b":${text}}`;
        expect(refusalOf(`{"a":${text}}`)?.message).toMatch(' twice in one object');
      },
    ),
    { numRuns: 1000 },
  );
});

test.each([
  '{"a":1,"a":1}',
  '{"a":1,"\\u0061":2}',
  '{"\\u0061":1,"\\u0061":2}',
  '{"/":1,"\\/":2}',
  '{"é":1,"\\u00e9":2}',
  '{"🛳":1,"\\ud83d\\udef3":2}',
  '{"":1,"":2}',
  '{"__proto__":1,"__proto__":2}',
  '{"a":{"b":[{"c":1,"c":2}]}}',
  '{"a":[{"b":1},{"b":1,"b":2}]}',
  '{"a":{"a":1},"a":2}',
  '{"a"\n:1,"a"\t:2}',
])('the duplicate key in %s is found', (text) => {
  expect(refusalOf(text)?.message).toMatch(' twice in one object');
});

test.each([
  '{"a":{"a":{"a":1}}}',
  '{"a":[{"a":1},{"a":1}]}',
  '{"a":"a","b":"a"}',
  '{"a":["a","a","b:","{\\"a\\":1,\\"a\\":2}"]}',
  '{"a":"\\\\","b":"\\\\\\""}',
  '{"a":1,"A":2}',
  '{"é":1,"e\u0301":2}',
])('%s has no duplicate key', (text) => {
  expect(parseJsonObject(encode(text))).toSatisfy(isJsonOf(text));
});

test("a key of an object's own machinery is a key like any other, and changes no prototype", () => {
  const text = '{"__proto__":{"config":1,"toString":2},"constructor":{"prototype":{"polluted":1}},"hasOwnProperty":3}';
  const document = parseJsonObject(encode(text));
  expect(Object.keys(document)).toEqual(['__proto__', 'constructor', 'hasOwnProperty']);
  expect(Object.getPrototypeOf(document)).toBe(Object.prototype);
  expect(document['config']).toBeUndefined();
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});

test('32 levels are taken and 33 are refused, of arrays and objects alike', () => {
  const nested = (levels: number, open: string, close: string): string =>
    `{"a":${open.repeat(levels - 1)}0${close.repeat(levels - 1)}}`;
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    expect(refusalOf(nested(32, open, close))).toBeUndefined();
    expect(refusalOf(nested(33, open, close))?.message).toMatch('deeper than 32');
  }
  expect(refusalOf(`{"a":[${'{},'.repeat(1000)}{}]}`)).toBeUndefined();
  expect(refusalOf(`{"a":"${'[{'.repeat(1000)}"}`)).toBeUndefined();
});

test.each([
  ['', 'not JSON'],
  [' ', 'not JSON'],
  ['{', 'not JSON'],
  ['{"a"', 'not JSON'],
  ['{"a":1,}', 'not JSON'],
  ["{'a':1}", 'not JSON'],
  ['{a:1}', 'not JSON'],
  ['{"a":01}', 'not JSON'],
  ['{"a":NaN}', 'not JSON'],
  ['{"a":"\n"}', 'not JSON'],
  ['{"\\x":1}', 'not JSON'],
  ['{"\\u12":1}', 'not JSON'],
  ['{} {}', 'not JSON'],
  ['{}x', 'not JSON'],
  ['{}\0', 'not JSON'],
  ['{} // comment', 'not JSON'],
  ['\ufeff{}', 'not JSON'],
  ['[]', 'not a JSON object'],
  ['null', 'not a JSON object'],
  ['1', 'not a JSON object'],
  ['"{}"', 'not a JSON object'],
])('%j is refused as %s', (text, why) => {
  expect(refusalOf(text)?.message).toMatch(why);
});

test('a refusal quotes nothing that a terminal would obey', () => {
  expect(refusalOf('\u001b[31m{"a":1}')?.message).toMatch(/^[\x20-\x7e]+$/);
  expect(refusalOf('{"\u001b[31m":1,"\u001b[31m":2}')?.message).toMatch(/^[\x20-\x7e]+$/);
});

test.each([
  ['a lone continuation byte', [0x80]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
  ['a code point beyond the last', [0xf4, 0x90, 0x80, 0x80]],
  ['a sequence that is cut short', [0xe2, 0x82]],
])('%s is refused: it is not UTF-8', (_name, bytes) => {
  const document = Uint8Array.from([...encode('{"a":"'), ...bytes, ...encode('"}')]);
  expect(refusalOf(document)?.message).toMatch('not UTF-8');
});

test('UTF-16 is refused', () => {
  expect(refusalOf(Uint8Array.from(Buffer.from('\ufeff{}', 'utf16le')))).toBeDefined();
});

test('numbers of any size are harmless', () => {
  const text = '{"a":1e999,"b":-1e999,"c":123456789012345678901234567890,"d":1e-999,"e":-0}';
  expect(parseJsonObject(encode(text))).toSatisfy(isJsonOf(text));
});

test('any bytes are an object or are refused with MANIFEST_INVALID', () => {
  const bytes = fc.oneof(
    fc.uint8Array(),
    anyText.map(encode),
    fc.string({ unit: fc.constantFrom(...'{}[]:,"\\a0 u') }).map(encode),
  );
  fc.assert(
    fc.property(bytes, (document) => {
      if (refusalOf(document) === undefined) {
        expect(parseJsonObject(document)).toSatisfy(isJsonOf(new TextDecoder().decode(document)));
      }
    }),
    { numRuns: 3000 },
  );
});

const mebibyte = 1024 * 1024;
test.each([
  ['quotes', '"'.repeat(4 * mebibyte)],
  ['escaped quotes that never end', `{"${'\\"'.repeat(2 * mebibyte)}`],
  ['backslashes', `{"${'\\'.repeat(4 * mebibyte)}`],
  ['open brackets', '['.repeat(4 * mebibyte)],
  ['closing brackets', ']'.repeat(4 * mebibyte)],
  ['colons', `{"a"${':'.repeat(4 * mebibyte)}`],
  ['strings without commas', `{${'"a" '.repeat(mebibyte)}}`],
  ['spaces', ' '.repeat(4 * mebibyte)],
])('four mebibytes of %s are refused at once', (_name, text) => {
  expect(refusalOf(text)).toBeDefined();
});

test('a string of tens of mebibytes of escapes is read', () => {
  expect(Object.values(parseJsonObject(encode(`{"a":"${'\\n'.repeat(10 * mebibyte)}"}`)))).toHaveLength(1);
});

test('a document may have a hundred thousand keys in all its objects, and no more', () => {
  const part = (name: string, keys: number) =>
    `"${name}":{${Array.from({ length: keys }, (_, n) => `"k${n}":0`).join()}}`;
  const document = (keys: number) => new TextEncoder().encode(`{${part('a', 49_998)},${part('b', keys)}}`);
  expect(Object.keys(parseJsonObject(document(50_000)))).toEqual(['a', 'b']);
  expect(() => parseJsonObject(document(50_001))).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }));
});
