import { z } from 'zod';

/** What a setting accepts. Text from a flag or the environment and values from YAML go through the same type. */
export interface SettingType<Value> {
  readonly schema: z.ZodType<Value>;
  /** Completes "it must be …"; every refusal of the schema means this. */
  readonly expects: string;
  /** Stands for the value in `--help`; in square brackets where the flag may stand alone. */
  readonly placeholder: string;
}

/** Where the server listens. No `host` means every address of the machine. */
export interface ListenAddress {
  readonly host: string | undefined;
  readonly port: number;
}

/** Any text that is not empty. */
export function text(placeholder: string): SettingType<string> {
  return { schema: z.string().min(1), expects: 'text that is not empty', placeholder };
}

/** On or off. */
export function flag(): SettingType<boolean> {
  const words: Readonly<Record<string, boolean>> = { true: true, false: false };
  const schema = z.preprocess((value) => (typeof value === 'string' ? words[value] : value), z.boolean());
  return { schema, expects: 'true or false', placeholder: '[true|false]' };
}

const wholeNumber = (number: z.ZodInt) =>
  z.preprocess((value) => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value), number);

/** A whole number from 1 to `maximum`. */
export function count(maximum: number): SettingType<number> {
  const schema = wholeNumber(z.int().min(1).max(maximum));
  return { schema, expects: `a whole number from 1 to ${maximum}`, placeholder: '<number>' };
}

/** A duration in whole seconds, at least `minimum`. */
export function seconds(minimum: number): SettingType<number> {
  const schema = wholeNumber(z.int().min(minimum));
  return { schema, expects: `a whole number of seconds, at least ${minimum}`, placeholder: '<seconds>' };
}

/** A size in bytes, at least `minimum`; text may end in KiB, MiB or GiB. */
export function size(minimum: number): SettingType<number> {
  const units: Readonly<Record<string, number>> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
  const toBytes = (value: string): number => {
    const [, digits, unit = ''] = /^(\d+) ?([KMG]iB)?$/.exec(value) ?? [];
    return Number(digits) * (units[unit] ?? Number.NaN);
  };
  return {
    schema: z.preprocess((value) => (typeof value === 'string' ? toBytes(value) : value), z.int().min(minimum)),
    expects: `a number of bytes, at least ${minimum}, such as 65536 or 4MiB`,
    placeholder: '<bytes>',
  };
}

/** One of `words`. */
export function choice<const Word extends string>(...words: Word[]): SettingType<Word> {
  const last = words.at(-1);
  return {
    schema: z.enum(words),
    expects: `${words.slice(0, -1).join(', ')} or ${last}`,
    placeholder: `<${words.join('|')}>`,
  };
}

/** `type`, or nothing when it is not set. */
export function optional<Value>(type: SettingType<Value>): SettingType<Value | undefined> {
  return { ...type, schema: type.schema.optional() };
}

const mediaTypePattern = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/i;

/** A media type without parameters. */
export function mediaType(): SettingType<string> {
  return {
    schema: z.string().regex(mediaTypePattern),
    expects: 'a media type without parameters, such as application/vnd.oci.image.manifest.v1+json',
    placeholder: '<media-type>',
  };
}

/** A list in YAML, text with commas elsewhere. */
export function list<Item>(item: z.ZodType<Item>): z.ZodType<readonly Item[]> {
  const split = (value: string) => value.split(',').map((part) => part.trim());
  return z.preprocess(
    (value) => (typeof value === 'string' ? split(value).filter((part) => part !== '') : value),
    z.array(item),
  );
}

/** Media types: a list in YAML, text with commas elsewhere. */
export function mediaTypes(): SettingType<readonly string[]> {
  return {
    schema: list(z.string().regex(mediaTypePattern)),
    expects: 'media types without parameters, separated by commas',
    placeholder: '<media-types>',
  };
}

const addressPattern = /^(?:(?:\[(?<ipv6>[0-9a-f:.]+)\]|(?<host>[a-z0-9_.-]*)):)?(?<port>\d{1,5})$/i;

/** `HOST:PORT`, `[IPv6]:PORT`; `:PORT` is every address and `PORT` alone the loopback address. */
export function address(): SettingType<ListenAddress> {
  const schema = z.union([z.string(), z.int()]).transform((value, context): ListenAddress => {
    const groups = addressPattern.exec(String(value))?.groups;
    const port = Number(groups?.['port']);
    if (groups === undefined || port > 65535) {
      context.addIssue('not an address');
      return z.NEVER;
    }
    const { ipv6, host } = groups;
    return { host: ipv6 ?? (host === undefined ? '127.0.0.1' : host || undefined), port };
  });
  return {
    schema,
    expects: 'HOST:PORT, such as 127.0.0.1:5000, [::1]:5000, :5000 for every address, or 5000',
    placeholder: '<address>',
  };
}

/** The origin of an `http` or `https` URL that has no path, query or user. */
export function origin(): SettingType<string> {
  const schema = z.string().transform((value, context) => {
    const url = URL.parse(value);
    if (url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
    context.addIssue('not an origin');
    return z.NEVER;
  });
  return {
    schema,
    expects: 'an http or https URL without a path, such as https://hub.example.com',
    placeholder: '<url>',
  };
}

/** An `http` or `https` URL. */
export function url(): SettingType<string> {
  return {
    schema: z.url({ protocol: /^https?$/ }).transform((value) => new URL(value).href),
    expects: 'an http or https URL, such as https://auth.example.com/token',
    placeholder: '<url>',
  };
}

/** Text that can stand between quotes in a header. */
export function word(placeholder: string): SettingType<string> {
  return {
    schema: z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/),
    expects: 'printable ASCII without spaces, quotes and backslashes',
    placeholder,
  };
}

/** Entries that are looked at by who uses them: a list of mappings in YAML, JSON elsewhere. */
export function documents(): SettingType<readonly Readonly<Record<string, unknown>>[]> {
  const parse = (value: string): unknown => {
    try {
      return JSON.parse(value === '' ? '[]' : value);
    } catch {
      return undefined; // no JSON, which the schema refuses
    }
  };
  return {
    schema: z.preprocess(
      (value) => (typeof value === 'string' ? parse(value) : value),
      z.array(z.record(z.string(), z.unknown())),
    ),
    expects: 'a list of entries in the file, or the same list as JSON',
    placeholder: '<json>',
  };
}

/** Addresses and subnets: a list in YAML, text with commas elsewhere. */
export function subnets(): SettingType<readonly string[]> {
  return {
    schema: list(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])),
    expects: 'IP addresses or subnets such as 10.0.0.0/8, separated by commas',
    placeholder: '<subnets>',
  };
}

/** The path of a location of nginx, with a slash at both ends. */
export function location(): SettingType<string> {
  return {
    schema: z.string().regex(/^\/(?:[\w-]+\/)+$/),
    expects: 'a path that begins and ends with a slash, such as /internal/blobs/',
    placeholder: '<path>',
  };
}
