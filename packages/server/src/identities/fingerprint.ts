import { createHash } from 'node:crypto';

/** Tells a text from others, and nothing of it that could not be guessed: 22 characters for 128 bits of its SHA-256. */
export function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
