import { z } from 'zod';
import type { SettingType } from '../setting-types.ts';

/** Where the certificate of the server comes from. */
export type TlsSetting =
  | { readonly kind: 'files'; readonly certificate: string; readonly key: string }
  | { readonly kind: 'self-signed' }
  /** Domains in lower case, at least one. */
  | { readonly kind: 'acme'; readonly domains: readonly string[] };

// An ACME server wants a name that is public, and the challenge that is answered here cannot prove a wildcard.
const domainPattern = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const addressPattern = /^[\d.]+$/;

/** `CERT,KEY`, `self-signed` or `acme:DOMAIN[,DOMAIN]`. */
export function tls(): SettingType<TlsSetting> {
  const schema = z.string().transform((value, context): TlsSetting => {
    const setting = parseTls(value);
    if (setting !== undefined) return setting;
    context.addIssue('not a source of certificates');
    return z.NEVER;
  });
  return {
    schema,
    expects: 'the files CERT,KEY in PEM, self-signed, or acme:DOMAIN with more domains after commas',
    placeholder: '<cert,key|self-signed|acme:domain>',
  };
}

function parseTls(value: string): TlsSetting | undefined {
  if (value === 'self-signed') return { kind: value };
  const parts = value
    .replace(/^acme:/, '')
    .split(',')
    .map((part) => part.trim());
  if (value.startsWith('acme:')) {
    const domains = [...new Set(parts.map((part) => part.toLowerCase()))];
    const fits = domains.every((domain) => domainPattern.test(domain) && !addressPattern.test(domain));
    return fits ? { kind: 'acme', domains } : undefined;
  }
  const [certificate, key, ...others] = parts;
  return certificate && key && others.length === 0 ? { kind: 'files', certificate, key } : undefined;
}

/** The URL of an ACME server's directory. */
export function acmeDirectory(): SettingType<string> {
  return {
    schema: z.url({ protocol: /^https$/ }).transform((value) => new URL(value).href),
    expects: 'an https URL, such as https://acme-staging-v02.api.letsencrypt.org/directory',
    placeholder: '<url>',
  };
}

/** An address of e-mail. */
export function email(): SettingType<string> {
  return { schema: z.email(), expects: 'an address of e-mail, such as ops@example.com', placeholder: '<email>' };
}
