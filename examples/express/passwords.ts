import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<string, Uint8Array, number, ScryptOptions, Uint8Array>(scrypt);
/** 16 MiB and some 0.2 s of one core: slow to guess, quick enough to log in. */
const cost: ScryptOptions = { N: 2 ** 14, r: 8, p: 5 };
const hashBytes = 32;

/** What is kept of a password: a random salt and the hash that belongs to it. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, hashBytes, cost);
  return `${salt.toString('base64')}:${Buffer.from(hash).toString('base64')}`;
}

/** Whether `kept` is of this password. Takes as long where nothing is kept, so that the time does not tell which users there are. */
export async function verifyPassword(password: string, kept: string | undefined): Promise<boolean> {
  const [salt = '', hash = ''] = (kept ?? ':').split(':');
  const derived = await derive(password, Buffer.from(salt, 'base64'), hashBytes, cost);
  const wanted = Buffer.from(hash, 'base64');
  return wanted.length === hashBytes && timingSafeEqual(derived, wanted);
}
