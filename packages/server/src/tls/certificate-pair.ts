import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** A certificate, with the ones between it and its authority behind it, and its private key, both in PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** Where the server gets its certificate from. */
export interface CertificateSource {
  /** What to serve with from the start. */
  readonly pair: CertificatePair;
  /** Gives every later pair to `use`, until `close`. Call it once. */
  follow(use: (pair: CertificatePair) => void): void;
  close(): void;
}

/** The words for the two parts of a pair in a message. */
export interface PairNames {
  readonly cert: string;
  readonly key: string;
}

/** Reads the first certificate of a pair with which a server can speak TLS; throws an `Error` whose message is a sentence on what is wrong, with these names, where it cannot. */
export function readPair({ cert, key }: CertificatePair, names: PairNames): X509Certificate {
  const certificate = attempt(
    () => new X509Certificate(cert),
    () => `${names.cert} holds no certificate in PEM.`,
  );
  const privateKey = attempt(
    () => createPrivateKey(key),
    () =>
      key.includes('ENCRYPTED')
        ? `The key in ${names.key} is encrypted: write it without a password, such as with openssl pkey.`
        : `${names.key} holds no private key in PEM.`,
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error(`The first certificate in ${names.cert} does not belong to the key in ${names.key}.`);
  }
  attempt(
    () => createSecureContext({ cert, key }),
    (error) => `The certificate in ${names.cert} cannot be used: ${error instanceof Error ? error.message : error}.`,
  );
  return certificate;
}

function attempt<T>(work: () => T, explain: (error: unknown) => string): T {
  try {
    return work();
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  }
}

const dayMs = 24 * 60 * 60 * 1000;

/** Whole days until the certificate ends; below 0 when it has. */
export function daysLeft({ validToDate }: Pick<X509Certificate, 'validToDate'>, nowMs: number): number {
  return Math.floor((validToDate.getTime() - nowMs) / dayMs);
}
