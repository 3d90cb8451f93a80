import { errorTable, type OtherStatus } from '../../packages/registry/src/oci/error.ts';
import { settingsMarkdown } from '../../packages/server/src/settings-markdown.ts';

/** The documents that the sources write, by their path from the root. */
export function generatedDocuments(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/errors.md', errorsMarkdown()],
    ['docs/settings.md', settingsMarkdown()],
  ]);
}

/** What stands in the place of a code's own status, and when. 408 and 431 are the server's, before there is a request. */
const otherStatuses: Readonly<Record<OtherStatus | 408, readonly [codes: string, when: string]>> = {
  400: [
    '`UNSUPPORTED`',
    'a query or form that cannot be read, such as `n=ten` or a scope that is none, or bytes that are not HTTP',
  ],
  404: ['`UNSUPPORTED`', 'the path is no endpoint, or tokens are made by another server'],
  408: ['`UNSUPPORTED`', 'the headers of a request did not come in time'],
  409: ['`BLOB_UPLOAD_INVALID`', 'another request writes to this upload; `Retry-After` says how long it may hold it'],
  412: ['`MANIFEST_INVALID`', 'the condition of a push (`If-Match`, `If-None-Match`) does not hold: the tag was moved'],
  413: [
    '`SIZE_INVALID`, `DENIED`',
    'a manifest that is larger than `manifests.maxBytes`, or the form of a token request over 64 KiB; `DENIED`: less space is left than `uploads.reserveBytes`, and `detail` has the figures',
  ],
  414: ['`UNSUPPORTED`', 'the URL is too long'],
  415: ['`UNSUPPORTED`', 'the content type of an upload is not among `uploads.contentTypes`'],
  416: [
    '`BLOB_UPLOAD_INVALID`, `SIZE_INVALID`',
    'a chunk out of order, whose `Range` says where to go on; or a range behind the end of a blob',
  ],
  431: ['`UNSUPPORTED`', 'the headers of a request are too large'],
  503: ['`UNKNOWN`', 'the storage cannot do this now; `Retry-After` says when to try again'],
  507: ['`UNKNOWN`', 'the disk or the quota of the registry is full'],
};

function errorsMarkdown(): string {
  const codes = errorTable.map(
    ({ code, status, message, section }) => `| \`${code}\` | ${status} | ${message} | ${section} |`,
  );
  const others = Object.entries(otherStatuses).map(([status, [names, when]]) => `| ${status} | ${names} | ${when} |`);
  return `# Errors

<!-- Generated from packages/registry/src/oci/error.ts and tools/docs/generated.ts: change it there. -->

Every refusal, on whatever path and method, is the error document of the specification. \`message\` says what to do, and \`detail\` has facts for programs where there are any.
\`X-Request-Id\` among the headers is the id under which the log tells more.

\`\`\`json
{ "errors": [{ "code": "MANIFEST_UNKNOWN", "message": "acme/web has no tag latest." }] }
\`\`\`

| code | status | message, where nothing more is known | section of the specification |
|---|---|---|---|
${codes.join('\n')}

Some situations have a status of their own under one of these codes:

| status | code | when |
|---|---|---|
${others.join('\n')}
`;
}

/** What keeps `actual` from being `wanted`, in one sentence and the first two lines that differ; undefined when nothing does. */
export function difference(file: string, actual: string | undefined, wanted: string): string | undefined {
  if (actual === wanted) return undefined;
  const hint = 'run "node tools/run.js tools/docs.ts" to write it again';
  if (actual === undefined) return `${file} is missing: ${hint}.`;
  const [is, shouldBe] = [actual.split('\n'), wanted.split('\n')];
  const line = shouldBe.findIndex((text, index) => text !== is[index]);
  const at = line < 0 ? shouldBe.length : line;
  return `${file} is not what its source says: ${hint}. Line ${at + 1}:\n- ${is[at] ?? ''}\n+ ${shouldBe[at] ?? ''}`;
}
