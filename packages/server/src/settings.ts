import type { z } from 'zod';
import { endpointRates, rate } from './rate-types.ts';
import {
  address,
  choice,
  count,
  documents,
  flag,
  location,
  mediaType,
  mediaTypes,
  optional,
  origin,
  type SettingType,
  seconds,
  size,
  subnets,
  text,
  url,
  word,
} from './setting-types.ts';
import { mostThreads } from './threads/place.ts';
import { acmeDirectory, email, tls } from './tls/tls-type.ts';

/** What is known about one setting. */
export interface SettingRow {
  readonly type: SettingType<unknown>;
  /** As text, as it would be typed; undefined: not set. */
  readonly default: string | undefined;
  /** One sentence without its final stop. */
  readonly description: string;
}

/** The one table of settings: flags, environment, file, `--help` and docs/settings.md all come from it.
 *  `a.bC` is `--a-b-c`, `MOORAGE_A_B_C`, and `bC` below `a` in the file. */
export const settingsTable = {
  listen: { type: address(), default: '127.0.0.1:5000', description: 'Address that the server listens on' },
  data: { type: text('<directory>'), default: './data', description: 'Directory for everything that is stored' },
  open: {
    type: flag(),
    default: 'false',
    description: 'Lets everyone who reaches the address pull, push and delete, without logging in',
  },
  publicUrl: {
    type: optional(origin()),
    default: undefined,
    description: 'URL under which clients reach the server, where a proxy stands before it',
  },
  tls: {
    type: optional(tls()),
    default: undefined,
    description:
      'Makes the server speak TLS: with a certificate and its key from files, which are read again when they change; with one that it signs itself; or with one from an ACME server such as that of Let’s Encrypt, which must reach this server at port 443 of each domain',
  },
  'acme.directory': {
    type: acmeDirectory(),
    default: 'https://acme-v02.api.letsencrypt.org/directory',
    description:
      'Directory of the ACME server to whose terms you agree with `tls` set to `acme:DOMAIN`; that of Let’s Encrypt unless it is set',
  },
  'acme.email': {
    type: optional(email()),
    default: undefined,
    description: 'Address at which the ACME server may write to you',
  },
  trustedProxies: {
    type: subnets(),
    default: '',
    description:
      'Proxies before the server, whose word for the address, scheme and host of a client is believed (`X-Forwarded-For`, `-Proto` and `-Host`); empty: none',
  },
  accelRedirect: {
    type: optional(location()),
    default: undefined,
    description:
      'Location of nginx at which it finds the directory `blobs` of the data, so that it sends large blobs itself (`X-Accel-Redirect`) on requests that come through `trustedProxies`; docs/operating.md has how nginx is set up for it',
  },
  'uploads.ttlSeconds': {
    type: seconds(1),
    default: '86400',
    description: 'How long an upload session that nobody feeds is kept',
  },
  'uploads.reserveBytes': {
    type: size(0),
    default: '256MiB',
    description:
      'Free space on the disk of the blobs below which pushes of blobs are refused, while pulls, logins and deletes go on; 0 keeps none',
  },
  'uploads.contentTypes': {
    type: mediaTypes(),
    default: '',
    description: 'Content types that uploads of blobs may have; empty accepts any',
  },
  'push.leaseSeconds': {
    type: seconds(60),
    default: '86400',
    description: 'How long a blob that no manifest names stays, after a client was told that it is there',
  },
  'manifests.maxBytes': { type: size(1024), default: '4MiB', description: 'Size of the largest manifest accepted' },
  'manifests.sparse': {
    type: flag(),
    default: 'false',
    description: 'Accepts indexes and images whose parts are not all in the repository',
  },
  'manifests.defaultMediaType': {
    type: mediaType(),
    default: 'application/vnd.oci.image.manifest.v1+json',
    description: 'Media type of a manifest that is pushed without one',
  },
  'deletes.manifests': { type: flag(), default: 'true', description: 'Allows deleting manifests and tags' },
  'deletes.blobs': { type: flag(), default: 'true', description: 'Allows deleting blobs' },
  'tokens.ttlSeconds': {
    type: seconds(60),
    default: '300',
    description: 'How long the token is good that a client gets for its password, before it asks for another one',
  },
  'tokenServer.realm': {
    type: optional(url()),
    default: undefined,
    description:
      'URL where clients get tokens from another server in the place of this one, which needs all four settings of `tokenServer`. Whom its tokens name is the user of that name, and without one somebody who is in no group',
  },
  'tokenServer.service': {
    type: optional(word('<service>')),
    default: undefined,
    description: 'Name of this registry in the tokens of that server (`aud`)',
  },
  'tokenServer.issuer': {
    type: optional(text('<issuer>')),
    default: undefined,
    description: 'Name of that server in its tokens (`iss`)',
  },
  'tokenServer.keys': {
    type: optional(text('<file>')),
    default: undefined,
    description: 'File with the public keys of that server: a JWKS, or certificates in PEM',
  },
  htpasswd: {
    type: optional(text('<file>')),
    default: undefined,
    description:
      'File with users and the bcrypt hashes of their passwords (`htpasswd -B`), who log in beside the users of the server; it is read again when it changes',
  },
  oidc: {
    type: documents(),
    default: '',
    description:
      'OpenID Connect issuers whose tokens are taken: of workloads such as CI jobs, by rules on their claims, and of people; docs/identities.md has what an entry holds',
  },
  'repositories.creation': {
    type: choice('anyone', 'namespace', 'administrators'),
    default: 'anyone',
    description:
      'Who may push under a name that is not taken: anyone who is logged in, everyone below their own name (`alice/…`), or administrators alone',
  },
  'repositories.visibility': {
    type: choice('private', 'public'),
    default: 'private',
    description: 'Visibility of a repository that a push makes',
  },
  threads: {
    type: optional(count(mostThreads)),
    default: undefined,
    description:
      'Threads that answer requests, each on a core of its own; not set: one a core and at most 4, and a single one with `tls`, or on a system that cannot deal connections out among them (any but Linux)',
  },
  'limits.maxHeaderBytes': {
    type: size(8192),
    default: '64KiB',
    description: 'Largest sum of the headers of a request',
  },
  'limits.idleTimeoutSeconds': {
    type: seconds(1),
    default: '60',
    description: 'How long a request may go without a byte in either direction',
  },
  'limits.minBytesPerSecond': {
    type: size(0),
    default: '1024',
    description:
      'Slowest that a client may send a body or take an answer, in bytes a second on average over `limits.rateWindowSeconds`; slower ones are ended, and what arrived of an upload is kept; 0: as slow as it likes',
  },
  'limits.rateWindowSeconds': {
    type: seconds(1),
    default: '120',
    description:
      'Time over which the rate of a client is averaged, at least twice `limits.idleTimeoutSeconds` so that a pause can be made good',
  },
  'limits.drainSeconds': {
    type: seconds(0),
    default: '10',
    description: 'How long requests in flight may go on once the server was asked to stop',
  },
  'rateLimits.address': {
    type: rate(),
    default: '',
    description: 'How many requests may come from one address (of IPv6: one /64) in a period; empty: any number',
  },
  'rateLimits.identity': {
    type: rate(),
    default: '',
    description: 'How many requests a user or robot that is logged in may send in a period; empty: any number',
  },
  'rateLimits.endpoints': {
    type: endpointRates(),
    default: '',
    description:
      'How many requests to one endpoint of the API a user, or else an address, may send in a period, by its number in the specification; empty: any number',
  },
  'log.level': {
    type: choice('debug', 'info', 'warn', 'error', 'silent'),
    default: 'info',
    description: 'Least important entries that are logged; debug logs pulls, too',
  },
  'log.format': {
    type: optional(choice('text', 'json')),
    default: undefined,
    description:
      'Form of the log on stderr; not set: text on a terminal, else json. With json nothing but the first password is written to stdout',
  },
} as const satisfies Record<string, SettingRow>;

/** Name of a setting, as it is known in the code and the documents. */
export type SettingName = keyof typeof settingsTable;

/** The value of every setting. */
export type Settings = { readonly [Name in SettingName]: z.output<(typeof settingsTable)[Name]['type']['schema']> };

/** Every setting with its name, in the order of the table. */
export const settingRows: readonly (readonly [SettingName, SettingRow])[] = Object.entries(settingsTable) as [
  SettingName,
  SettingRow,
][];

/** `a.bC` as `a-b-c`. */
const kebab = (name: string) => name.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The flag of a setting: `a.bC` is `--a-b-c`. */
export function flagOf(name: string): string {
  return `--${kebab(name)}`;
}

/** The environment variable of a setting: `a.bC` is `MOORAGE_A_B_C`. */
export function variableOf(name: string): string {
  return `MOORAGE_${kebab(name).replaceAll('-', '_').toUpperCase()}`;
}
