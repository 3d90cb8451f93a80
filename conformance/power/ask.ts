import { createHash } from 'node:crypto';
import type { Cell, State } from './ledger.ts';

/** Sends a request to a registry, by its path. */
export type Ask = (path: string, init?: RequestInit) => Promise<Answer>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** Asks the server at `url`; rejects with `Unanswered` when it is gone. */
export function askServer(url: string): Ask {
  return async (path, init) => {
    try {
      return await toAnswer(await fetch(new URL(path, url), init));
    } catch (cause) {
      throw new Unanswered(`${init?.method ?? 'GET'} ${path} has no answer`, { cause });
    }
  };
}

/** The whole of an answer. */
export async function toAnswer(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) };
}

/** The digest of `bytes`. */
export function digestOf(bytes: Uint8Array): `sha256:${string}` {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** An answer with one of `statuses`; throws when it has another one. */
export async function expectStatus(
  asking: Promise<Answer>,
  what: string,
  statuses: readonly number[],
): Promise<Answer> {
  const answer = await asking;
  if (statuses.includes(answer.status)) return answer;
  const said = new TextDecoder().decode(answer.bytes.subarray(0, 300));
  throw new Fault(`${what}: answered ${answer.status} ${said}`);
}

/** The registry did what it must not do. */
export class Fault extends Error {}

/** No whole answer came. */
export class Unanswered extends Error {}

/** For requests to a server that is killed: throws every other error again. */
export function unlessUnanswered(error: unknown): void {
  if (!(error instanceof Unanswered)) throw error;
}

/** What the registry says that a cell holds, every byte compared with its digest; throws a `Fault` for an answer that is neither the thing nor its absence. */
export async function look(ask: Ask, cell: Cell): Promise<State> {
  const { kind, repository, name } = cell;
  const what = `${kind} ${repository} ${name}`;
  const get = (path: string, status: number) => expectStatus(ask(path), what, [status, 404]);
  switch (kind) {
    case 'session':
      return (await get(name, 204)).status === 204 ? 'present' : 'absent';
    case 'blob': {
      const { status, bytes } = await get(`/v2/${repository}/blobs/${name}`, 200);
      if (status === 404) return 'absent';
      if (digestOf(bytes) !== name) throw new Fault(`${what}: other bytes are served (${bytes.length})`);
      return 'present';
    }
    case 'manifest':
    case 'tag': {
      const { status, bytes, headers } = await get(`/v2/${repository}/manifests/${name}`, 200);
      if (status === 404) return 'absent';
      const digest = digestOf(bytes);
      const said = headers.get('docker-content-digest');
      if (said !== digest) throw new Fault(`${what}: said to be ${said}, and is ${digest}`);
      if (kind === 'tag') return digest;
      if (digest !== name) throw new Fault(`${what}: other bytes are served (${bytes.length})`);
      return 'present';
    }
  }
}
