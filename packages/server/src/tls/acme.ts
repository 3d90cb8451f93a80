import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { replaceFile } from '../replace-file.ts';
import { type Failures, renewalMs, retryAfterStartMs, retryMs } from './acme-schedule.ts';
import { type CertificatePair, type CertificateSource, readPair } from './certificate-pair.ts';
import { covers, makeSelfSigned } from './self-signed.ts';

const challengeProtocol = 'acme-tls/1'; // RFC 8737
const tickMs = 10_000;
const requestTimeoutMs = 30_000;

/** What certificates are asked for, and of whom. */
export interface AcmeOptions {
  readonly domains: readonly string[];
  /** URL of the ACME server's directory. */
  readonly server: string;
  readonly email: string | undefined;
  /** Absolute path of the directory in which keys and certificates are kept. */
  readonly directory: string;
  readonly log: Pick<Logger, 'info' | 'error'>;
}

/** Chooses the protocol of a connection, as Node's `ALPNCallback`; `this` is the connection. */
export type ProtocolChoice = (
  this: TLSSocket,
  // Node says false where the client names nobody, though its types do not.
  hello: { readonly servername: string | false; readonly protocols: readonly string[] },
) => string | undefined;

/** A source whose certificates come from an ACME server. */
export interface AcmeSource extends CertificateSource {
  /** Proves with its own certificate that the domains lead here, where an ACME server asks for that on a connection (TLS-ALPN-01), and chooses HTTP/1.1 else. */
  readonly chooseProtocol: ProtocolChoice;
}

/** The certificate that was kept, or at first one that signs itself; `follow` then asks for one when there is none or a third of its life is left. What fails is told and tried again later, and the
 *  server serves on meanwhile. */
export async function acmeCertificates(options: AcmeOptions): Promise<AcmeSource> {
  const { domains, server, log } = options;
  const directory = join(options.directory, new URL(server).host.replace(':', '_'));
  const certificateFile = join(directory, `${domains[0]}.pem`);
  const failuresFile = join(directory, 'failures.json');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const challenges = new Map<string, SecureContext>();

  const kept = await findCertificate(certificateFile, domains);
  let failures = await findFailures(failuresFile);
  let dueMs = Math.max(kept?.renewalMs ?? 0, failures === undefined ? 0 : retryAfterStartMs(failures));
  if (kept === undefined && dueMs > Date.now()) tellRetry(log, { domains, dueMs }, 'the last attempts failed');

  const renew = async (use: (pair: CertificatePair) => void): Promise<void> => {
    try {
      const pair = await order({ ...options, directory }, challenges);
      const certificate = readPair(pair, { cert: 'the answer', key: 'the request' });
      await replaceFile(certificateFile, pair.key + pair.cert);
      await rm(failuresFile, { force: true });
      failures = undefined;
      dueMs = renewalMs(certificate);
      use(pair);
      log.info({ domains, validTo: certificate.validToDate.toISOString() }, 'certificate came from the ACME server');
    } catch (error) {
      failures = { count: (failures?.count ?? 0) + 1, lastMs: Date.now() };
      dueMs = retryMs(failures);
      tellRetry(log, { domains, dueMs }, error instanceof Error ? error.message : String(error));
      await replaceFile(failuresFile, JSON.stringify(failures));
    }
  };
  let timer: NodeJS.Timeout | undefined;
  return {
    pair: kept?.pair ?? (await makeSelfSigned(domains)),
    chooseProtocol: challengeAnswerer(challenges),
    follow(use) {
      let isUnderWay = false;
      const tick = async () => {
        if (isUnderWay || Date.now() < dueMs) return;
        isUnderWay = true;
        await renew(use).catch((err) => log.error({ err }, 'the directory of certificates cannot be written'));
        isUnderWay = false;
      };
      void tick();
      timer = setInterval(() => void tick(), tickMs).unref();
    },
    close: () => clearInterval(timer),
  };
}

