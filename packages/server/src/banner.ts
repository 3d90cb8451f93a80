import type { RequestReport } from '@moorage/registry';
import { chooseClient, type Endpoint } from './clients.ts';

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
  /** Value of `PATH`. */
  readonly searchPath: string;
}

/** The first lines of `moorage serve`: what it is, where everything lies and, where nothing was pushed yet, what to type next. */
export function readyLines({
  version,
  readyMs,
  data,
  address,
  endpoint,
  isEmpty,
  searchPath,
}: Start): readonly string[] {
  const { origin } = endpoint.url;
  const facts = [
    `Moorage ${version} is ready after ${(readyMs / 1000).toFixed(2)} s.`,
    `  data     ${data}`,
    `  address  ${address}${origin === address ? '' : `, for clients ${origin}`}`,
    '  access   open: no login; everyone who reaches the address may pull, push and delete',
  ];
  if (!isEmpty) return facts;
  const commands = chooseClient(endpoint, searchPath).push(endpoint);
  return [
    ...facts,
    '',
    'Push something to it, from another terminal:',
    ...commands.map((command) => `  ${command}`),
    '',
    'Waiting for your first push …',
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
