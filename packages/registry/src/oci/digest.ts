import { createHash, type Hash } from 'node:crypto';
import { OciError, quote } from './error.ts';

declare const digestBrand: unique symbol;
/** A checked digest, `algorithm:hex` in lower case (image-spec, "Digests"). */
export type Digest = string & { readonly [digestBrand]: true };

/** The algorithms that content can be pushed under. */
export type DigestAlgorithm = 'sha256' | 'sha512';

const hexLength: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };
const pattern = /^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** `text` as a digest; else `DIGEST_INVALID` that tells what is wrong with it. */
export function parseDigest(text: string): Digest {
  if (pattern.test(text)) return text as Digest;
  const [algorithm = ''] = text.split(':', 1);
  if (!isAlgorithm(algorithm)) {
    throw new OciError(
      'DIGEST_INVALID',
      `${quote(text)} is not a digest of sha256 or sha512, the supported algorithms.`,
    );
  }
  throw new OciError(
    'DIGEST_INVALID',
    `${quote(text)} is not a digest: ${algorithm} wants ${hexLength[algorithm]} characters of 0-9 and a-f.`,
  );
}

/** The value of a `digest-algorithm` parameter (end-4c); else `DIGEST_INVALID`. */
export function parseAlgorithm(text: string): DigestAlgorithm {
  if (isAlgorithm(text)) return text;
  throw new OciError('DIGEST_INVALID', `${quote(text)} is not a supported digest algorithm: use sha256 or sha512.`);
}

/** The algorithm of a digest. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha256:') ? 'sha256' : 'sha512';
}

/** The digest of `bytes`. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm): Digest {
  return finishDigest(createHash(algorithm).update(bytes), algorithm);
}

/** The digest of all that `hash` was fed; `hash` cannot be used afterwards (copy it to go on). */
export function finishDigest(hash: Hash, algorithm: DigestAlgorithm): Digest {
  return `${algorithm}:${hash.digest('hex')}` as Digest;
}

function isAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(hexLength, text);
}
