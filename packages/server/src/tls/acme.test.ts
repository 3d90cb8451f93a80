import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { acmeCertificates } from './acme.ts';
import { makeSelfSigned } from './self-signed.ts';

interface Told {
  readonly reason: string;
  readonly nextTry: string;
}

/** An ACME server that is out of order, and a place to keep things. */
async function start() {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-acme-'));
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
    rmSync(directory, { recursive: true, force: true });
  });
  const { port } = server.address() as AddressInfo;
  const heard = Promise.withResolvers<Told>();
  const log = { info: () => undefined, error: (facts: Told) => heard.resolve(facts) } as never;
  const options = { server: `http://127.0.0.1:${port}/dir`, email: undefined, directory, log };
  return { options, told: heard.promise, asked: () => asked, place: join(directory, `127.0.0.1_${port}`) };
}

test('what fails is told with the next try, and a server that starts again does not ask before it', async () => {
  const { options, told, asked, place } = await start();
  const source = await acmeCertificates({ ...options, domains: ['hub.example.com'] });
  onTestFinished(() => source.close());
  source.follow(() => expect.unreachable());
  const { reason, nextTry } = await told;
  expect(reason).toMatch(/ACME directory returned error 404/);
  expect(Date.parse(nextTry) - Date.now()).toBeGreaterThan(55_000);
  expect(source.pair.cert).toContain('BEGIN CERTIFICATE');
  await expect.poll(() => readFileSync(join(place, 'failures.json'), 'utf8')).toMatch(/"count":1/);

  const before = asked();
  const again = await acmeCertificates({ ...options, domains: ['hub.example.com'] });
  onTestFinished(() => again.close());
  again.follow(() => expect.unreachable());
  expect(asked()).toBe(before);
});

test('a certificate that was kept is served, unless a domain came that it does not have', async () => {
  const { options, place } = await start();
  const kept = await makeSelfSigned(['a.example.com']);
  mkdirSync(place);
  writeFileSync(join(place, 'a.example.com.pem'), kept.key + kept.cert);
  expect((await acmeCertificates({ ...options, domains: ['a.example.com'] })).pair).toEqual(kept);
  const wider = await acmeCertificates({ ...options, domains: ['a.example.com', 'b.example.com'] });
  expect(wider.pair.cert).not.toBe(kept.cert);
});

test('HTTP/1.1 is chosen, and the protocol of a challenge only while there is one', async () => {
  const { options } = await start();
  const { chooseProtocol } = await acmeCertificates({ ...options, domains: ['a.example.com'] });
  const chooseAs = (servername: string | false, ...protocols: string[]) =>
    chooseProtocol.call(undefined as never, { servername, protocols });
  const choose = (...protocols: string[]) => chooseAs('a.example.com', ...protocols);
  expect(choose('h2', 'http/1.1')).toBe('http/1.1');
  expect(choose('h2')).toBeUndefined();
  expect(choose('acme-tls/1')).toBeUndefined();
  expect(chooseAs(false, 'acme-tls/1')).toBeUndefined();
});
