import { X509Certificate } from 'node:crypto';
import type { Server, ServerOptions } from 'node:https';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import type { Settings } from '../settings.ts';
import { acmeCertificates } from './acme.ts';
import { certificateFiles } from './certificate-files.ts';
import { type CertificatePair, type CertificateSource, daysLeft } from './certificate-pair.ts';
import { keepSelfSigned, namesOf } from './self-signed.ts';
import type { TlsSetting } from './tls-type.ts';

const dayMs = 24 * 60 * 60 * 1000;
const warnDays = 14;
const base = { minVersion: 'TLSv1.2' } as const satisfies ServerOptions;

/** What a server needs to speak TLS. */
export interface ServerTls {
  /** For `https.createServer`. */
  readonly options: ServerOptions;
  /** By which clients know the server, where its certificate comes from an ACME server. */
  readonly domain: string | undefined;
  /** What clients have to be given, where nobody whom they know has signed the certificate. */
  readonly selfSigned: SelfSignedCertificate | undefined;
  /** Gives the server every later certificate until `close`, and tells in the log when one nears its end. */
  follow(server: Pick<Server, 'setSecureContext'>): void;
  close(): void;
}

/** A certificate that clients have to be given. */
export interface SelfSignedCertificate {
  /** Absolute path. */
  readonly path: string;
  /** SHA-256, as openssl writes it. */
  readonly fingerprint: string;
}

/** What opening needs besides the setting `tls`. */
export interface TlsSurroundings {
  readonly settings: Pick<Settings, 'listen' | 'publicUrl' | 'acme.directory' | 'acme.email'>;
  /** Directory that relative paths start from. */
  readonly directory: string;
  /** Absolute path of the data directory. */
  readonly data: string;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** Opens the source of certificates; throws an `ExitError` when it cannot give one. */
export async function openTls(setting: TlsSetting, surroundings: TlsSurroundings): Promise<ServerTls> {
  const { log } = surroundings;
  const { source, ...about } = await openSource(setting, surroundings);
  let served = source.pair;
  const tellOfEnd = () => tellIfEnding(served, { log, nowMs: Date.now() });
  let timer: NodeJS.Timeout | undefined;
  return {
    ...about,
    options: { ...base, ...about.options, ...source.pair },
    follow(server) {
      source.follow((pair) => {
        served = pair;
        server.setSecureContext({ ...base, ...pair });
        tellOfEnd();
      });
      if (setting.kind !== 'acme') tellOfEnd(); // what an ACME server has not renewed at the start is being asked for
      timer = setInterval(tellOfEnd, dayMs).unref();
    },
    close() {
      source.close();
      clearInterval(timer);
    },
  };
}

type Opened = Pick<ServerTls, 'options' | 'domain' | 'selfSigned'> & { readonly source: CertificateSource };

async function openSource(setting: TlsSetting, surroundings: TlsSurroundings): Promise<Opened> {
  const { settings, directory, data, log } = surroundings;
  const none = { options: {}, domain: undefined, selfSigned: undefined };
  switch (setting.kind) {
    case 'files': {
      const paths = { certificate: resolve(directory, setting.certificate), key: resolve(directory, setting.key) };
      return { ...none, source: certificateFiles(paths, log) };
    }
    case 'self-signed': {
      const { pair, path, isNew } = await keepSelfSigned(
        join(data, 'tls'),
        namesOf(settings.listen, settings.publicUrl),
      );
      const fingerprint = new X509Certificate(pair.cert).fingerprint256;
      log.info({ certificate: path, fingerprint, isNew }, 'certificate that signs itself');
      const source = { pair, follow: () => undefined, close: () => undefined };
      return { ...none, source, selfSigned: { path, fingerprint } };
    }
    case 'acme': {
      const { domains } = setting;
      const options = { domains, server: settings['acme.directory'], email: settings['acme.email'] };
      const source = await acmeCertificates({ ...options, directory: join(data, 'tls', 'acme'), log });
      return { ...none, source, options: { ALPNCallback: source.chooseProtocol }, domain: domains[0] };
    }
  }
}

/** Tells when less than 14 days of a certificate are left. */
export function tellIfEnding(
  { cert }: CertificatePair,
  { log, nowMs }: { readonly log: Pick<Logger, 'warn' | 'error'>; readonly nowMs: number },
): void {
  const certificate = new X509Certificate(cert);
  const days = daysLeft(certificate, nowMs);
  const facts = { subjectAltName: certificate.subjectAltName, validTo: certificate.validToDate.toISOString() };
  if (days < 0) log.error(facts, 'the certificate has ended: clients refuse it');
  else if (days < warnDays) log.warn({ ...facts, days }, 'the certificate ends soon');
}
