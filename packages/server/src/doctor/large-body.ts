import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { formatBytes } from '../client/byte-size.ts';
import type { StreamedBody } from '../client/http/transport.ts';
import { bad, clean, type Finding, type Findings, good, note } from './finding.ts';
import { recognizeMaker } from './hops.ts';
import type { Reply } from './probe.ts';
import { remediesFor } from './remedies.ts';
import { octets, openUpload, type Place } from './small-blob.ts';
import { refused, wordsOf } from './words.ts';

const holdMs = 3000;
const pieceBytes = 256 * 1024;
/** What passes the hops that people have, in bytes; tried in turn where the whole did not pass. */
const steps = [900 * 1024, 2 ** 20 + 1, 10 * 2 ** 20, 50 * 2 ** 20, 100_000_001];

/** Large bodies through every hop: as they come, with a length and without. Their uploads are cancelled, so that nothing stays. */
export async function* lookAtLargeBodies(place: Place, sizeBytes: number): Findings {
  yield await lookAtBuffering(place);
  for (const step of ['length', 'chunked'] as const) {
    const upload = yield* openUpload(step, place);
    if (upload === undefined) return;
    const whole = await attempt(place, { url: upload, sizeBytes, hasLength: step === 'length' });
    await cancel(place, upload);
    yield judge(step, whole, { place, sizeBytes });
    const isOfHop = whole.reply?.status === 413 && wordsOf(whole.reply) === undefined;
    if (isOfHop && step === 'length') yield* findLimit(place, sizeBytes);
  }
  yield good('cancelled', 'these uploads were cancelled: nothing of them stays');
}

/** A body sent on its way. */
interface Attempt {
  /** Undefined: the connection broke off. */
  readonly reply: Reply | undefined;
  readonly error: string | undefined;
  readonly sentBytes: number;
  readonly tookMs: number;
}

/** With a length: a PUT, as containerd sends it, whose digest is wrong on purpose, so that the registry takes all of it and keeps nothing. Without: a PATCH, as docker sends it. */
async function attempt(
  { probe, scopes }: Place,
  { url: upload, sizeBytes, hasLength }: { readonly url: URL; readonly sizeBytes: number; readonly hasLength: boolean },
): Promise<Attempt> {
  const url = new URL(upload);
  if (hasLength) url.searchParams.set('digest', `sha256:${'0'.repeat(64)}`);
  const startedMs = performance.now();
  let sentBytes = 0;
  const body: StreamedBody = {
    sizeBytes: hasLength ? sizeBytes : undefined,
    open: () => pieces(sizeBytes),
    onSent(bytes) {
      sentBytes += bytes;
    },
  };
  const method = hasLength ? 'PUT' : 'PATCH';
  const asked = probe.ask({ method, url, scopes, body, headers: octets });
  const { reply, error } = await asked.then(
    (reply) => ({ reply, error: undefined }),
    (error: unknown) => ({ reply: undefined, error: error instanceof Error ? error.message : String(error) }),
  );
  return { reply, error, sentBytes, tookMs: performance.now() - startedMs };
}

async function* pieces(sizeBytes: number): AsyncGenerator<Uint8Array> {
  const piece = randomBytes(pieceBytes);
  for (let left = sizeBytes; left > 0; left -= pieceBytes) yield left < pieceBytes ? piece.subarray(0, left) : piece;
}

function judge(
  step: string,
  { reply, error, sentBytes, tookMs }: Attempt,
  about: { place: Place; sizeBytes: number },
): Finding {
  const { probe } = about.place;
  const size = formatBytes(about.sizeBytes);
  const sent = `after ${formatBytes(sentBytes)} of ${size}`;
  if (reply === undefined) {
    return bad(step, `${sent} no answer came: ${clean(String(error))}`, [
      ...remediesFor('body-size', probe.hops),
      ...remediesFor('upstream', probe.hops),
    ]);
  }
  const isTaken =
    step === 'length' ? reply.status === 400 && /DIGEST/.test(wordsOf(reply) ?? '') : reply.status === 202;
  if (isTaken) {
    const seconds = tookMs / 1000;
    return good(
      step,
      `${size} in one ${step === 'length' ? 'PUT' : 'PATCH without a length'} passed, ${formatBytes(about.sizeBytes / seconds)}/s`,
    );
  }
  const finding = refused(step, reply, { fault: 'body-size', probe });
  return { ...finding, seen: `${finding.seen}, ${sent}` };
}

/** How much passes at once where the whole did not. */
async function* findLimit(place: Place, sizeBytes: number): Findings {
  let passed = 0;
  for (const size of steps.filter((step) => step < sizeBytes)) {
    const upload = yield* openUpload('limit', place);
    if (upload === undefined) return;
    const { reply } = await attempt(place, { url: upload, sizeBytes: size, hasLength: true });
    await cancel(place, upload);
    if (reply?.status === 400) {
      passed = size;
      continue;
    }
    const maker = reply && recognizeMaker(reply);
    const who = maker === undefined ? '' : ` from ${clean(maker.name)}`;
    const pass = passed === 0 ? '' : `${formatBytes(passed)} pass, and `;
    yield note('limit', `${pass}${formatBytes(size)} at once do not (${reply ? reply.status : 'no answer'}${who})`, [
      passed === 0
        ? 'raise the limit: nothing can be pushed through it'
        : `until it is raised: moorage push --chunk ${typedSize(passed)}`,
    ]);
    return;
  }
  yield note('limit', `${formatBytes(passed)} pass, ${formatBytes(sizeBytes)} do not`, [
    `until it is raised: moorage push --chunk ${typedSize(passed)}`,
  ]);
}

/** `50MiB`, as it is typed. */
function typedSize(bytes: number): string {
  return formatBytes(bytes).replace('.0', '').replace(' ', '');
}

/** A refusal that needs no body, of an upload that does not exist, comes back while the body waits; a hop that stores bodies before it passes them on waits for the whole of it. */
async function lookAtBuffering({ probe, repository, scopes }: Place): Promise<Finding> {
  const sizeBytes = 1_000_000; // less than nginx takes of anybody
  const startedMs = performance.now();
  const waited = new AbortController();
  let continueMs = 0;
  async function* hold(): AsyncGenerator<Uint8Array> {
    continueMs = performance.now() - startedMs;
    yield randomBytes(64 * 1024);
    await delay(holdMs, undefined, { signal: waited.signal }).catch(() => undefined); // an answer ends the wait
    throw new HeldError('no answer came while the body waited');
  }
  const url = `/v2/${repository}/blobs/uploads/${randomUUID()}`;
  try {
    const body = { sizeBytes, open: hold };
    const reply = await probe.ask({ method: 'PATCH', url, scopes, headers: octets, body });
    const took = `${Math.round(performance.now() - startedMs)} ms`;
    if (reply.status === 413) return refused('streaming', reply, { fault: 'body-size', probe });
    return good('streaming', `a refusal comes while the body is under way (${reply.status} after ${took})`);
  } catch (error) {
    if (!(error instanceof HeldError)) throw error;
    const seen = `no answer in ${holdMs / 1000} s while a body waits, 100-continue after ${Math.round(continueMs)} ms: a hop stores bodies before it passes them on, which takes its disk and time, and an upload that breaks off begins again`;
    return note('streaming', seen, remediesFor('buffering', probe.hops));
  } finally {
    waited.abort();
  }
}

/** The body was held back for its time. */
class HeldError extends Error {}

async function cancel({ probe, scopes }: Place, url: URL): Promise<void> {
  await probe.ask({ method: 'DELETE', url, scopes }).catch(() => undefined); // it ends by itself after a day
}
