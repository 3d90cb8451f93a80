import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ErrorCode, errorTable, OciError, quote } from './error.ts';

/** Any text at all, halves of surrogate pairs included. */
const anyText = fc.uint16Array({ maxLength: 40 }).map((units) => String.fromCharCode(...units));

test('the table has the codes of the specification in its order, and UNKNOWN', () => {
  expect(errorTable.map(({ code, status }) => [code, status])).toEqual([
    ['BLOB_UNKNOWN', 404],
    ['BLOB_UPLOAD_INVALID', 400],
    ['BLOB_UPLOAD_UNKNOWN', 404],
    ['DIGEST_INVALID', 400],
    ['MANIFEST_BLOB_UNKNOWN', 404],
    ['MANIFEST_INVALID', 400],
    ['MANIFEST_UNKNOWN', 404],
    ['NAME_INVALID', 400],
    ['NAME_UNKNOWN', 404],
    ['SIZE_INVALID', 400],
    ['UNAUTHORIZED', 401],
    ['DENIED', 403],
    ['UNSUPPORTED', 405],
    ['TOOMANYREQUESTS', 429],
    ['UNKNOWN', 500],
  ]);
});

test.each(errorTable)('$code has a message that is a sentence, and a section', ({ code, status, message, section }) => {
  const error = new OciError(code);
  expect(error).toMatchObject({ code, status, message, detail: undefined, headers: {}, also: [] });
  expect(message).toMatch(/^[A-Z].*\.$/);
  expect(section).not.toBe('');
});

test('an error document has the code and the message, and a detail where there is one', () => {
  expect(JSON.parse(JSON.stringify(new OciError('DENIED', 'alice may not push.')))).toEqual({
    errors: [{ code: 'DENIED', message: 'alice may not push.' }],
  });
  const withDetail = new OciError('BLOB_UNKNOWN', undefined, { detail: { digest: 'sha256:0' } });
  expect(withDetail.toJSON().errors[0]).toMatchObject({ code: 'BLOB_UNKNOWN', detail: { digest: 'sha256:0' } });
});

test('errors of the same kind share a document, each with its message and detail', () => {
  const also = [{ message: 'No second.', detail: { digest: 'b' } }];
  const error = new OciError('MANIFEST_BLOB_UNKNOWN', 'No first.', { detail: { digest: 'a' }, also });
  expect(error.toJSON()).toEqual({
    errors: [
      { code: 'MANIFEST_BLOB_UNKNOWN', message: 'No first.', detail: { digest: 'a' } },
      { code: 'MANIFEST_BLOB_UNKNOWN', message: 'No second.', detail: { digest: 'b' } },
    ],
  });
});

test('an error document shows nothing of the cause, the headers or the stack', () => {
  const options = { cause: new Error('secret'), headers: { Allow: 'GET' }, status: 404 } as const;
  const error = new OciError('UNSUPPORTED', undefined, options);
  expect(error).toMatchObject({ status: 404, headers: { Allow: 'GET' }, cause: options.cause });
  expect(Object.keys(error.toJSON().errors[0] ?? {})).toEqual(['code', 'message']);
  expect(JSON.stringify(error)).not.toMatch(/secret|Allow|error\.test/);
});

test('any message and detail come back from the document as they went in', () => {
  const codes = fc.constantFrom(...errorTable.map(({ code }): ErrorCode => code));
  fc.assert(
    fc.property(codes, anyText, fc.jsonValue(), (code, message, detail) => {
      const { errors } = JSON.parse(JSON.stringify(new OciError(code, message, { detail })));
      expect(errors).toEqual([{ code, message, detail: JSON.parse(JSON.stringify(detail)) }]);
    }),
  );
});

test('a quoted text is printable ASCII and short, whatever it was', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 100 }), (text, maximum) => {
      const quoted = quote(text, maximum);
      expect(quoted).toMatch(/^"[\x20-\x7e]*…?"$/);
      expect(quoted.length).toBeLessThanOrEqual(maximum + 3);
    }),
  );
  expect(quote('acme/web')).toBe('"acme/web"');
  expect(quote('a\n\u001b[31mb')).toBe('"a??[31mb"');
});
