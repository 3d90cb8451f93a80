import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OciError } from './error.ts';
import { isMediaType, mediaTypes, parseContentType } from './media-type.ts';

/** Any text at all, halves of surrogate pairs included. */
const anyText = fc.uint16Array({ maxLength: 40 }).map((units) => String.fromCharCode(...units));

test.each([
  ...Object.values(mediaTypes),
  'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.docker.container.image.v1+json',
  'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
  'application/vnd.dev.cosign.simplesigning.v1+json',
  'application/vnd.buildkit.cacheconfig.v0',
  'text/x-c++',
  'Application/JSON',
])('%s is a media type', (text) => {
  expect(isMediaType(text)).toBe(true);
  expect(parseContentType(text)).toBe(text);
});

test.each([
  '',
  'json',
  '/json',
  'text/',
  'text/a/b',
  'text/a b',
  'text /a',
  'text/a;b=c',
  '*/*',
  'text/a,text/b',
  'text/é',
  'text/a\n',
  '.text/a',
])('%j is not a media type', (text) => {
  expect(isMediaType(text)).toBe(false);
});

test('each half of a media type has at most 127 characters', () => {
  expect(isMediaType(`${'a'.repeat(127)}/${'b'.repeat(127)}`)).toBe(true);
  expect(isMediaType(`${'a'.repeat(128)}/b`)).toBe(false);
  expect(isMediaType(`a/${'b'.repeat(128)}`)).toBe(false);
});

test.each(['text/plain;charset=utf-8', 'text/plain ; charset="a;b"', ' text/plain ', 'text/plain;', 'text/plain;;'])(
  'parameters and spaces of the Content-Type %j are dropped',
  (header) => {
    expect(parseContentType(header)).toBe('text/plain');
  },
);

test.each([undefined, '', '   '])('a Content-Type of %j is none', (header) => {
  expect(parseContentType(header)).toBeUndefined();
});

test('any header is none, a media type, or refused with MANIFEST_INVALID', () => {
  fc.assert(
    fc.property(anyText, (header) => {
      try {
        const mediaType = parseContentType(header);
        expect(mediaType === undefined ? header.trim() === '' : isMediaType(mediaType)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(OciError);
        expect(error).toMatchObject({ code: 'MANIFEST_INVALID', status: 400 });
      }
    }),
  );
});

test.each([
  ' '.repeat(200_000),
  `${'a'.repeat(200_000)}/b`,
  `a/${'b'.repeat(200_000)}`,
  ';'.repeat(200_000),
  '/'.repeat(200_000),
])('a hostile Content-Type is answered at once (%#)', (header) => {
  expect(isMediaType(header)).toBe(false);
  if (header.trim() !== '') expect(() => parseContentType(header)).toThrow(OciError);
});
