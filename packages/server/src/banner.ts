import type { RequestReport } from '@moorage/registry';
import { chooseClient, type Endpoint } from './clients.ts';

/** Who can log in. */
export interface Login {
  readonly name: string;
  /** Of the administrator that the first start made. */
  readonly password?: string;
}

/** What the first lines tell. */
export interface Start {
  readonly version: string;
  readonly readyMs: number;
  /** Absolute path. */
  readonly data: string;
  /** Origin at which the server listens. */
  readonly address: string;
  /** Where clients reach it. */
  readonly endpoint: Endpoint;
  /** Whether nothing was ever pushed. */
  readonly isEmpty: boolean;
  /** Undefined: everything is open. */
  readonly login: Login | undefined;
  /** What people read of a certificate that clients have to be given; by default there is none. */
  readonly trust?: readonly string[];
  /** Value of `PATH`. */
  readonly searchPath: string;
}

/** The first lines of `moorage serve`: what it is, where everything lies, the first password and, where nothing was pushed yet, what to type next. */
export function readyLines(start: Start): readonly string[] {
  const { version, readyMs, data, address, endpoint, isEmpty, login, trust = [], searchPath } = start;
  const { origin } = endpoint.url;
  const client = chooseClient(endpoint, searchPath);
  const access =
    login === undefined
      ? 'open: no login; everyone who reaches the address may pull, push and delete'
      : `by login: ${client.login(endpoint)}`;
  const facts = [
    `Moorage ${version} is ready after ${(readyMs / 1000).toFixed(2)} s.`,
    `  data     ${data}`,
    `  address  ${address}${origin === address ? '' : `, for clients ${origin}`}`,
    `  access   ${access}`,
    ...(trust.length === 0 ? [] : ['', ...trust]),
    ...(login?.password === undefined ? [] : ['', ...passwordLines({ ...login, password: login.password })]),
  ];
  if (!isEmpty) return facts;
  const commands = [...(login === undefined ? [] : [client.login(endpoint)]), ...client.push(endpoint)];
  return [
    ...facts,
    '',
    `${login === undefined ? 'Push' : 'Log in and push'} something to it, from another terminal:`,
    ...commands.map((command) => `  ${command}`),
    '',
    'Waiting for your first push …',
  ];
}

/** What the first start says of the administrator that it made. */
export function passwordLines({ name, password }: Required<Login>): readonly string[] {
  return [
    `There was no user, so the administrator ${name} was made. This password is shown once:`,
    `  ${password}`,
    `Another one is set by: moorage user password ${name} --password-stdin`,
  ];
}

/** What is said when the first push came; `reference` is `name:tag` or `name@digest`. */
export function firstPushLines(
  reference: string,
  { endpoint, searchPath }: Pick<Start, 'endpoint' | 'searchPath'>,
): readonly string[] {
  return [
    `Your first push came: ${reference}. Pull it with:`,
    `  ${chooseClient(endpoint, searchPath).pull(endpoint, reference)}`,
  ];
}

/** The `name:tag` or `name@digest` that a request pushed; undefined where it pushed no manifest. */
export function pushedReference(request: Pick<RequestReport, 'method' | 'target' | 'status'>): string | undefined {
  if (request.method !== 'PUT' || request.status !== 201) return undefined;
  const [, name, reference = ''] = /^\/v2\/(.+)\/manifests\/([^/?]+)/.exec(request.target) ?? [];
  return name === undefined ? undefined : `${name}${reference.includes(':') ? '@' : ':'}${reference}`;
}
