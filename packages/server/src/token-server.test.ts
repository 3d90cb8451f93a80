import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readTokenServer } from './token-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'moorage-keys-'));
afterAll(() => rmSync(directory, { recursive: true }));

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'EdDSA' };
const all = {
  ...{ 'tokenServer.realm': 'https://auth.example/token', 'tokenServer.service': 'hub.example' },
  ...{ 'tokenServer.issuer': 'auth.example', 'tokenServer.keys': 'keys' },
};
const none = Object.fromEntries(Object.keys(all).map((name) => [name, undefined])) as {
  [Name in keyof typeof all]: undefined;
};

function read(keys: string, settings: Parameters<typeof readTokenServer>[0] = all) {
  writeFileSync(join(directory, 'keys'), keys);
  return readTokenServer(settings, directory);
}

test('no settings are no token server, and all of them are one', () => {
  expect(read('', none)).toBeUndefined();
  expect(read(JSON.stringify({ keys: [jwk] }))).toEqual({
    ...{ realm: 'https://auth.example/token', service: 'hub.example', issuer: 'auth.example' },
    keys: { jwks: { keys: [jwk] } },
  });
});

/** Of an elliptic key that was thrown away. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBhTCCASugAwIBAgIUAuy3jHQLy9QKT7547El1IHTLMWUwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMYXV0aC5leGFtcGxlMCAXDTI2MTEyNDIyMjUzMFoYDzIxMjYx
MDMxMjIyNTMwWjAXMRUwEwYDVQQDDAxhdXRoLmV4YW1wbGUwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAQJULZVne2Drm6UrtmSyIDB1tJ5gokd4WPzFnmsaKM5S5N3
CFPcy9KSrn62E7/kF1YtNYWRxQHny4MnVAQ1zke3o1MwUTAdBgNVHQ4EFgQU2bXY
aP6MiQBscnkWonu4kZ1XywUwHwYDVR0jBBgwFoAU2bXYaP6MiQBscnkWonu4kZ1X
ywUwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBbB4rhgcYfcbOk
dYBA3S02K7cdS8BYbOykeYV76ErmIgIhAIN9hgyHU1nMpQ+p88qRmnxuqKPtAhXz
EATZhxxtE0OO
-----END CERTIFICATE-----`;

test('certificates are taken out of what stands around them', () => {
  expect(read(`Subject: CN=old\n${certificate}\nSubject: CN=new\n${certificate}\n`)?.keys).toEqual({
    certificates: [certificate, certificate],
  });
});

test('a part of the settings is refused with what is missing', () => {
  expect(() => read('', { ...all, 'tokenServer.issuer': undefined, 'tokenServer.keys': undefined })).toThrow(
    /^A token server needs all of .*: set tokenServer\.issuer and tokenServer\.keys, too, or none of them\.$/,
  );
});

test.each([
  ['nothing', ''],
  ['no keys', '{"keys":[]}'],
  ['a secret', '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'],
  ['half a key', JSON.stringify({ keys: [{ ...jwk, x: undefined }] })],
  ['a private key in PEM', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
  ['no certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
])('a file with %s is refused by its name', (_what, keys) => {
  expect(() => read(keys)).toThrow(`The public keys in ${join(directory, 'keys')} cannot be read`);
});

test('a file that is not there is refused by its name', () => {
  expect(() => readTokenServer({ ...all, 'tokenServer.keys': 'missing' }, directory)).toThrow(
    join(directory, 'missing'),
  );
});
