import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request as openRequest } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Content, MIB } from './content.ts';

const patchMib = 16;

type Ask = {
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Iterable<Uint8Array>;
  readonly status: number;
};

/** Sends a request on a connection of its own and returns the answer, its body unread. Throws when the status is another than `status`. */
async function send(method: string, url: string, { headers = {}, body = [], status }: Ask): Promise<IncomingMessage> {
  const request = openRequest(url, { method, headers, agent: false });
  const answered = once(request, 'response');
  const [[answer]] = (await Promise.all([answered, pipeline(Readable.from(body, { objectMode: false }), request)])) as [
    [IncomingMessage],
    unknown,
  ];
  if (answer.statusCode === status) return answer;
  const text = (await answer.toArray()).join('');
  throw new Error(`${method} ${url} was answered with ${answer.statusCode} in place of ${status}: ${text}`);
}

/** As `send`, for an answer whose body does not matter. Returns the URL in its `Location`. */
export async function ask(method: string, url: string, request: Ask): Promise<string> {
  const answer = await send(method, url, request);
  answer.resume();
  await once(answer, 'end');
  return new URL(answer.headers.location ?? '', url).href;
}

/** Opens an upload session and returns its URL. */
export function openSession(repository: string): Promise<string> {
  return ask('POST', `${repository}/blobs/uploads/`, { status: 202, headers: { 'Content-Length': 0 } });
}

/** Pushes a content by POST and one PUT. */
export async function pushWhole(repository: string, content: Content): Promise<void> {
  const session = await openSession(repository);
  await ask('PUT', `${session}?digest=${content.digest}`, {
    status: 201,
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': content.sizeBytes },
    body: content.chunks(0, content.sizeBytes / MIB),
  });
}

/** Pushes a content by POST, a PATCH for each 16 MiB, and a PUT without a body. */
export async function pushInChunks(repository: string, content: Content): Promise<void> {
  let session = await openSession(repository);
  const patchBytes = patchMib * MIB;
  for (let offset = 0; offset < content.sizeBytes; offset += patchBytes) {
    session = await ask('PATCH', session, {
      status: 202,
      headers: {
        'Content-Type': 'application/octet-stream',
        'Content-Length': patchBytes,
        'Content-Range': `${offset}-${offset + patchBytes - 1}`,
      },
      body: content.chunks(offset / MIB, patchMib),
    });
  }
  await ask('PUT', `${session}?digest=${content.digest}`, { status: 201, headers: { 'Content-Length': 0 } });
}

/** Pushes a content by POST and one PATCH that does not say how long it is, as docker does. */
export async function pushUnmeasured(repository: string, content: Content): Promise<void> {
  const session = await ask('PATCH', await openSession(repository), {
    status: 202,
    headers: { 'Content-Type': 'application/octet-stream' },
    body: content.chunks(0, content.sizeBytes / MIB),
  });
  await ask('PUT', `${session}?digest=${content.digest}`, { status: 201, headers: { 'Content-Length': 0 } });
}

/** Pulls a content and compares every byte, by its digest. */
export async function pull(repository: string, content: Content): Promise<void> {
  const answer = await send('GET', `${repository}/blobs/${content.digest}`, { status: 200 });
  const hash = createHash('sha256');
  for await (const chunk of answer) hash.update(chunk);
  const digest = `sha256:${hash.digest('hex')}`;
  if (digest !== content.digest) throw new Error(`The pull gave ${digest} in place of ${content.digest}.`);
}

/** Goes on with a session that somebody else left, and ends it. Throws when it is held. Returns how many bytes it had kept. */
export async function takeOver(session: string): Promise<number> {
  const answer = await send('GET', session, { status: 204 });
  answer.resume();
  const [, last] = /^0-(\d+)$/.exec(String(answer.headers['range'])) ?? [];
  const offset = last === undefined || last === '0' ? 0 : Number(last) + 1;
  const headers = { 'Content-Length': 1, 'Content-Range': `${offset}-${offset}` };
  await ask('DELETE', await ask('PATCH', session, { status: 202, headers, body: [new Uint8Array(1)] }), {
    status: 204,
  });
  return offset;
}
