import { createHash, randomBytes } from 'node:crypto';
import { bad, clean, type Finding, type Findings, good, note } from './finding.ts';
import type { Probe, Reply } from './probe.ts';
import { remediesFor } from './remedies.ts';
import { describe, refused } from './words.ts';

/** Where the doctor pushes to. */
export interface Place {
  readonly probe: Probe;
  readonly repository: string;
  /** What a push needs, as a scope. */
  readonly scopes: readonly string[];
}

/** Opens an upload; an answer that is none is yielded as a failure. Returns where it is, or `undefined`. */
export async function* openUpload(step: string, { probe, repository, scopes }: Place): Findings<URL | undefined> {
  const reply = await probe.ask({
    ...{ method: 'POST', url: `/v2/${repository}/blobs/uploads/`, scopes, body: new Uint8Array() },
  });
  const { location } = reply.headers;
  if (reply.status !== 202) {
    const leads = reply.status >= 300 && reply.status < 400;
    yield leads
      ? bad(
          step,
          `${reply.status} sends to ${clean(String(location))}: clients do not push there`,
          remediesFor('paths', probe.hops),
        )
      : refused(step, reply, { fault: reply.status === 401 || reply.status === 403 ? 'login' : 'paths', probe });
    return undefined;
  }
  if (location === undefined || !URL.canParse(location, reply.url)) {
    yield bad(step, '202 without a Location that says where', remediesFor('headers', probe.hops));
    return undefined;
  }
  return new URL(location, reply.url);
}

/** Pushes a small blob as clients do, looks at how it comes back, and removes it. Returns whether more can be pushed. */
export async function* lookAtSmallBlob(place: Place): Findings<boolean> {
  const { probe, repository, scopes } = place;
  const upload = yield* openUpload('push', place);
  if (upload === undefined) return false;
  yield good('push', `an upload to ${repository} was opened`);
  const location = lookAtLocation(upload, probe);
  yield location;
  if (location.outcome === 'FAIL') return false;
  // What compresses well, so that a hop that compresses shows itself.
  const bytes = Buffer.concat([randomBytes(32), Buffer.from('the doctor looks at this registry\n'.repeat(4000))]);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const closing = new URL(upload);
  closing.searchParams.set('digest', digest); // which writes %3A, as Go clients do
  const reply = await probe.ask({ method: 'PUT', url: closing, scopes, body: bytes, headers: octets });
  if (reply.status !== 201) {
    yield refused('blob', reply, { fault: reply.status === 401 ? 'login' : 'paths', probe });
    await probe.ask({ method: 'DELETE', url: upload, scopes });
    return false;
  }
  yield good('blob', `${bytes.length} bytes were taken`);
  const blob = { url: `/v2/${repository}/blobs/${digest}`, digest, bytes };
  try {
    yield* lookAtHead(place, blob);
    yield await lookAtRange(place, blob);
    yield await lookAtCompression(place, blob);
  } finally {
    yield* remove(place, blob.url);
  }
  return true;
}

/** Content type of every upload. */
export const octets = { 'Content-Type': 'application/octet-stream' } as const;

interface SmallBlob {
  readonly url: string;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

function lookAtLocation(upload: URL, { endpoint, hops }: Probe): Finding {
  if (upload.origin === endpoint.origin) return good('Location', 'it keeps scheme and host');
  const seen = `uploads are sent to ${clean(upload.origin)}, and not to ${endpoint.origin}: pushes fail there`;
  return bad('Location', seen, remediesFor('scheme', hops));
}

async function* lookAtHead({ probe, scopes }: Place, { url, digest, bytes }: SmallBlob): Findings {
  const reply = await probe.ask({ method: 'HEAD', url, scopes });
  const length = reply.headers['content-length'];
  if (reply.status !== 200) yield refused('HEAD', reply, { fault: 'paths', probe });
  else if (length === String(bytes.length)) yield good('HEAD', `Content-Length: ${length}`);
  else {
    const change = [...remediesFor('compression', probe.hops), ...remediesFor('headers', probe.hops)];
    yield bad(
      'HEAD',
      `Content-Length is ${clean(length ?? 'missing')}, and the blob has ${bytes.length} bytes`,
      change,
    );
  }
  const shown = reply.headers['docker-content-digest'];
  if (shown === digest) yield good('digest', 'Docker-Content-Digest is passed on');
  else
    yield bad(
      'digest',
      `Docker-Content-Digest is ${clean(String(shown ?? 'missing'))}`,
      remediesFor('headers', probe.hops),
    );
  const encoded = await probe.ask({ method: 'HEAD', url: url.replace('sha256:', 'sha256%3A'), scopes });
  if (encoded.status === 200) yield good('%3A', 'a digest with its colon written as %3A is found');
  else
    yield bad('%3A', `a digest with its colon written as %3A: ${describe(encoded)}`, remediesFor('paths', probe.hops));
}

async function lookAtRange({ probe, scopes }: Place, { url, bytes }: SmallBlob): Promise<Finding> {
  const reply = await follow({ probe, scopes }, { url, headers: { Range: 'bytes=100-299' } });
  const range = reply.headers['content-range'];
  const isRight = Buffer.from(bytes.subarray(100, 300)).equals(reply.bytes);
  if (reply.status === 206 && range === `bytes 100-299/${bytes.length}` && isRight) {
    return good('ranges', `206, Content-Range: ${range}`);
  }
  const seen = `${reply.status} with Content-Range ${clean(range ?? 'missing')}${isRight ? '' : ' and other bytes'}`;
  return bad(
    'ranges',
    `bytes 100 to 299: ${seen}: pulls that break off cannot go on`,
    remediesFor('ranges', probe.hops),
  );
}

async function lookAtCompression({ probe, scopes }: Place, { url, bytes }: SmallBlob): Promise<Finding> {
  const reply = await follow({ probe, scopes }, { url, headers: { 'Accept-Encoding': 'gzip, deflate, br, zstd' } });
  const encoding = reply.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    return bad(
      'compression',
      `a blob is sent with Content-Encoding: ${clean(encoding)}`,
      remediesFor('compression', probe.hops),
    );
  }
  if (Buffer.from(bytes).equals(reply.bytes)) return good('compression', 'bytes come as they were pushed');
  return bad(
    'compression',
    `other bytes come back than were pushed (${describe(reply)})`,
    remediesFor('compression', probe.hops),
  );
}

/** Registries may send a pull on to where blobs are. */
async function follow(
  { probe, scopes }: Pick<Place, 'probe' | 'scopes'>,
  { url, headers }: { readonly url: string; readonly headers: Readonly<Record<string, string>> },
): Promise<Reply> {
  const reply = await probe.ask({ method: 'GET', url, headers, scopes });
  const { location } = reply.headers;
  if (reply.status < 300 || reply.status >= 400 || location === undefined) return reply;
  return probe.ask({ method: 'GET', url: new URL(location, reply.url), headers });
}

async function* remove({ probe, repository }: Place, url: string): Findings {
  const scopes = [`repository:${repository}:delete`];
  const reply = await probe.ask({ method: 'DELETE', url, scopes }).catch(() => undefined); // no token for it
  if (reply?.status === 202) yield good('removal', 'the blob was removed again');
  else
    yield note(
      'removal',
      `a blob of 136 kB stays in ${repository}: ${reply ? describe(reply) : 'it may not be removed'}`,
    );
}
