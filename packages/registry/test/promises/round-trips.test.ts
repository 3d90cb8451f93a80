import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatScope, parseNamePattern, parseScopes, patternMatches } from '../../src/access/scope.ts';
import { createOriginReader } from '../../src/adapters/client-origin.ts';
import { parseCredentials } from '../../src/http/credentials.ts';
import { contentHeaders, isNotModified, parseCondition } from '../../src/http/headers.ts';
import { nextLink, parseLast, parsePageSize } from '../../src/http/page.ts';
import { digestOf, parseDigest } from '../../src/oci/digest.ts';
import { OciError } from '../../src/oci/error.ts';
import { isMediaType, parseContentType } from '../../src/oci/media-type.ts';
import { parseReference, parseRepositoryName, parseSessionId, parseTag } from '../../src/oci/name.ts';
import { formatUploadRange, lengthOf, parseContentRange, parseRange } from '../../src/oci/range.ts';
import { digests, mostly, names, ranges, tags } from './hostile.ts';
import { runs, timeoutMs } from './runs.ts';

/** What `parse` makes of `text`; undefined where it refuses. Anything else that it throws is thrown on. */
function accepted<Result>(parse: () => Result): Result | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    expect(error.status).toBeGreaterThanOrEqual(400);
    expect(error.status).toBeLessThan(500);
    return undefined;
  }
}

const session = fc.uuid().map((id) => id.toLowerCase());
const scopes = fc
  .tuple(names, fc.constantFrom('pull', 'pull,push', '*', 'x'))
  .map((scope) => `repository:${scope.join(':')}`);

const parsers: Readonly<Record<string, readonly [texts: fc.Arbitrary<string>, parse: (text: string) => string]>> = {
  'a name': [mostly(names), parseRepositoryName],
  'a tag': [mostly(tags), parseTag],
  'a digest': [mostly(digests), parseDigest],
  'a session': [mostly(session), parseSessionId],
  'a reference': [
    mostly(fc.oneof(tags, digests)),
    (text) => {
      const { tag, digest } = parseReference(text);
      return tag ?? digest;
    },
  ],
  'a pattern of names': [
    mostly(
      fc.oneof(
        names,
        names.map((name) => `${name}/*`),
      ),
    ),
    parseNamePattern,
  ],
};

test.each(Object.entries(parsers))(
  '%s that is taken is the text itself, and is taken again',
  (_, [texts, parse]) => {
    fc.assert(
      fc.property(texts, (text) => {
        const value = accepted(() => parse(text));
        if (value === undefined) return;
        expect(value).toBe(text);
        expect(parse(value)).toBe(value);
        expect(value).toMatch(/^[\x21-\x7e]+$/);
      }),
      runs(300),
    );
  },
  timeoutMs,
);

test(
  'a Content-Range that is taken reads the same when it is written again',
  () => {
    fc.assert(
      fc.property(mostly(ranges), (text) => {
        const range = accepted(() => parseContentRange(text));
        if (range === undefined) return;
        expect(parseContentRange(`${range.start}-${range.end}`)).toEqual(range);
        expect(lengthOf(range)).toBeGreaterThan(0);
      }),
      runs(300),
    );
  },
  timeoutMs,
);

test(
  'the Range of a session is the Content-Range of what it has',
  () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 45 }), (sizeBytes) => {
        expect(parseContentRange(formatUploadRange(sizeBytes))).toEqual({ start: 0, end: sizeBytes - 1 });
      }),
      runs(100),
    );
  },
  timeoutMs,
);

test(
  'a Range lies within the content, and asks for the same when it is written out',
  () => {
    fc.assert(
      fc.property(mostly(ranges), fc.nat(50), (header, sizeBytes) => {
        const range = parseRange(header, sizeBytes);
        if (typeof range === 'string') return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeLessThan(sizeBytes);
        expect(parseRange(`bytes=${range.start}-${range.end}`, sizeBytes)).toEqual(range);
      }),
      runs(300),
    );
  },
  timeoutMs,
);

