import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';

const maximumBytes = 1024;

/** What a password must be; completes "it must be …". */
export const passwordRule = `one line of 1 to ${maximumBytes} bytes without control characters`;

/** Whether a password can be set: clients send no control characters (RFC 7617, section 2). */
export function isPassword(text: string): boolean {
  return text !== '' && Buffer.byteLength(text) <= maximumBytes && !/\p{Cc}/u.test(text);
}

/** A password that nobody can guess: 144 random bits as letters, digits, `_` and `-`. */
export function randomPassword(): string {
  return randomBytes(18).toString('base64url');
}

/** Argon2id in the PHC form, with the library's defaults, which OWASP's Password Storage Cheat Sheet names: 19 MiB, two passes, one lane. */
export function hashPassword(password: string): Promise<string> {
  return hash(password);
}

/** Takes as long for every hash that `hashPassword` made, whatever the password, and for `nobodysHash`. */
export function passwordMatches(passwordHash: string, password: string): Promise<boolean> {
  return verify(passwordHash, password);
}

/** Stands in for the hash of a user who is not there. No password is known that it would match. */
export const nobodysHash = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
