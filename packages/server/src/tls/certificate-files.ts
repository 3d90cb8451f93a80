/** Invariant: what is served is a pair that fitted together when it was read.
 *
 *  Files are replaced one after the other, by a rename or by turning a link (Kubernetes turns one of a directory above), and a look between the two sees a new certificate with the old key. So a
 *  change is read only when the next look finds the files as the look before did; a pair that does not fit all the same is told once, and the old one stays. */
import { readFileSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import process from 'node:process';
import type { Logger } from 'pino';
import { ExitError } from '../exit-error.ts';
import { type CertificatePair, type CertificateSource, readPair } from './certificate-pair.ts';

const lookEveryMs = 5000;

/** Absolute paths of a certificate and its key. */
export interface CertificatePaths {
  readonly certificate: string;
  readonly key: string;
}

/** A source that follows its files. */
export interface CertificateFiles extends CertificateSource {
  /** Looks whether the files have changed; when it `isAsked` to, it reads them at once, changed or not. */
  look(options?: { readonly isAsked?: boolean }): Promise<void>;
}

/** Reads a certificate and its key from files, and looks at them every five seconds, and at once on SIGHUP. Throws an `ExitError` when they cannot be used at the start; later that is told in
 *  the log, and the pair before stays. */
export function certificateFiles(paths: CertificatePaths, log: Pick<Logger, 'info' | 'error'>): CertificateFiles {
  const pair = readAtStart(paths);
  let use: (pair: CertificatePair) => void = () => undefined;
  let served = pair;
  /** What the files looked like when they were read last, whether or not they could be used. */
  let read = '';
  let seen = '';

  const load = async (stamp: string, isAsked: boolean): Promise<void> => {
    read = stamp;
    try {
      const found = { cert: await readFile(paths.certificate, 'utf8'), key: await readFile(paths.key, 'utf8') };
      if (!isAsked && found.cert === served.cert && found.key === served.key) return;
      const certificate = readPair(found, { cert: paths.certificate, key: paths.key });
      served = found;
      use(found);
      log.info({ certificate: paths.certificate, validTo: certificate.validToDate.toISOString() }, 'certificate read');
    } catch (error) {
      log.error({ reason: reasonOf(error) }, 'the changed certificate cannot be used: the one before stays');
    }
  };
  const lookNow = async (isAsked: boolean): Promise<void> => {
    const stamp = `${await stampOf(paths.certificate)} ${await stampOf(paths.key)}`;
    const isSettled = stamp === seen;
    seen = stamp;
    if (isAsked || (isSettled && stamp !== read)) await load(stamp, isAsked);
  };
  let last = Promise.resolve();
  const look: CertificateFiles['look'] = ({ isAsked = false } = {}) => {
    last = last.then(() => lookNow(isAsked)); // one at a time
    return last;
  };
  const onHangup = () => void look({ isAsked: true });
  let timer: NodeJS.Timeout | undefined;
  return {
    pair,
    look,
    follow(taker) {
      use = taker;
      process.on('SIGHUP', onHangup);
      timer = setInterval(() => void look(), lookEveryMs).unref();
    },
    close() {
      process.off('SIGHUP', onHangup);
      clearInterval(timer);
    },
  };
}

function readAtStart({ certificate, key }: CertificatePaths): CertificatePair {
  try {
    const pair = { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') };
    readPair(pair, { cert: certificate, key });
    return pair;
  } catch (error) {
    throw new ExitError(`--tls cannot be used: ${reasonOf(error)}`, { cause: error });
  }
}

/** What changes when another file stands under the path, or other bytes in it. */
async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return [await realpath(path), dev, ino, size, mtimeNs].join(':');
  } catch (error) {
    return reasonOf(error); // it is not there, or not for us: reading it will say so
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
