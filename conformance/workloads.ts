// A simulated CI job: a local OpenID Connect issuer signs its token, and crane pushes with that to a fresh server whose rules grant push to one repository for ten minutes and nothing else.
// Then somebody of the same issuer logs in with a code.
// Run it with `node tools/run.js conformance/workloads.ts`.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startIssuer, type TestIssuer } from '../packages/server/test/issuer.ts';
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

async function runCases(server: TestServer, issuer: TestIssuer, directory: string): Promise<boolean> {
  const total = { passed: 0, failed: 0 };
  for (const [index, { name, run }] of cases.entries()) {
    const job: Job = await createJob({ server, issuer, directory: join(directory, `job-${index}`) });
    const startedMs = performance.now();
    const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(1).padStart(5)} s`;
    try {
      await run(job);
      total.passed += 1;
      console.log(`ok     ${seconds()}  ${name}`);
    } catch (error) {
      total.failed += 1;
      const words = error instanceof Error ? error.message : String(error);
      console.log(`FAILED ${seconds()}  ${name}\n${words.slice(-shownCharacters)}`);
      console.log(`Server log ends with:\n${await server.lastLog()}\n`);
    }
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0;
}

const directory = await mkdtemp(join(tmpdir(), 'moorage-workloads-'));
const issuer = await startIssuer();
try {
  const file = join(directory, 'moorage.yaml');
  await writeFile(file, settingsOf(issuer));
  const server = await startServer({ accounts: ['alice'], settings: { MOORAGE_CONFIG: file } });
  try {
    process.exitCode = (await runCases(server, issuer, directory)) ? 0 : 1;
  } finally {
    await server.stop();
  }
} finally {
  await issuer.close();
  await rm(directory, { recursive: true, force: true });
}
