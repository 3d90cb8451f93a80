import type { IncomingHttpHeaders } from 'node:http';

/** Proxies that the doctor knows the settings of. */
export const products = ['nginx', 'Caddy', 'Traefik', 'Cloudflare'] as const;

/** One of them. */
export type Product = (typeof products)[number];

/** What stands between a client and the registry, as far as it shows itself. */
export interface Hop {
  /** As it calls itself, such as `nginx/1.26.0`. */
  readonly name: string;
  /** Undefined: one whose settings are not known here. */
  readonly product: Product | undefined;
  /** By what it was recognized. */
  readonly sign: string;
}

/** An answer as it is looked at. */
export interface AnswerSigns {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The first part of its body; empty for HEAD. */
  readonly text: string;
}

/** Whoever made an answer that is an error: its page says it better than headers do, which every hop on the way may have set. Undefined: nothing shows it. */
export function recognizeMaker(answer: AnswerSigns): Hop | undefined {
  return recognizePage(answer) ?? recognizeHops(answer)[0];
}

/** Every hop that shows itself in the headers of an answer, the nearest to the client first. */
export function recognizeHops({ headers }: Pick<AnswerSigns, 'headers'>): readonly Hop[] {
  const hops: Hop[] = [];
  const add = (hop: Hop) => {
    if (!hops.some(({ name }) => name.toLowerCase() === hop.name.toLowerCase())) hops.push(hop);
  };
  if (headers['cf-ray'] !== undefined) add({ name: 'Cloudflare', product: 'Cloudflare', sign: 'header CF-Ray' });
  if (headers.server !== undefined) add(named(String(headers.server), 'header Server'));
  for (const via of (headers.via ?? '').split(',')) {
    const name = via.trim().replace(/^(?:[A-Z]+\/)?[\d.]+ +/i, '');
    if (name !== '') add(named(name, 'header Via'));
  }
  return hops;
}

/** Error pages that a product makes when nobody configured others. */
const pages: readonly (readonly [Product, RegExp])[] = [
  ['Cloudflare', /<center>cloudflare<\/center>|cf-error-details|cf_chl_|Attention Required! \| Cloudflare/i],
  ['nginx', /<center>(?:nginx|openresty)[^<]*<\/center>/i],
];

/** Traefik names itself nowhere; without a `Server` these are its words, each for its status. */
const traefikWords: Readonly<Record<number, string>> = {
  404: '404 page not found',
  413: 'Request Entity Too Large',
  502: 'Bad Gateway',
  503: 'no available server',
  504: 'Gateway Timeout',
};

function recognizePage({ status, headers, text }: AnswerSigns): Hop | undefined {
  const product = pages.find(([, pattern]) => pattern.test(text))?.[0];
  const server = headers.server === undefined ? '' : `, Server: ${String(headers.server)}`;
  if (product !== undefined) return { name: product, product, sign: `its error page${server}` };
  const isTraefik = headers.server === undefined && traefikWords[status] === text.trim() && text.trim() !== '';
  return isTraefik ? { name: 'Traefik', product: 'Traefik', sign: `its words "${text.trim()}"` } : undefined;
}

function named(name: string, sign: string): Hop {
  const product = products.find((known) => name.toLowerCase().startsWith(known.toLowerCase()));
  return { name, product: product ?? (/^openresty/i.test(name) ? 'nginx' : undefined), sign };
}
