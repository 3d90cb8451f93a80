import { expect, test, vi } from 'vitest';
import { startServerWithLogin, temporaryDirectory, typeMoorage } from './run-moorage.ts';

test('moorage why says who asked what, which rule refused it and what would allow it, and that allows it', async () => {
  const data = temporaryDirectory();
  for (const name of ['alice', 'bob']) await typeMoorage(data, `user add ${name} --password-stdin`, `${name}-secret`);
  const { url } = await startServerWithLogin([], data);
  const ask = (who: string, path: string, { method = 'GET', password = `${who}-secret` } = {}) =>
    fetch(url + path, { method, headers: { Authorization: `Basic ${btoa(`${who}:${password}`)}` } });
  const idOf = (answer: Response) => answer.headers.get('x-request-id') ?? '';
  const push = (who: string) => ask(who, '/v2/acme/web/blobs/uploads/', { method: 'POST' });
  expect((await push('alice')).status).toBe(202);
  const denied = await push('bob');
  const hidden = await ask('bob', '/v2/acme/web/tags/list');
  const wrong = await ask('bob', '/v2/', { password: 'hunter2' });
  const stranger = await ask('x;reboot', '/v2/');
  expect([denied, hidden, wrong, stranger].map(({ status }) => status)).toEqual([403, 404, 401, 401]);
  const why = (answer: Response) => typeMoorage(data, `why ${idOf(answer)}`);
  // The server writes refusals a moment later.
  await vi.waitFor(async () => expect((await why(stranger)).code).toBe(0), { timeout: 10_000 });
  expect((await why(denied)).stdout).toMatch(
    /who +bob, from 127\.0\.0\.1\nasked +POST \/v2\/acme\/web\/blobs\/uploads\/\nanswer +403 DENIED: bob may not push to acme\/web\.\nrule +acme\/web is private; bob has no role on it .*wants contributor or more\.\nallows it +moorage repo grant acme\/web bob --role contributor\n/,
  );
  expect((await why(hidden)).stdout).toMatch(
    /rule .*private; bob has no role.*\n.*--role reader\n +moorage repo set acme\/web --visibility public\n/,
  );
  const login = (await why(wrong)).stdout;
  expect(login).toMatch(/who +somebody who showed the name bob.*\n[\s\S]*moorage user password bob/);
  expect(login).not.toContain('hunter2');
  expect((await why(stranger)).stdout).toMatch(/allows it +moorage user add NAME /);
  expect(await typeMoorage(data, `why ${'0'.repeat(32)}`)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Nothing is remembered of 0+: /),
  });

  await typeMoorage(data, 'repo grant acme/web bob --role contributor');
  expect((await push('bob')).status).toBe(202);
  expect((await why(denied)).stdout).toMatch(/rule +bob has the right to push now/);
}, 30_000);
