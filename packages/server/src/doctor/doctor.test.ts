import type { RegistryOptions } from '@moorage/registry';
import { startTestRegistry } from '@moorage/registry/testing';
import { expect, onTestFinished, test } from 'vitest';
import { type MeddlingProxy, startMeddlingProxy } from '../../test/meddling-proxy.ts';
import type { Credentials } from '../client/credentials/credentials.ts';
import { examine } from './doctor.ts';
import type { Finding } from './finding.ts';
import { publicEndpoint } from './public-endpoint.ts';

const ann: Credentials = { kind: 'password', username: 'ann', password: 'pw' };
const access: RegistryOptions['access'] = {
  authenticate: (shown) => ('username' in shown && shown.password === 'pw' ? { id: shown.username } : undefined),
  authorize: ({ identity, name }) => identity !== undefined && name?.startsWith(identity.id) === true,
};
const nginxPage = '<html><hr><center>nginx/1.26.0</center></html>';

async function start(options: Partial<RegistryOptions> = {}): Promise<MeddlingProxy> {
  const { host, close } = await startTestRegistry(options);
  onTestFinished(close);
  return startMeddlingProxy(`http://${host}`);
}

async function look(
  host: string,
  { credentials, repository = 'ann/check' }: { credentials?: Credentials; repository?: string } = {},
) {
  const endpoint = publicEndpoint(`http://${host}`, {});
  const findings: Finding[] = [];
  const options = { endpoint, repository, sizeBytes: 2_000_000, findCredentials: async () => credentials };
  for await (const finding of examine(options)) findings.push(finding);
  return { findings, failed: findings.filter(({ outcome }) => outcome === 'FAIL') };
}

test('all is well with a registry without a hop, and nothing stays', async () => {
  const proxy = await start();
  const { findings, failed } = await look(proxy.host);
  expect(failed).toEqual([]);
  expect(findings.map(({ step }) => step)).toEqual(
    expect.arrayContaining(['name', 'TCP', '/v2/', 'clock', 'Location', 'HEAD', 'ranges', '%3A', 'length', 'chunked']),
  );
  const opened = proxy.seen.filter(({ method }) => method === 'POST').length;
  const ended = proxy.seen.filter(({ method }) => method === 'DELETE').length;
  expect(ended).toBe(opened); // one blob and two uploads
});

test('with a login the token is got and shown to nobody', async () => {
  const proxy = await start({ access });
  const { findings, failed } = await look(proxy.host, { credentials: ann });
  expect(failed).toEqual([]);
  expect(findings.find(({ step }) => step === 'challenge')?.seen).toMatch(/^Bearer, realm http:\/\/127/);
  expect(JSON.stringify(findings)).not.toMatch(/eyJ|Basic |"pw"/);
});

test('without a login, and without the right to push, it says what to do', async () => {
  const proxy = await start({ access });
  expect((await look(proxy.host)).failed).toMatchObject([
    { step: 'push', change: [expect.stringContaining('moorage login'), expect.stringContaining('moorage why')] },
  ]);
  const { failed } = await look(proxy.host, { credentials: ann, repository: 'bob/check' });
  expect(failed).toMatchObject([
    {
      step: 'push',
      seen: expect.stringMatching(/^403 Forbidden: DENIED ann may not push to bob\/check/),
      change: [expect.stringContaining('--repository'), expect.stringMatching(/moorage why [0-9a-f]{32}$/)],
    },
  ]);
});

test('a 413 is that of the hop that signed it, with its line and the size that passes', async () => {
  const proxy = await start();
  proxy.meddle = ({ headers }) =>
    Number(headers['content-length'] ?? 0) > 2 ** 20 ? { status: 413, body: nginxPage } : undefined;
  const { findings, failed } = await look(proxy.host);
  expect(failed).toMatchObject([
    { step: 'length', seen: expect.stringMatching(/^413 .* from nginx/), change: ['nginx: client_max_body_size 0;'] },
  ]);
  expect(findings.find(({ step }) => step === 'limit')).toMatchObject({
    seen: '900.0 KiB pass, and 1.0 MiB at once do not (413 from nginx)',
    change: [expect.stringContaining('--chunk 900KiB')],
  });
});

test.each([
  ['HEAD', ['content-length'], 'Content-Length is missing'],
  ['digest', ['docker-content-digest'], 'Docker-Content-Digest is missing'],
  ['ranges', ['content-range'], 'bytes 100 to 299: 206 with Content-Range missing'],
])('%s: a header that a hop takes away is missed', async (step, hidden, seen) => {
  const proxy = await start();
  proxy.hideHeaders = hidden;
  expect((await look(proxy.host)).failed).toMatchObject([{ step, seen: expect.stringContaining(seen) }]);
});

test('an upload that is sent elsewhere is told with the scheme, and nothing is sent there', async () => {
  const proxy = await start({ publicUrl: 'https://127.0.0.1:1' });
  expect((await look(proxy.host)).failed).toMatchObject([
    {
      step: 'Location',
      seen: expect.stringContaining('https://127.0.0.1:1'),
      change: expect.arrayContaining([expect.stringMatching(/^nginx: .*X-Forwarded-Proto/)]),
    },
  ]);
});

test.each([
  ['a redirect', { status: 301, headers: { location: 'https://elsewhere/v2/' } }, /301 sends to https:\/\/elsewhere/],
  ['a page', { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }, /a page of HTML/],
  ['nobody behind it', { status: 502, body: nginxPage }, /502 Bad Gateway from nginx/],
  ['a login of its own', { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }, /login of its own/],
])('/v2/ that is not the registry is told: %s', async (_, meddling, seen) => {
  const proxy = await start();
  proxy.meddle = () => meddling;
  expect((await look(proxy.host)).failed[0]).toMatchObject({ seen: expect.stringMatching(seen) });
});

test('a clock that is ten minutes ahead is told', async () => {
  const proxy = await start();
  const date = new Date(Date.now() + 600_000).toUTCString();
  proxy.meddle = ({ path }) => (path === '/v2/' ? { status: 200, headers: { date } } : undefined);
  expect((await look(proxy.host)).failed).toMatchObject([{ step: 'clock', seen: expect.stringContaining('later') }]);
});

test('what is no URL of a registry is refused, without showing what may be a password', () => {
  expect(() => publicEndpoint('https://ann:secret@hub.example', {})).toThrow(/^(?!.*secret).*--password-stdin/);
  expect(() => publicEndpoint('https://hub.example/registry', {})).toThrow(/without a path/);
  expect(publicEndpoint('hub.example', {}).origin).toBe('https://hub.example');
  expect(publicEndpoint('https://127.0.0.1:5000/v2/', {}).origin).toBe('https://127.0.0.1:5000');
  expect(publicEndpoint('127.0.0.1:5000', {}).origin).toBe('http://127.0.0.1:5000');
});
