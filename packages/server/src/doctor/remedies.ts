import { type Hop, type Product, products } from './hops.ts';

/** What hops do to registries. */
export type Fault =
  | 'body-size'
  | 'buffering'
  | 'compression'
  | 'headers'
  | 'login'
  | 'paths'
  | 'ranges'
  | 'scheme'
  | 'upstream';

/** The line to change of each product, and what the registry itself can do. Addresses are those of a registry on the same machine. */
const lines: Readonly<Record<Fault, Readonly<Record<Product, string>> & { readonly Moorage?: string }>> = {
  'body-size': {
    nginx: 'client_max_body_size 0;',
    Caddy: 'take request_body { max_size … } away, or raise it',
    Traefik: 'buffering middleware: maxRequestBodyBytes: 0',
    Cloudflare:
      'its plans take 100 MB to 500 MB in one request: make the DNS record "DNS only", or push with moorage push --chunk 50MiB',
  },
  buffering: {
    nginx: 'proxy_request_buffering off; proxy_http_version 1.1;',
    Caddy: 'take request_buffers out of reverse_proxy',
    Traefik: 'take the buffering middleware off the router of /v2/',
    Cloudflare: 'make the DNS record "DNS only"',
  },
  compression: {
    nginx: 'gzip off; in location /v2/ (and brotli off;)',
    Caddy: '@pages not path /v2/* and then encode @pages gzip zstd',
    Traefik: 'take the compress middleware off the router of /v2/',
    Cloudflare: 'Rules > Compression Rules: URI path starts with /v2/: Disable compression',
  },
  headers: {
    nginx: 'take proxy_hide_header away from location /v2/',
    Caddy: 'take header -NAME and header_down -NAME away for /v2/*',
    Traefik: 'take the header out of customResponseHeaders of the headers middleware',
    Cloudflare: 'Rules > Transform Rules: leave responses of /v2/* as they are',
  },
  login: {
    nginx: 'auth_basic off; and proxy_set_header Authorization $http_authorization; in location /v2/',
    Caddy: 'take basic_auth away for /v2/*, and header_up -Authorization',
    Traefik: 'take the basicAuth and forwardAuth middlewares off the router of /v2/',
    Cloudflare: 'Access and WAF: a rule that skips both for /v2/*',
  },
  paths: {
    nginx: 'location /v2/ { proxy_pass http://127.0.0.1:5000; } with no path behind the port, and no rewrite',
    Caddy: 'handle /v2/* { reverse_proxy 127.0.0.1:5000 } and not handle_path',
    Traefik: 'rule: PathPrefix(`/v2`) without StripPrefix, ReplacePath and RedirectRegex',
    Cloudflare: 'no redirect, page rule or URL normalization for /v2/*',
  },
  ranges: {
    nginx: 'proxy_cache off; and no proxy_set_header Range "" in location /v2/',
    Caddy: 'take header_up -Range and caches away for /v2/*',
    Traefik: 'take plugins that cache off the router of /v2/',
    Cloudflare: 'Caching > Cache Rules: URI path starts with /v2/: Bypass cache',
  },
  scheme: {
    nginx: 'proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;',
    Caddy:
      'take header_up X-Forwarded-Proto and Host away; behind another proxy: servers { trusted_proxies static private_ranges }',
    Traefik: 'passHostHeader: true; behind another proxy: forwardedHeaders.trustedIPs of the entry point',
    Cloudflare: 'SSL/TLS > Overview: Full (strict)',
    Moorage: '--public-url with the URL that clients use, and --trusted-proxies with the address of the proxy',
  },
  upstream: {
    nginx:
      'proxy_pass http://ADDRESS; with the address that the registry prints when it starts; proxy_read_timeout 900s;',
    Caddy: 'reverse_proxy ADDRESS with the address that the registry prints when it starts',
    Traefik: 'loadBalancer.servers: url: http://ADDRESS with the address that the registry prints when it starts',
    Cloudflare: 'the address of the DNS record, and SSL/TLS > Overview: Full (strict) if that speaks https',
  },
};

/** What to change for a fault: a line for each of the hops that are known, and where none is, one for each product. */
export function remediesFor(fault: Fault, hops: readonly Hop[]): readonly string[] {
  const { Moorage, ...byProduct } = lines[fault];
  const seen = products.filter((product) => hops.some((hop) => hop.product === product));
  const chosen = (seen.length === 0 ? products : seen).map((product) => `${product}: ${byProduct[product]}`);
  return Moorage === undefined ? chosen : [...chosen, `Moorage: ${Moorage}`];
}

/** The line of one product. */
export function lineOf(fault: Fault, product: Product): string {
  return lines[fault][product];
}