test(
  'a Content-Type that is taken is a media type, and its own',
  () => {
    const types = mostly(fc.constantFrom('text/plain', 'text/plain; charset=utf-8', 'application/vnd.a+json'));
    fc.assert(
      fc.property(types, (header) => {
        const type = accepted(() => parseContentType(header));
        if (type === undefined) return;
        expect(isMediaType(type)).toBe(true);
        expect(parseContentType(type)).toBe(type);
      }),
      runs(300),
    );
  },
  timeoutMs,
);

test(
  'scopes that are taken ask for the same when they are written again',
  () => {
    fc.assert(
      fc.property(fc.array(mostly(scopes), { maxLength: 3 }), (texts) => {
        const found = accepted(() => parseScopes(texts)) ?? [];
        const repositories = found.filter((scope) => scope.type === 'repository');
        expect(parseScopes(repositories.map(formatScope))).toEqual(repositories);
        for (const { name } of repositories) expect(patternMatches(parseNamePattern(name), name)).toBe(true);
      }),
      runs(300),
    );
  },
  timeoutMs,
);

test(
  'Basic credentials are what was encoded, and any header is credentials or 401',
  () => {
    const user = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes(':'));
    fc.assert(
      fc.property(user, fc.string({ unit: 'grapheme' }), (username, password) => {
        const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
        expect(parseCredentials({ authorization })).toEqual({ username, password });
      }),
      runs(200),
    );
    fc.assert(
      fc.property(mostly(fc.constantFrom('Basic YTpi', 'Bearer a.b.c')), (authorization) => {
        expect(accepted(() => parseCredentials({ authorization }) ?? {})).not.toEqual({});
      }),
      runs(300),
    );
  },
  timeoutMs,
);

test(
  'an entity tag is recognized in any list that it stands in',
  () => {
    const others = fc.array(fc.constantFrom('"a"', 'W/"b"', 'c', ''), { maxLength: 3 });
    fc.assert(
      fc.property(fc.string(), others, fc.boolean(), (content, around, isWeak) => {
        const digest = digestOf(new TextEncoder().encode(content), 'sha256');
        const tag = `${isWeak ? 'W/' : ''}${contentHeaders(digest)['ETag']}`;
        expect(isNotModified({ 'if-none-match': [...around, tag].join(', ') }, digest)).toBe(true);
        expect(parseCondition({ 'if-match': [tag, ...around].join(',') })?.ifMatch).toContain(digest);
      }),
      runs(200),
    );
  },
  timeoutMs,
);

test(
  'the place in a Link is the place of the next page',
  () => {
    fc.assert(
      fc.property(fc.oneof(tags, names), fc.nat(20_000), (last, n) => {
        const { Link = '' } = nextLink(`/v2/_catalog?${new URLSearchParams({ n: String(n), last })}`);
        const [, query = ''] = /^<[^?]*\?([^>]*)>; rel="next"$/.exec(String(Link)) ?? [];
        expect(parseLast(new URLSearchParams(query))).toBe(last);
        expect(parsePageSize(new URLSearchParams(query))).toBe(Math.min(n, 10_000));
      }),
      runs(200),
    );
  },
  timeoutMs,
);

test(
  'whatever a proxy forwards, the client is an address and the origin can stand in a header',
  () => {
    const hops = fc.array(
      mostly(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6(),
          fc.ipV4().map((ip) => `${ip}:80`),
        ),
      ),
      { maxLength: 3 },
    );
    const headers = fc.record({
      host: mostly(fc.constantFrom('hub.example', '[::1]:5000')),
      'x-forwarded-host': mostly(fc.constantFrom('hub.example', 'hub.example:443')),
      'x-forwarded-proto': mostly(fc.constantFrom('http', 'https')),
      'x-forwarded-for': hops.map((list) => list.join(', ')),
    });
    const read = createOriginReader(['10.0.0.0/8']);
    fc.assert(
      fc.property(headers, (given) => {
        const request = { socket: { remoteAddress: '10.0.0.1' }, headers: given } as unknown as IncomingMessage;
        const { origin, address } = read(request);
        expect(isIP(address ?? '')).toBeGreaterThan(0);
        expect(origin ?? 'http://none').toMatch(/^https?:\/\/[\w.:[\]-]+$/);
      }),
      runs(500),
    );
  },
  timeoutMs,
);
