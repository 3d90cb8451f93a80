// A simulated CI job: a local OpenID Connect issuer signs its token, and crane pushes with that to a fresh server whose rules grant push to one repository for ten minutes and nothing else.
// Then somebody of the same issuer logs in with a code.
// Run it with `node tools/run.js conformance/workloads.ts`.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startIssuer, type TestIssuer } from '../packages/server/test/issuer.ts';
import { createJudge, messageOf } from './judge.ts';
import { startServer, type TestServer } from './server.ts';
import { cases } from './workloads/cases.ts';
import { createJob, type Job } from './workloads/job.ts';

const shownCharacters = 3000;

/** Rules of the server, as its settings file has them. */
const settingsOf = (issuer: TestIssuer) => `
oidc:
  - issuer: ${issuer.url}
    audience: hub.example
    rules:
      - claims: { repository: acme/web, ref: 'refs/heads/*' }
        repositories: [acme/web]
        actions: [pull, push]
        ttlSeconds: 600
      - claims: { repository: acme/docs }
        repositories: [docs/*]
        actions: [pull]
        as: docs-reader
    people: { clientId: moorage, nameClaim: preferred_username, groupsClaim: groups }
`;

async function runCases(server: TestServer, issuer: TestIssuer, directory: string): Promise<void> {
  const { judge, end } = createJudge((error) => String(messageOf(error)).slice(-shownCharacters));
  for (const [index, { name, run }] of cases.entries()) {
    const job: Job = await createJob({ server, issuer, directory: join(directory, `job-${index}`) });
    if (!(await judge(name, () => run(job)))) console.log(`Server log ends with:\n${await server.lastLog()}\n`);
  }
  end();
}

const directory = await mkdtemp(join(tmpdir(), 'moorage-workloads-'));
const issuer = await startIssuer();
try {
  const file = join(directory, 'moorage.yaml');
  await writeFile(file, settingsOf(issuer));
  const server = await startServer({ accounts: ['alice'], settings: { MOORAGE_CONFIG: file } });
  try {
    await runCases(server, issuer, directory);
  } finally {
    await server.stop();
  }
} finally {
  await issuer.close();
  await rm(directory, { recursive: true, force: true });
}
