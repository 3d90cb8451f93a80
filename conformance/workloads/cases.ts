import { equal, match, notEqual, ok } from 'node:assert/strict';
import type { CommandResult } from '../run-command.ts';
import { alice, basic, type Job } from './job.ts';

/** One thing that a job tries. */
export type Case = { readonly name: string; run(job: Job): Promise<void> };

const accepted = ({ exitCode, transcript }: CommandResult) => equal(exitCode, 0, transcript);

/** Refused by the registry, and not for want of something else. */
function refused({ exitCode, transcript }: CommandResult, words: RegExp): void {
  notEqual(exitCode, 0, transcript);
  match(transcript, words);
}

/** The job's token is shown to crane, which is refused when it pushes. */
function refusedLogin(name: string, words: RegExp, token: (job: Job) => Promise<string>): Case {
  return {
    name,
    async run(job) {
      const shown = await token(job);
      await job.logIn('oidc', shown);
      refused(await job.push('acme/web:refused'), words);
      equal(
        (await job.call('token?scope=repository:acme/web:pull,push', { authorization: basic('x', shown) })).status,
        401,
      );
      const upload = { method: 'POST', authorization: `Bearer ${shown}` };
      equal((await job.call('acme/web/blobs/uploads/', upload)).status, 401);
    },
  };
}

const seconds = () => Math.floor(Date.now() / 1000);
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const wrong = /user name or the password is wrong/i;

/** In their order: the first pushes what the others try to get at. */
export const cases: readonly Case[] = [
  {
    name: 'crane pushes to the repository of the rule with the token as password, and reads the digest that it wrote',
    async run(job) {
      await job.logIn('oidc', await job.token());
      accepted(await job.push('acme/web:1'));
      const { stdout } = await job.crane('digest', `${job.server.host}/acme/web:1`);
      match(stdout, /^sha256:[0-9a-f]{64}\n$/);
    },
  },
  {
    name: 'crane pushes with the token that was got for it at the token endpoint, and the audit says which job it was',
    async run(job) {
      const authorization = basic('oidc', await job.token());
      const { body } = await job.call('token?scope=repository:acme/web:pull,push', { authorization });
      const { token, refresh_token } = JSON.parse(body);
      equal(refresh_token, undefined);
      const upload = { method: 'POST', authorization: `Bearer ${token}` };
      equal((await job.call('acme/web/blobs/uploads/', upload)).status, 202);
      const audit = await job.server.moorage(['audit', '--json']);
      ok(audit.includes(`oidc:${new URL(job.issuer.url).host}:repo:acme/web:ref:refs/heads/main`), audit);
    },
  },
  {
    name: 'it pushes to no other repository, deletes nothing, and sees nothing else in the catalog',
    async run(job) {
      equal((await job.call('alice/secret/blobs/uploads/', { method: 'POST', authorization: alice })).status, 202);
      await job.logIn('oidc', await job.token());
      const words = /DENIED.* may not push in \S+: its rule grants pull, push in acme\/web and nothing else/;
      for (const name of ['acme/other', 'acme/web/below', 'alice/secret']) refused(await job.push(`${name}:1`), words);
      const { host } = job.server;
      refused(await job.crane('pull', `${host}/alice/secret:1`, 'x.tar'), /NAME_UNKNOWN/);
      refused(await job.crane('delete', `${host}/acme/web:1`), /DENIED|UNAUTHORIZED/);
      const { stdout, transcript } = await job.crane('catalog', host);
      equal(stdout, 'acme/web\n', transcript);
    },
  },
  {
    name: 'a rule that grants pull from a namespace grants no push there',
    async run(job) {
      await job.logIn('alice', 'alice-secret');
      accepted(await job.push('docs/guide:1'));
      await job.logIn('oidc', await job.token({ repository: 'acme/docs' }));
      accepted(await job.crane('manifest', `${job.server.host}/docs/guide:1`));
      refused(await job.push('docs/guide:2'), /oidc:docs-reader may not push in docs\/guide/);
      refused(await job.crane('manifest', `${job.server.host}/acme/web:1`), /NAME_UNKNOWN/);
    },
  },
  refusedLogin('another branch is refused', /no rule of this registry is for it.*refs\/tags\/v1/, (job) =>
    job.token({ ref: 'refs/tags/v1' }),
  ),
  refusedLogin('another repository is refused', /no rule of this registry/, (job) =>
    job.token({ repository: 'evil/web' }),
  ),
  refusedLogin('a token that has expired is refused', /it has expired/, (job) =>
    job.token({ iat: seconds() - 500, exp: seconds() - 100 }),
  ),
  refusedLogin(
    'a token from more than ten minutes ago is refused, though it lives on',
    /\(ttlSeconds\) is over/,
    (job) => job.token({ iat: seconds() - 601, exp: seconds() + 3600 }),
  ),
  refusedLogin('a token for another audience is refused', /it is for \\?"other\.example/, (job) =>
    job.token({ aud: 'other.example' }),
  ),
  refusedLogin('a token of another issuer is refused', wrong, (job) => job.token({ iss: 'https://other.example' })),
  refusedLogin('a token with an unknown key is refused', wrong, (job) => job.token({}, { kid: 'unknown' })),
  refusedLogin('a token without a signature is refused', wrong, async (job) => {
    const [, payload] = (await job.token()).split('.');
    return `${part({ alg: 'none', kid: 'key-1' })}.${payload}.`;
  }),
  refusedLogin('a token that is signed with the public key as a secret is refused', wrong, (job) =>
    job.token({}, { alg: 'HS256', key: Buffer.from(JSON.stringify(job.issuer.publicKey())) }),
  ),
  {
    name: 'a user of the accounts logs in beside it',
    async run(job) {
      equal((await job.call('', { authorization: alice })).status, 200);
    },
  },
  {
    name: 'somebody logs in with a code that is typed into a browser, and crane pushes by the rights of their groups',
    async run(job) {
      const { server, issuer } = job;
      await server.moorage(['repo', 'grant', 'team/*', '@team', '--role', 'contributor', '--outside']);
      const idToken = await issuer.sign({ aud: 'moorage', sub: '0001', preferred_username: 'bob', groups: ['team'] });
      issuer.deviceAnswers.push({ error: 'authorization_pending' }, { id_token: idToken });
      const login = await job.moorage('login', '--device', server.host);
      accepted(login);
      match(login.stderr, /http:\/\/127\.0\.0\.1:\d+\/activate\?user_code=WDJB-MJHT/);
      accepted(await job.push('team/web:1'));
      refused(await job.push('acme/web:2'), /DENIED: bob may not push to acme\/web/);
      ok((await server.moorage(['people', 'list'])).includes('bob'));
      await server.moorage(['people', 'remove', 'bob']);
      refused(await job.push('team/web:2'), /UNAUTHORIZED/);
    },
  },
];