/** Orders a certificate, with the account whose key is kept. The agreement to the terms of the ACME server is its user's, who has named it. */
async function order(
  { domains, server, email, directory }: AcmeOptions,
  challenges: Map<string, SecureContext>,
): Promise<CertificatePair> {
  const { default: acme } = await import('acme-client');
  Object.assign(acme.axios.defaults, {
    timeout: requestTimeoutMs,
    acmeSettings: { retryMaxAttempts: 1, retryDefaultDelay: 5 },
  });
  const client = new acme.Client({
    directoryUrl: server,
    accountKey: await accountKey(join(directory, 'account.key'), acme.crypto),
    backoffMin: 1000,
    backoffMax: 15_000,
  });
  const [key, csr] = await acme.crypto.createCsr({ altNames: [...domains] }, await acme.crypto.createPrivateEcdsaKey());
  const cert = await client.auto({
    csr,
    ...(email === undefined ? {} : { email }),
    termsOfServiceAgreed: true,
    skipChallengeVerification: true, // this machine may not reach itself by its public name
    challengePriority: ['tls-alpn-01'],
    async challengeCreateFn(authorization, challenge, keyAuthorization) {
      const type: string = challenge.type; // the types of acme-client know two
      if (type !== 'tls-alpn-01') throw new Error(`${server} does not offer the challenge tls-alpn-01.`);
      const proofKey = await acme.crypto.createPrivateEcdsaKey();
      const [, proof] = await acme.crypto.createAlpnCertificate(authorization, keyAuthorization, proofKey);
      challenges.set(authorization.identifier.value, createSecureContext({ cert: proof, key: proofKey }));
    },
    challengeRemoveFn: async (authorization) => challenges.delete(authorization.identifier.value),
  });
  return { cert, key: key.toString() };
}

function challengeAnswerer(challenges: ReadonlyMap<string, SecureContext>): ProtocolChoice {
  return function chooseProtocol({ servername, protocols }) {
    if (!protocols.includes(challengeProtocol)) return protocols.includes('http/1.1') ? 'http/1.1' : undefined;
    const proof = servername === false ? undefined : challenges.get(servername.toLowerCase());
    if (proof === undefined) return undefined;
    this.setKeyCert(proof);
    return challengeProtocol;
  };
}

async function accountKey(path: string, crypto: { createPrivateEcdsaKey(): Promise<Buffer> }): Promise<string> {
  const kept = await findText(path);
  if (kept !== undefined) return kept;
  const key = (await crypto.createPrivateEcdsaKey()).toString();
  await replaceFile(path, key);
  return key;
}

/** The certificate that is kept, if it is good for all domains and has not ended. */
async function findCertificate(path: string, domains: readonly string[]) {
  const text = await findText(path);
  const at = text?.indexOf('-----BEGIN CERTIFICATE') ?? -1;
  if (text === undefined || at < 0) return undefined;
  const pair = { key: text.slice(0, at), cert: text.slice(at) };
  try {
    const certificate = readPair(pair, { cert: path, key: path });
    const isGood = domains.every((domain) => covers(certificate, domain)) && certificate.validToDate > new Date();
    return isGood ? { pair, renewalMs: renewalMs(certificate) } : undefined;
  } catch {
    return undefined; // another one takes its place
  }
}

async function findFailures(path: string): Promise<Failures | undefined> {
  try {
    const { count, lastMs } = JSON.parse((await findText(path)) ?? '');
    return Number.isInteger(count) && count > 0 && lastMs <= Date.now() ? { count, lastMs } : undefined;
  } catch {
    return undefined; // there were none
  }
}

async function findText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function tellRetry(
  log: AcmeOptions['log'],
  { domains, dueMs }: { readonly domains: readonly string[]; readonly dueMs: number },
  reason: string,
): void {
  const facts = { domains, reason, nextTry: new Date(dueMs).toISOString() };
  log.error(facts, 'no certificate from the ACME server, which must reach this server at port 443 of each domain');
}
