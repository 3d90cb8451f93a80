import { parseChallenges } from '../client/http/challenge.ts';
import { bad, clean, type Finding, type Findings, good, note } from './finding.ts';
import type { Probe, Reply } from './probe.ts';
import { remediesFor } from './remedies.ts';
import { describe, refused, wordsOf } from './words.ts';

const mostSecondsApart = 60;

/** What a client asks before it does anything: `/v2/`, where to log in, and what time it is. Returns whether there is a registry. */
export async function* lookAtApi(probe: Probe): Findings<boolean> {
  const startedMs = Date.now();
  const reply = await probe.ask({ method: 'GET', url: '/v2/' });
  const endedMs = Date.now();
  yield* lookAtHops(probe);
  if (reply.status !== 200 && reply.status !== 401) {
    yield notRegistry(reply, probe);
    return false;
  }
  if (reply.status === 200 && isPage(reply)) {
    yield bad('/v2/', 'a page of HTML is answered, and not the registry', remediesFor('paths', probe.hops));
    return false;
  }
  yield good('/v2/', describe(reply));
  yield await lookAtSlash(probe);
  yield* lookAtChallenge(reply, probe);
  yield lookAtClock(reply, { startedMs, endedMs });
  return true;
}

function* lookAtHops({ hops }: Probe): Generator<Finding> {
  const seen = hops.map(({ name, sign }) => `${clean(name)} (${sign})`).join(', ');
  yield good('hops', seen === '' ? 'none shows itself' : seen);
}

function notRegistry(reply: Reply, probe: Probe): Finding {
  const { status, headers } = reply;
  if (status >= 300 && status < 400) {
    const target = clean(String(headers.location ?? 'nowhere'));
    return bad('/v2/', `${status} sends to ${target}: clients that push do not follow`, [
      ...(/^https:/i.test(target) && probe.endpoint.origin.startsWith('http:')
        ? ['clients must use the https URL']
        : []),
      ...remediesFor('paths', probe.hops),
    ]);
  }
  const fault = status === 403 || status === 429 ? 'login' : 'paths';
  return refused('/v2/', reply, { fault, probe });
}

function isPage({ headers }: Reply): boolean {
  return /^text\/html/i.test(headers['content-type'] ?? '');
}

async function lookAtSlash(probe: Probe): Promise<Finding> {
  const reply = await probe.ask({ method: 'GET', url: '/v2' });
  const leads = reply.status >= 300 && reply.status < 400;
  const target = leads ? new URL(reply.headers.location ?? '', reply.url) : undefined;
  const isRight =
    target === undefined ? [200, 401].includes(reply.status) : target.href === `${probe.endpoint.origin}/v2/`;
  if (isRight) return good('slash', `/v2 without the last slash: ${describe(reply)}`);
  const where = target === undefined ? describe(reply) : `it sends to ${clean(target.origin + target.pathname)}`;
  return note('slash', `/v2 without the last slash: ${where}; few clients ask so`, remediesFor('paths', probe.hops));
}

/** Where clients are told to log in. */
async function* lookAtChallenge(reply: Reply, probe: Probe): Findings {
  if (reply.status === 200) {
    yield good('challenge', 'none: everybody may ask');
    return;
  }
  const challenges = parseChallenges(reply.headers['www-authenticate']);
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
  if (challenges.length === 0) {
    yield bad(
      'challenge',
      '401 without WWW-Authenticate: clients do not know how to log in',
      remediesFor('headers', probe.hops),
    );
  } else if (bearer === undefined) {
    const isForeign = wordsOf(reply) === undefined;
    const seen = `${challenges.map(({ scheme }) => scheme).join(', ')}, without a token server`;
    if (isForeign)
      yield bad('challenge', `${seen}: a hop asks for a login of its own`, remediesFor('login', probe.hops));
    else yield good('challenge', seen);
  } else yield* lookAtRealm(bearer.parameters['realm'] ?? '', probe);
}

async function* lookAtRealm(realm: string, probe: Probe): Findings {
  if (!URL.canParse(realm)) {
    yield bad('challenge', `the realm is no URL: ${JSON.stringify(clean(realm))}`, remediesFor('scheme', probe.hops));
    return;
  }
  const url = new URL(realm);
  const own = new URL(probe.endpoint.origin);
  const shown = clean(url.origin + url.pathname);
  if (own.protocol === 'https:' && url.protocol !== 'https:') {
    yield bad(
      'challenge',
      `the realm is ${shown}, and not https: clients refuse it, or send the password in the clear`,
      remediesFor('scheme', probe.hops),
    );
    return;
  }
  if (url.hostname === own.hostname && url.origin !== own.origin) {
    yield bad(
      'challenge',
      `the realm is ${shown}, at another port or scheme than ${own.origin}`,
      remediesFor('scheme', probe.hops),
    );
    return;
  }
  yield good('challenge', `Bearer, realm ${shown}`);
  try {
    const answer = await probe.ask({ method: 'GET', url });
    if ([200, 400, 401, 403].includes(answer.status)) yield good('realm', `it answers: ${describe(answer)}`);
    else yield refused('realm', answer, { fault: 'paths', probe });
  } catch (error) {
    yield bad('realm', error instanceof Error ? error.message : String(error), remediesFor('scheme', probe.hops));
  }
}

/** Tokens and certificates are good from a second to a second. */
function lookAtClock(
  { headers: { date } }: Reply,
  { startedMs, endedMs }: { startedMs: number; endedMs: number },
): Finding {
  const there = Date.parse(date ?? '');
  if (Number.isNaN(there)) return note('clock', 'the answer has no Date');
  // Date has whole seconds: it may be one behind.
  const ahead = there > endedMs ? there - endedMs : Math.min(0, there + 1000 - startedMs);
  const seconds = Math.round(Math.abs(ahead) / 1000);
  if (seconds <= mostSecondsApart) return good('clock', `${seconds} s apart`);
  return bad('clock', `there it is ${seconds} s ${ahead > 0 ? 'later' : 'earlier'} than here: tokens are refused`, [
    'set the clock of the one that is wrong: timedatectl set-ntp true',
  ]);
}
