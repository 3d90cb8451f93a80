import { expect, test } from 'vitest';
import { trustText } from './trust-lines.ts';

test('each client is told where the certificate belongs', () => {
  const lines = trustText('hub.lan:5000', { path: '/srv/data/tls/self-signed.crt', fingerprint: 'AB:CD' });
  expect(lines.join('\n')).toContain('(SHA-256 AB:CD)');
  expect(lines).toContainEqual(
    expect.stringMatching(/^ {2}docker .* \/etc\/docker\/certs\.d\/hub\.lan:5000\/ca\.crt$/),
  );
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}oras .*--ca-file \/srv\/data\/tls\/self-signed\.crt$/));
});

test('a path that a shell would read as several words is quoted', () => {
  const lines = trustText('a', { path: "/srv/it's here/a.crt", fingerprint: '' });
  expect(lines.join('\n')).toContain(`SSL_CERT_FILE='/srv/it'\\''s here/a.crt'`);
});
