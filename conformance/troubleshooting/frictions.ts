import type { Case } from '../tls/server.ts';
import { logins } from './logins.ts';
import { proxies } from './proxies.ts';
import { storage } from './storage.ts';

/** Every case, each of which docs/troubleshooting.md names. */
export const frictions: readonly Case[] = [...proxies, ...logins, ...storage];
