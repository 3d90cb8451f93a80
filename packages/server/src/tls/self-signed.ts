import type { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { replaceFile } from '../replace-file.ts';
import type { ListenAddress } from '../setting-types.ts';
import { type CertificatePair, daysLeft, readPair } from './certificate-pair.ts';

const lifeDays = 825; // the most that Apple's systems take
const renewDays = 30;

/** Names and IP addresses for a certificate. */
export interface CertificateNames {
  /** Without one of these an older certificate is of no use. */
  readonly needed: readonly string[];
  /** Written into a new one, too. They change with the machine, its network or its container, and a new certificate has to be told to every client: so they are no reason to make one. */
  readonly offered: readonly string[];
}

/** A certificate that signs itself, and where it lies. */
export interface SelfSigned {
  readonly pair: CertificatePair;
  /** Of the certificate, which clients are given; the key lies beside it. */
  readonly path: string;
  readonly isNew: boolean;
}

/** The names by which clients may reach a server on this machine. */
export function namesOf(listen: ListenAddress, publicUrl: string | undefined): CertificateNames {
  const listensOnAny = listen.host === undefined || listen.host === '0.0.0.0' || listen.host === '::';
  const given = [listensOnAny ? undefined : listen.host, publicUrl && new URL(publicUrl).hostname];
  const needed = ['localhost', '127.0.0.1', '::1', ...given.map((name) => name?.replace(/^\[|\]$/g, ''))];
  const offered = [hostname(), ...(listensOnAny ? ownAddresses() : [])];
  const unique = (names: readonly (string | undefined)[]) => [...new Set(names.filter((name) => name !== undefined))];
  return { needed: unique(needed), offered: unique(offered) };
}

/** The certificate that `directory` keeps, or a new one when there is none, when it lacks a needed name, or when it ends within 30 days. */
export async function keepSelfSigned(
  directory: string,
  names: CertificateNames,
  nowMs: number = Date.now(),
): Promise<SelfSigned> {
  const path = join(directory, 'self-signed.crt');
  const keyPath = join(directory, 'self-signed.key');
  const kept = await findPair(path, keyPath);
  if (kept !== undefined && isGood(kept, { names: names.needed, nowMs })) return { pair: kept, path, isNew: false };
  const pair = await makeSelfSigned([...names.needed, ...names.offered], nowMs);
  await mkdir(directory, { recursive: true });
  await replaceFile(keyPath, pair.key);
  await replaceFile(path, pair.cert);
  await chmod(path, 0o644); // it is for everybody
  return { pair, path, isNew: true };
}

/** Makes a certificate that signs itself, of ECDSA on P-256, for servers alone, good for 825 days. */
export async function makeSelfSigned(names: readonly string[], nowMs: number = Date.now()): Promise<CertificatePair> {
  const { generate } = await import('selfsigned');
  const made = await generate([{ name: 'commonName', value: 'Moorage' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - 60 * 60 * 1000), // a client's clock may be slow
    notAfterDate: new Date(nowMs + lifeDays * 24 * 60 * 60 * 1000 - 60 * 60 * 1000),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [...new Set(names)].map((name) =>
          isIP(name) === 0 ? ({ type: 2, value: name } as const) : ({ type: 7, ip: name } as const),
        ),
      },
    ],
  });
  return { cert: made.cert.endsWith('\n') ? made.cert : `${made.cert}\n`, key: made.private };
}

async function findPair(path: string, keyPath: string): Promise<CertificatePair | undefined> {
  try {
    return { cert: await readFile(path, 'utf8'), key: await readFile(keyPath, 'utf8') };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isGood(
  pair: CertificatePair,
  { names, nowMs }: { readonly names: readonly string[]; readonly nowMs: number },
) {
  try {
    const certificate = readPair(pair, { cert: 'the certificate', key: 'the key' });
    return daysLeft(certificate, nowMs) >= renewDays && names.every((name) => covers(certificate, name));
  } catch {
    return false; // half of a pair, or no certificate at all: a new one takes its place
  }
}

/** Whether a certificate is good for a name or an IP address. */
export function covers(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
}
