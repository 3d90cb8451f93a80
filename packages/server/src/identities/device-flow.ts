import { setTimeout as delay } from 'node:timers/promises';
import { ExitError } from '../exit-error.ts';
import { discover, endpointOf, fetchBounded, isSafeUrl, reasonOf } from './bounded-fetch.ts';
import type { LoginDocument } from './login-document.ts';

/** Where somebody types which code, on any machine with a browser. */
export interface DevicePrompt {
  readonly url: string;
  readonly code: string;
  /** With the code in it, where the issuer has such an address. */
  readonly urlWithCode: string | undefined;
  readonly expiresInSeconds: number;
}

/** How a device login is shown and timed. */
export interface DeviceFlowOptions {
  show(prompt: DevicePrompt): void;
  /** Waits so many ms; for tests. */
  wait?(ms: number): Promise<unknown>;
}

/** Without an `interval` clients ask every 5 s, and so much slower after `slow_down` (RFC 8628, section 3.5). */
const intervalSeconds = 5;

/** An answer to a `GET`, whole. */
export interface Fetched {
  readonly status: number;
  readonly text: string;
}

/** What the document at `/.well-known/moorage` of `origin` (`https://hub.example`) says, which `get` fetches; else an `ExitError`. */
export async function fetchLoginDocument(
  origin: string,
  get: (url: string) => Promise<Fetched> = getBounded,
): Promise<LoginDocument> {
  const url = `${origin.replace(/\/$/, '')}/.well-known/moorage`;
  const { status, text } = await get(url);
  const { issuer, clientId, scopes } = status === 200 ? parseObject(text) : {};
  if (typeof issuer === 'string' && typeof clientId === 'string' && isTexts(scopes) && isSafeUrl(issuer)) {
    return { issuer, clientId, scopes };
  }
  const reason = status === 200 ? 'it is no such document' : `status ${status}`;
  throw new ExitError(
    `${origin} does not say where people log in with a code (${url}: ${reason}): log in with a name and a password.`,
  );
}

async function getBounded(url: string): Promise<Fetched> {
  try {
    const response = await fetchBounded(url, { headers: { accept: 'application/json' } });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    throw new ExitError(`${url} cannot be read: ${reasonOf(error)}.`, { cause: error });
  }
}

/** Logs somebody in at the issuer of a registry with a code that they type into a browser (RFC 8628); resolves with the ID token, to be shown to the registry as a password. Rejects with an
 *  `ExitError` where they refuse, take too long, or the issuer has no such login. */
export async function runDeviceFlow(
  { issuer, clientId, scopes }: LoginDocument,
  { show, wait = delay }: DeviceFlowOptions,
): Promise<string> {
  const endpoints = await findEndpoints(issuer);
  const form = { client_id: clientId, scope: scopes.join(' ') };
  const { status, answer } = await post(endpoints.device, form).catch((error: unknown) => {
    throw new ExitError(`${issuer} cannot be reached: ${reasonOf(error)}.`, { cause: error });
  });
  const prompt = status === 200 ? readPrompt(answer) : undefined;
  const deviceCode = answer['device_code'];
  if (prompt === undefined || typeof deviceCode !== 'string') {
    throw new ExitError(`${issuer} gave no code to log in with: ${errorOf(answer) ?? `status ${status}`}.`);
  }
  show(prompt);
  return pollToken(endpoints.token, {
    form: { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: deviceCode, client_id: clientId },
    seconds: { interval: atLeastOne(answer['interval']) ?? intervalSeconds, expires: prompt.expiresInSeconds },
    issuer,
    wait,
  });
}

async function findEndpoints(issuer: string): Promise<{ readonly device: string; readonly token: string }> {
  try {
    const metadata = await discover(issuer);
    return {
      device: endpointOf(metadata, 'device_authorization_endpoint'),
      token: endpointOf(metadata, 'token_endpoint'),
    };
  } catch (error) {
    throw new ExitError(`Nobody can log in at ${issuer} with a code: ${reasonOf(error)}.`, { cause: error });
  }
}

interface Poll {
  readonly form: Readonly<Record<string, string>>;
  readonly seconds: { readonly interval: number; readonly expires: number };
  readonly issuer: string;
  wait(ms: number): Promise<unknown>;
}

/** Asks again and again, slower where the issuer wants it or cannot be reached (RFC 8628, section 3.5). */
async function pollToken(endpoint: string, { form, seconds, issuer, wait }: Poll): Promise<string> {
  let pauseSeconds = seconds.interval;
  for (let passed = 0; passed <= seconds.expires; ) {
    await wait(pauseSeconds * 1000);
    passed += pauseSeconds;
    const reply = await post(endpoint, form).catch(() => undefined); // gone for a moment: asked again, slower
    if (reply === undefined) {
      pauseSeconds *= 2;
      continue;
    }
    const { status, answer } = reply;
    if (status === 200) {
      const token = answer['id_token'];
      if (typeof token === 'string' && token !== '') return token;
      throw new ExitError(
        `${issuer} gave no ID token: its client must be one of OpenID Connect, with the scope openid.`,
      );
    }
    switch (answer['error']) {
      case 'authorization_pending':
        break;
      case 'slow_down':
        pauseSeconds += intervalSeconds;
        break;
      case 'access_denied':
        throw new ExitError(`The login was refused at ${issuer}.`);
      case 'expired_token':
        passed = Number.POSITIVE_INFINITY;
        break;
      default:
        throw new ExitError(`${issuer} refused the login: ${errorOf(answer) ?? `status ${status}`}.`);
    }
  }
  throw new ExitError('Nobody typed the code in time: log in again.');
}

async function post(url: string, form: Readonly<Record<string, string>>) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  const response = await fetchBounded(url, { method: 'POST', headers, body: new URLSearchParams(form).toString() });
  return { status: response.status, answer: parseObject(await response.text()) };
}

/** Nothing where it is no JSON object, as the error page of a proxy. */
function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {}; // its status says all
  }
}

/** Undefined where something is missing. What comes from a server must not steer the terminal, nor open anything but a page. */
function readPrompt(answer: Readonly<Record<string, unknown>>): DevicePrompt | undefined {
  const { user_code: code, verification_uri: url, verification_uri_complete: complete } = answer;
  if (typeof code !== 'string' || typeof url !== 'string' || !isSafeUrl(url) || !/^[\x21-\x7e ]{1,64}$/.test(code)) {
    return undefined;
  }
  const urlWithCode = typeof complete === 'string' && isSafeUrl(complete) ? new URL(complete).href : undefined;
  return { url: new URL(url).href, code, urlWithCode, expiresInSeconds: atLeastOne(answer['expires_in']) ?? 300 };
}

function errorOf({ error, error_description: description }: Readonly<Record<string, unknown>>): string | undefined {
  const texts = [error, description].filter((text) => typeof text === 'string');
  return texts.length === 0
    ? undefined
    : texts
        .join(', ')
        .replace(/[^\x20-\x7e]/g, '?')
        .slice(0, 200);
}

function atLeastOne(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 1 ? Math.min(value, 3600) : undefined;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
