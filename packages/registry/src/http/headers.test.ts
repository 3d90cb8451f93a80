import { expect, test } from 'vitest';
import { parseDigest } from '../oci/digest.ts';
import { bodyLength, checkUploadType, empty, isNotModified, json, parseCondition, warningHeaders } from './headers.ts';

const digest = parseDigest(`sha256:${'a'.repeat(64)}`);

test('a body has the length that is announced, unless it is sent in chunks', () => {
  expect(bodyLength({ 'content-length': '5' })).toBe(5);
  expect(bodyLength({ 'content-length': '0' })).toBe(0);
  expect(bodyLength({})).toBeUndefined();
  expect(bodyLength({ 'content-length': '5', 'transfer-encoding': 'chunked' })).toBeUndefined();
});

test('an empty answer has a length, but for 204 and 304, which have none', () => {
  expect(empty(202).headers).toEqual({ 'Content-Length': '0' });
  for (const status of [204, 304]) expect(empty(status, { ETag: 'a' }).headers).toEqual({ ETag: 'a' });
});

test('the length of JSON is that of its bytes', () => {
  const { headers, body } = json(200, { name: 'ü' });
  expect(headers).toEqual({ 'Content-Type': 'application/json', 'Content-Length': '13' });
  expect(body).toEqual({ kind: 'bytes', bytes: new TextEncoder().encode('{"name":"ü"}') });
});

test('entity tags are read in all their forms', () => {
  for (const tags of [`"${digest}"`, `W/"${digest}"`, `"other" , "${digest}"`, digest, '*', ' * ']) {
    expect([tags, isNotModified({ 'if-none-match': tags }, digest)]).toEqual([tags, true]);
  }
  for (const tags of ['"other"', '', '""', `"${digest}`]) {
    expect([tags, isNotModified({ 'if-none-match': tags }, digest)]).toEqual([tags, false]);
  }
  expect(isNotModified({}, digest)).toBe(false);
});

test('a push without a condition has none, and one with both has both', () => {
  expect(parseCondition({})).toBeUndefined();
  expect(parseCondition({ 'if-match': '"a", "b"' })).toEqual({ ifMatch: ['a', 'b'] });
  expect(parseCondition({ 'if-none-match': '*' })).toEqual({ ifNoneMatch: '*' });
  expect(parseCondition({ 'if-match': '*', 'if-none-match': '"a"' })).toEqual({ ifMatch: '*', ifNoneMatch: ['a'] });
});

test('warnings have the code 299 and the agent -, and hold nothing that a header may not', () => {
  expect(warningHeaders([])).toEqual({});
  expect(warningHeaders(['a "b" \\ ü\r\nSet-Cookie: x'])).toEqual({
    Warning: ['299 - "a \\"b\\" \\\\ ???Set-Cookie: x"'],
  });
});

test('warnings have at most 4096 bytes together; what does not fit is left out whole', () => {
  const { Warning: lines = [] } = warningHeaders(Array.from({ length: 100 }, () => 'a'.repeat(92)));
  // 100 bytes each, with code, agent and quotes.
  expect(lines).toHaveLength(40);
  expect(warningHeaders(['a'.repeat(4096)])).toEqual({});
});

test('uploads may have any type unless some are named; a parameter and the case of a type do not matter', () => {
  const allowed = ['application/octet-stream'];
  for (const type of ['', 'application/octet-stream', 'Application/Octet-Stream; a=b']) {
    expect(() => checkUploadType({ 'content-type': type }, allowed)).not.toThrow();
  }
  expect(() => checkUploadType({}, allowed)).not.toThrow();
  expect(() => checkUploadType({ 'content-type': 'text/html' }, [])).not.toThrow();
  expect(() => checkUploadType({ 'content-type': 'text/html' }, allowed)).toThrow(
    expect.objectContaining({ status: 415, code: 'UNSUPPORTED' }),
  );
});
