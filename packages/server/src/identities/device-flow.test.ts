import { expect, onTestFinished, test } from 'vitest';
import { startIssuer } from '../../test/issuer.ts';
import { type DevicePrompt, fetchLoginDocument, runDeviceFlow } from './device-flow.ts';

async function start() {
  const issuer = await startIssuer({ alg: 'EdDSA' });
  onTestFinished(() => issuer.close());
  const shown: DevicePrompt[] = [];
  const waits: number[] = [];
  const login = () =>
    runDeviceFlow(
      { issuer: issuer.url, clientId: 'moorage', scopes: ['openid', 'email'] },
      { show: (prompt) => shown.push(prompt), wait: async (ms) => waits.push(ms) },
    );
  return { issuer, shown, waits, login };
}

test('the code is shown, and the token is asked for as slowly as the issuer wants', async () => {
  const { issuer, shown, waits, login } = await start();
  issuer.deviceAnswers.push({ error: 'authorization_pending' }, { error: 'slow_down' }, { id_token: 'a.b.c' });
  expect(await login()).toBe('a.b.c');
  expect(shown).toEqual([
    {
      url: `${issuer.url}/activate`,
      code: 'WDJB-MJHT',
      urlWithCode: `${issuer.url}/activate?user_code=WDJB-MJHT`,
      expiresInSeconds: 600,
    },
  ]);
  expect(waits).toEqual([1000, 1000, 6000]);
  expect(issuer.forms.map(String)).toEqual([
    'client_id=moorage&scope=openid+email',
    ...Array(3).fill(
      'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=secret-device-code&client_id=moorage',
    ),
  ]);
});

test.each([
  ['access_denied', /^The login was refused at http:/],
  ['expired_token', /^Nobody typed the code in time: log in again\.$/],
  ['invalid_client', /refused the login: invalid_client\.$/],
])('%s ends it with a sentence', async (error, sentence) => {
  const { issuer, login } = await start();
  issuer.deviceAnswers.push({ error });
  await expect(login()).rejects.toThrow(sentence);
});

test('an issuer that is gone for a moment is asked again, slower, and not for ever', async () => {
  const { issuer, waits, login } = await start();
  issuer.answer('/token', (response) => response.destroy());
  await expect(login()).rejects.toThrow('Nobody typed the code in time');
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000]);
});

test.each<[string, object, RegExp]>([
  [
    'no code',
    { error: 'unauthorized_client', error_description: 'no\u001b[2Jdevices' },
    /gave no code to log in with: unauthorized_client, no\?\[2Jdevices\.$/,
  ],
  [
    'a code that steers the terminal',
    { device_code: 'x', user_code: 'A\u001b[2J', verification_uri: 'https://a.example' },
    /gave no code/,
  ],
  ['no page', { device_code: 'x', user_code: 'A', verification_uri: 'javascript:alert(1)' }, /gave no code/],
])('%s is shown to nobody', async (_, answer, sentence) => {
  const { issuer, shown, login } = await start();
  issuer.answer('/device', (response) => response.writeHead(200).end(JSON.stringify(answer)));
  await expect(login()).rejects.toThrow(sentence);
  expect(shown).toEqual([]);
});

test('an answer without an ID token, and an issuer without such a login, say what is missing', async () => {
  const { issuer, login } = await start();
  issuer.answer('/token', (response) => response.writeHead(200).end('{"access_token":"x"}'));
  await expect(login()).rejects.toThrow(/gave no ID token: its client must be one of OpenID Connect/);
  const document = JSON.stringify({ issuer: issuer.url });
  issuer.answer('/.well-known/openid-configuration', (response) => response.writeHead(200).end(document));
  await expect(login()).rejects.toThrow(
    /^Nobody can log in at http.* with a code: .* names no https address as device/,
  );
});

test('the document of a registry is checked before anything is believed of it', async () => {
  const { issuer } = await start();
  const good = { issuer: 'https://id.example', clientId: 'moorage', scopes: ['openid'] };
  const serve = (document: unknown) =>
    issuer.answer('/.well-known/moorage', (response) => response.writeHead(200).end(JSON.stringify(document)));
  serve({ ...good, more: 1 });
  expect(await fetchLoginDocument(issuer.url)).toEqual(good);
  for (const bad of [
    { ...good, issuer: 'http://id.example' },
    { ...good, clientId: 1 },
    { ...good, scopes: 'openid' },
    [],
  ]) {
    serve(bad);
    await expect(fetchLoginDocument(issuer.url)).rejects.toThrow(
      /does not say where people log in with a code .* no such document/,
    );
  }
  issuer.answer('/.well-known/moorage', undefined);
  await expect(fetchLoginDocument(`${issuer.url}/`)).rejects.toThrow(
    /status 404\): log in with a name and a password\.$/,
  );
});

test('whoever knows how the registry is reached fetches its document', async () => {
  const asked: string[] = [];
  const get = async (url: string) => {
    asked.push(url);
    return { status: 200, text: '{"issuer":"https://id.example","clientId":"moorage","scopes":["openid"]}' };
  };
  expect((await fetchLoginDocument('https://hub.example', get)).clientId).toBe('moorage');
  expect(asked).toEqual(['https://hub.example/.well-known/moorage']);
});
