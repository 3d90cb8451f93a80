import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TokenServer } from '@moorage/registry';
import { z } from 'zod';
import { ExitError } from './exit-error.ts';
import type { Settings } from './settings.ts';

const names = ['tokenServer.realm', 'tokenServer.service', 'tokenServer.issuer', 'tokenServer.keys'] as const;

/** The token server that the settings name, with its keys; undefined where they name none. A relative path of keys starts from `directory`. Throws an `ExitError` where only a part is
 *  set, or where the keys cannot be read. */
export function readTokenServer(
  settings: Pick<Settings, (typeof names)[number]>,
  directory: string,
): TokenServer | undefined {
  const [realm, service, issuer, keys] = names.map((name) => settings[name]);
  if (realm !== undefined && service !== undefined && issuer !== undefined && keys !== undefined) {
    return { realm, service, issuer, keys: readKeys(resolve(directory, keys)) };
  }
  const missing = names.filter((name) => settings[name] === undefined);
  if (missing.length === names.length) return undefined;
  throw new ExitError(
    `A token server needs all of ${names.join(', ')}: set ${missing.join(' and ')}, too, or none of them.`,
  );
}

const jwksSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) });

function readKeys(path: string): TokenServer['keys'] {
  try {
    const text = readFileSync(path, 'utf8');
    const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
    if (certificates !== null) {
      for (const certificate of certificates) void new X509Certificate(certificate);
      return { certificates };
    }
    const jwks = jwksSchema.parse(JSON.parse(text));
    for (const key of jwks.keys) createPublicKey({ key, format: 'jwk' });
    return { jwks };
  } catch (cause) {
    throw new ExitError(
      `The public keys in ${path} cannot be read: tokenServer.keys must name a file with a JWKS (JSON) or with certificates in PEM.`,
      { cause },
    );
  }
}
