import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqlite } from '@moorage/registry/sqlite';
import { startTestRegistry } from '@moorage/registry/testing';
import { onTestFinished } from 'vitest';
import { type Accounts, createAccounts } from '../src/accounts/accounts.ts';
import { openIdentities } from '../src/identities/open-identities.ts';
import type { Settings } from '../src/settings.ts';

/** What somebody shows: a name and a password, a bearer token, or nothing. */
export type Shown = readonly [string, string] | string | undefined;

/** An answer of the token endpoint. */
export interface TokenAnswer {
  readonly status: number;
  readonly token: string;
  readonly refresh_token: string | undefined;
  /** What a refusal says. */
  readonly message: string | undefined;
}

/** Starts a registry over HTTP on the loopback, whose users come from accounts and from outside, as the server joins them. `clock` is the time for all of it; `restart` makes everything anew on
 *  the same data, under other settings if they are given. */
export async function startOutsideRegistry(
  outside: Partial<Settings>,
  { nowMs = Date.now() }: { readonly nowMs?: number } = {},
) {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-identities-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const clock = { nowMs };
  const now = () => clock.nowMs;
  let running = await start(outside);
  onTestFinished(() => running.close());

  async function start(chosen: Partial<Settings>) {
    const settings = {
      htpasswd: undefined,
      oidc: [],
      open: false,
      'repositories.creation': 'anyone',
      ...chosen,
    } as const;
    const accounts: Accounts = createAccounts({ file: join(directory, 'accounts.db'), now });
    const metadata = sqlite({ file: join(directory, 'registry.db') });
    const log = { info: () => undefined, warn: () => undefined };
    const needs = { settings: { 'tokenServer.realm': undefined, ...settings }, directory, accounts, metadata, log };
    const identities = await openIdentities({ ...needs, now, cooldownMs: 0 });
    try {
      await identities?.ready();
    } catch (error) {
      accounts.close();
      throw error;
    }
    const registry = await startTestRegistry({
      metadata,
      access: { ...accounts, ...identities?.access },
      sources: { now },
    });
    let closed: Promise<void> | undefined;
    const close = () => {
      closed ??= registry.close().then(accounts.close);
      return closed;
    };
    return { ...registry, accounts, metadata, close };
  }

  function headersOf(shown: Shown): Record<string, string> {
    if (shown === undefined) return {};
    if (typeof shown === 'string') return { authorization: `Bearer ${shown}` };
    return { authorization: `Basic ${Buffer.from(shown.join(':')).toString('base64')}` };
  }

  async function fetchToken(request: Promise<Response>): Promise<TokenAnswer> {
    const response = await request;
    const {
      token = '',
      refresh_token,
      errors,
    } = (await response.json()) as Partial<TokenAnswer> & {
      readonly errors?: readonly { readonly message: string }[];
    };
    return { status: response.status, token, refresh_token, message: errors?.[0]?.message };
  }

  return {
    clock,
    directory,
    get accounts() {
      return running.accounts;
    },
    get metadata() {
      return running.metadata;
    },
    get registry() {
      return running.registry;
    },
    get host() {
      return running.host;
    },
    async restart(changed: Partial<Settings> = outside) {
      await running.close();
      running = await start(changed);
    },
    /** The token endpoint, for scopes such as `acme/web:pull,push`. */
    login(shown: Shown, scopes: readonly string[] = [], extra = ''): Promise<TokenAnswer> {
      const query = scopes.map((scope) => `scope=${scope.includes(':*') ? scope : `repository:${scope}`}&`).join('');
      return fetchToken(fetch(`${running.url}/v2/token?${query}${extra}`, { headers: headersOf(shown) }));
    },
    /** The token endpoint with a refresh token. */
    refresh(refreshToken: string, scope: string): Promise<TokenAnswer> {
      const form = { grant_type: 'refresh_token', refresh_token: refreshToken, scope: `repository:${scope}` };
      return fetchToken(fetch(`${running.url}/v2/token`, { method: 'POST', body: new URLSearchParams(form) }));
    },
    /** `GET` of a path below `/v2/`, or another method. */
    async call(shown: Shown, path: string, method = 'GET') {
      const response = await fetch(`${running.url}/v2/${path}`, { method, headers: headersOf(shown) });
      return { status: response.status, body: await response.text() };
    },
    /** The status of opening an upload session. */
    async push(shown: Shown, name: string): Promise<number> {
      return (await fetch(`${running.url}/v2/${name}/blobs/uploads/`, { method: 'POST', headers: headersOf(shown) }))
        .status;
    },
    /** Names in the catalog. */
    async catalog(shown: Shown): Promise<readonly string[]> {
      const response = await fetch(`${running.url}/v2/_catalog`, { headers: headersOf(shown) });
      return ((await response.json()) as { readonly repositories: readonly string[] }).repositories;
    },
    pushImage: (name: string) => running.pushImage(name),
  };
}
