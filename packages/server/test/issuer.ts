import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** What a token says beside what `sign` gives it by itself. */
export type Claims = Readonly<Record<string, unknown>>;

/** How a token is signed other than with the issuer's newest key. */
export interface SignOptions {
  readonly alg?: string;
  readonly kid?: string;
  readonly key?: CryptoKey | Uint8Array;
}

/** An OpenID Connect issuer on the loopback, for tests: it signs what it is asked to. */
export interface TestIssuer {
  readonly url: string;
  /** A token of this issuer, good for five minutes from now unless the claims say otherwise; a claim that is undefined is left out. */
  sign(claims: Claims, options?: SignOptions): Promise<string>;
  /** Signs with a new key from now on; the keys before are not published any more. */
  rotate(alg?: string): Promise<void>;
  /** The newest public key. */
  publicKey(): JWK;
  /** How often a path was asked for. */
  countOf(path: string): number;
  /** Answers a path in the place of the issuer; undefined: the issuer again. */
  answer(path: string, how: ((response: ServerResponse) => void) | undefined): void;
  /** What the token endpoint answers to a device, one after the other: an error of RFC 8628, or the ID token. */
  readonly deviceAnswers: ({ readonly error: string } | { readonly id_token: string })[];
  /** Forms that the device and token endpoints got. */
  readonly forms: URLSearchParams[];
  close(): Promise<void>;
}

/** Starts an issuer with one key of `alg`. `now` is its clock. */
export async function startIssuer({ alg = 'RS256', now = Date.now } = {}): Promise<TestIssuer> {
  let keys = await newKey(alg, 1);
  let number = 1;
  const counts = new Map<string, number>();
  const answers = new Map<string, (response: ServerResponse) => void>();
  const deviceAnswers: TestIssuer['deviceAnswers'] = [];
  const forms: URLSearchParams[] = [];
  const json = (response: ServerResponse, status: number, document: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    counts.set(path, (counts.get(path) ?? 0) + 1);
    const other = answers.get(path);
    if (other !== undefined) return other(response);
    switch (path) {
      case '/.well-known/openid-configuration':
        return json(response, 200, {
          issuer: url,
          jwks_uri: `${url}/keys`,
          device_authorization_endpoint: `${url}/device`,
          token_endpoint: `${url}/token`,
        });
      case '/keys':
        return json(response, 200, { keys: [keys.jwk] });
      case '/device':
        forms.push(new URLSearchParams(await text(request)));
        return json(response, 200, {
          device_code: 'secret-device-code',
          user_code: 'WDJB-MJHT',
          verification_uri: `${url}/activate`,
          verification_uri_complete: `${url}/activate?user_code=WDJB-MJHT`,
          expires_in: 600,
          interval: 1,
        });
      case '/token': {
        forms.push(new URLSearchParams(await text(request)));
        const answer = deviceAnswers.shift() ?? { error: 'invalid_grant' };
        return json(response, 'error' in answer ? 400 : 200, answer);
      }
      default:
        return json(response, 404, {});
    }
  }

  const server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    deviceAnswers,
    forms,
    sign(claims, options = {}) {
      const seconds = Math.floor(now() / 1000);
      const all = { iss: url, sub: 'somebody', iat: seconds, exp: seconds + 300, ...claims };
      const header = { alg: options.alg ?? keys.alg, kid: options.kid ?? keys.jwk.kid ?? '' };
      return new SignJWT(all).setProtectedHeader(header).sign(options.key ?? keys.privateKey);
    },
    async rotate(other = keys.alg) {
      number += 1;
      keys = await newKey(other, number);
    },
    publicKey: () => keys.jwk,
    countOf: (path) => counts.get(path) ?? 0,
    answer(path, how) {
      if (how === undefined) answers.delete(path);
      else answers.set(path, how);
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function newKey(alg: string, number: number) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid: `key-${number}`, alg, use: 'sig' } as JWK };
}
