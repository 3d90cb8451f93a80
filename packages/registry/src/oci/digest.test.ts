import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { algorithmOf, digestOf, finishDigest, parseAlgorithm, parseDigest } from './digest.ts';
import { OciError } from './error.ts';

/** Any text at all, halves of surrogate pairs included. */
const anyText = fc.uint16Array({ maxLength: 40 }).map((units) => String.fromCharCode(...units));

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const digests = fc.oneof(
  hex(64).map((encoded) => `sha256:${encoded}`),
  hex(128).map((encoded) => `sha512:${encoded}`),
);

/** The refusal of `text`, or undefined where it is taken. */
function refusalOf(text: string): OciError | undefined {
  try {
    parseDigest(text);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(OciError);
    return error as OciError;
  }
}

test('a digest of sha256 or sha512 is taken as it stands', () => {
  fc.assert(
    fc.property(digests, (text) => {
      expect(parseDigest(text)).toBe(text);
      expect(`${algorithmOf(parseDigest(text))}:`).toBe(text.slice(0, 7));
    }),
  );
});

test('a digest that lost, gained or changed a character is refused', () => {
  const edits = fc.tuple(digests, fc.nat(), fc.constantFrom('', 'g', 'A', 'F', ':', '/', '\n', ' ', '0a', 'é'));
  fc.assert(
    fc.property(edits, ([digest, position, put]) => {
      const at = position % digest.length;
      const edited = digest.slice(0, at) + put + digest.slice(at + 1);
      expect(refusalOf(edited)?.code).toBe(edited === digest ? undefined : 'DIGEST_INVALID');
    }),
  );
});

test('nothing may stand around a digest', () => {
  fc.assert(
    fc.property(digests, fc.constantFrom(' ', '\n', '\0', '/', 'sha256:'), (digest, more) => {
      expect(refusalOf(digest + more)?.code).toBe('DIGEST_INVALID');
      expect(refusalOf(more + digest)?.code).toBe('DIGEST_INVALID');
    }),
  );
});

test('whatever is not a digest is refused with DIGEST_INVALID and nothing else', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        anyText,
        fc.string().map((text) => `sha256:${text}`),
      ),
      (text) => {
        expect(refusalOf(text)).toMatchObject({ code: 'DIGEST_INVALID', status: 400 });
      },
    ),
  );
});

test.each(['md5', 'sha1', 'SHA256', 'sha384', 'blake3', 'constructor', '__proto__', 'toString', ''])(
  'the algorithm %j is refused, as a digest and as a parameter',
  (algorithm) => {
    expect(refusalOf(`${algorithm}:${'0'.repeat(64)}`)?.message).toMatch('sha256 or sha512');
    expect(() => parseAlgorithm(algorithm)).toThrow('use sha256 or sha512');
  },
);

test('a refusal tells how long the digest has to be', () => {
  expect(refusalOf('sha256:abc')?.message).toMatch('sha256 wants 64 characters');
  expect(refusalOf(`sha512:${'0'.repeat(64)}`)?.message).toMatch('sha512 wants 128 characters');
});

test('a hostile text of a mebibyte is refused at once, and quoted in part only', () => {
  const refusal = refusalOf(`sha256:${'a'.repeat(1024 * 1024)}`);
  expect(refusal?.code).toBe('DIGEST_INVALID');
  expect(refusal?.message.length).toBeLessThan(250);
});

test('digests are those of the standard (FIPS 180-4, the message "abc")', () => {
  const abc = new TextEncoder().encode('abc');
  expect(digestOf(abc, 'sha256')).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(digestOf(abc, 'sha512')).toBe(
    'sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  );
});

test('bytes that come in pieces have the digest of the whole', () => {
  const algorithms = fc.constantFrom('sha256' as const, 'sha512' as const);
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), algorithms, (pieces, algorithm) => {
      const hash = createHash(algorithm);
      for (const piece of pieces) hash.update(piece);
      expect(finishDigest(hash, algorithm)).toBe(digestOf(Uint8Array.from(pieces.flatMap((p) => [...p])), algorithm));
    }),
  );
});
