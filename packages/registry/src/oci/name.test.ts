import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OciError } from './error.ts';
import { maximumNameLength, parseReference, parseRepositoryName, parseSessionId, parseTag } from './name.ts';

/** Any text at all, halves of surrogate pairs included. */
const anyText = fc.uint16Array({ maxLength: 40 }).map((units) => String.fromCharCode(...units));

const characters = (from: string) => fc.constantFrom(...from);
const lower = 'abcdefghijklmnopqrstuvwxyz0123456789';
const alphanumerics = fc.string({ unit: characters(lower), minLength: 1, maxLength: 8 });
const separators = fc.oneof(
  fc.constantFrom('.', '_', '__'),
  fc.integer({ min: 1, max: 5 }).map((count) => '-'.repeat(count)),
);
const components = fc
  .tuple(alphanumerics, fc.array(fc.tuple(separators, alphanumerics), { maxLength: 3 }))
  .map(([first, more]) => first + more.map(([separator, rest]) => separator + rest).join(''));
const names = fc.array(components, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const tags = fc
  .tuple(characters('abzABZ059_'), fc.string({ unit: characters('abzABZ059_.-'), maxLength: 127 }))
  .map(([first, rest]) => first + rest);

/** The expressions of the specification, word for word ("Pulling manifests"). */
const specification = {
  name: /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/,
  tag: /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/,
};

/** The code of the refusal, or undefined where the text is taken. */
function codeOf(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(OciError);
    return (error as OciError).code;
  }
}

test('every name of the grammar is taken as it stands', () => {
  fc.assert(fc.property(names, (name) => void expect(parseRepositoryName(name)).toBe(name)));
});

test('a name with one character changed is taken exactly where the specification takes it', () => {
  const edits = fc.tuple(
    names,
    fc.nat(),
    fc.constantFrom('', '.', '_', '-', '/', 'a', 'A', '..', '___', '-_', ' ', '%', '\n', 'é'),
  );
  fc.assert(
    fc.property(edits, ([name, position, put]) => {
      const at = position % (name.length + 1);
      const edited = name.slice(0, at) + put + name.slice(at + 1);
      expect(codeOf(() => parseRepositoryName(edited))).toBe(
        specification.name.test(edited) ? undefined : 'NAME_INVALID',
      );
    }),
    { numRuns: 2000 },
  );
});

test("short texts of the grammar's own characters are taken exactly where the specification takes them", () => {
  fc.assert(
    fc.property(fc.string({ unit: characters('ab0._-/'), maxLength: 10 }), (text) => {
      expect(codeOf(() => parseRepositoryName(text))).toBe(specification.name.test(text) ? undefined : 'NAME_INVALID');
    }),
    { numRuns: 5000 },
  );
});

test.each([
  '',
  '/',
  'a/',
  '/a',
  'a//b',
  '.a',
  'a.',
  'a..b',
  'a._b',
  'a___b',
  'A',
  'a b',
  '../a',
  'a/../b',
  'a\n',
  'a\0',
  'a%2fb',
  'ａ',
  'a:b',
  'a@b',
])('the name %j is refused with NAME_INVALID', (name) => {
  expect(codeOf(() => parseRepositoryName(name))).toBe('NAME_INVALID');
});

test('a name has at most 255 characters', () => {
  expect(maximumNameLength).toBe(255);
  expect(parseRepositoryName('a'.repeat(255))).toHaveLength(255);
  expect(codeOf(() => parseRepositoryName('a'.repeat(256)))).toBe('NAME_INVALID');
});

test.each([
  'a'.repeat(100_000),
  `${'a-'.repeat(50_000)}!`,
  `${'a/'.repeat(50_000)}`,
  '-'.repeat(100_000),
  `${'a'.repeat(254)}!`,
  `${'a_'.repeat(127)}!`,
])('a hostile name is refused at once, and quoted in part only (%#)', (name) => {
  expect(() => parseRepositoryName(name)).toThrow(OciError);
  expect(codeOf(() => parseTag(name))).toBe('MANIFEST_INVALID');
  try {
    parseRepositoryName(name);
  } catch (error) {
    expect((error as OciError).message.length).toBeLessThan(300);
  }
});

test('every tag of the grammar is taken as it stands', () => {
  fc.assert(
    fc.property(tags, (tag) => {
      expect(parseTag(tag)).toBe(tag);
      expect(parseReference(tag)).toEqual({ tag });
    }),
  );
});

test('any text is a tag exactly where the specification takes it, and else MANIFEST_INVALID', () => {
  const texts = fc.oneof(
    fc.string({ unit: characters('aA0._-/:+ \n') }),
    anyText,
    tags.map((tag) => `${tag}a`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect(codeOf(() => parseTag(text))).toBe(specification.tag.test(text) ? undefined : 'MANIFEST_INVALID');
    }),
    { numRuns: 2000 },
  );
});

test('a tag has at most 128 characters', () => {
  expect(parseTag('a'.repeat(128))).toHaveLength(128);
  expect(codeOf(() => parseTag('a'.repeat(129)))).toBe('MANIFEST_INVALID');
});

test('a reference with a colon is a digest, and a bad one is told as such', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  expect(parseReference(digest)).toEqual({ digest });
  expect(codeOf(() => parseReference('sha256:abc'))).toBe('DIGEST_INVALID');
  expect(codeOf(() => parseReference('a:b'))).toBe('DIGEST_INVALID');
  expect(codeOf(() => parseReference('-a'))).toBe('MANIFEST_INVALID');
});

test('a session id is a UUID in lower case, and nothing else was ever given out', () => {
  fc.assert(fc.property(fc.uuid(), (id) => void expect(parseSessionId(id)).toBe(id)));
  fc.assert(
    fc.property(
      fc.oneof(
        anyText,
        fc.uuid().map((id) => `${id}\n`),
        fc.uuid().map((id) => `../${id}`),
      ),
      (text) => {
        expect(codeOf(() => parseSessionId(text))).toBe('BLOB_UPLOAD_UNKNOWN');
      },
    ),
  );
  expect(codeOf(() => parseSessionId('0'.repeat(100_000)))).toBe('BLOB_UPLOAD_UNKNOWN');
});

test('what is no text is no repository name, whatever JavaScript hands over', () => {
  for (const value of [undefined, null, 7, {}, ['a']]) {
    expect(() => parseRepositoryName(value as string)).toThrow(expect.objectContaining({ code: 'NAME_INVALID' }));
  }
});
