import {
  type Digest,
  parseDigest,
  parseRepositoryName,
  parseTag,
  type RepositoryName,
  type Tag,
} from '@moorage/registry';
import { ExitError } from '../exit-error.ts';

/** Where a name without a host is looked for. */
export const defaultHost = '127.0.0.1:5000';

/** Content of a registry, as people type it. */
export interface Reference {
  /** As it was typed, with the port: what credentials are kept under. */
  readonly host: string;
  readonly repository: RepositoryName;
  /** `latest` where neither a tag nor a digest was typed. */
  readonly tag: Tag | undefined;
  /** What is meant where both are given. */
  readonly digest: Digest | undefined;
}

/** `text` as `[HOST[:PORT]/]NAME[:TAG][@DIGEST]`; else an `ExitError` that says what is wrong. What stands before the first `/` is a host where docker takes it for one: with a dot, a colon, or `localhost`. */
export function parseReference(text: string): Reference {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw new ExitError(`${quote(text)} begins with a scheme: type HOST[:PORT]/NAME[:TAG] alone.`);
  }
  const { host, path } = splitHost(text);
  const [, named = '', typedDigest] = /^([^@]*)(?:@(.*))?$/s.exec(path) ?? [];
  const [, typedName = '', typedTag] = /^([^:]*)(?::(.*))?$/s.exec(named) ?? [];
  return explained(text, () => {
    const digest = typedDigest === undefined ? undefined : parseDigest(typedDigest);
    const tag = typedTag ?? (digest === undefined ? 'latest' : undefined);
    return {
      host,
      repository: parseRepositoryName(
        isDockerHub(host) && !typedName.includes('/') ? `library/${typedName}` : typedName,
      ),
      tag: tag === undefined ? undefined : parseTag(tag),
      digest,
    };
  });
}

/** `HOST[:PORT]` alone, as `moorage login` takes it; else an `ExitError`. */
export function parseHost(text: string): string {
  const host = text.replace(/^https?:\/\//, '').replace(/\/(?:v2\/?)?$/, '');
  if (isHost(host)) return host;
  throw new ExitError(`${quote(text)} is not a registry: type HOST[:PORT], such as ${defaultHost}.`);
}

/** What a manifest is asked for by: the digest where there is one. */
export function wantedOf({ tag, digest }: Reference): string {
  return digest ?? tag ?? 'latest';
}

/** `HOST/NAME:TAG@DIGEST`, which names one content for ever and says where it came from; the digest is what was `found`, else what was typed. */
export function formatReference({ host, repository, tag, digest: typed }: Reference, found?: string): string {
  const digest = found ?? typed;
  return `${host}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** Whether a host stands for Docker Hub. */
export function isDockerHub(host: string): boolean {
  return ['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(host);
}

const hostPattern = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;

/** A URL also knows which ports and addresses there are. */
function isHost(text: string): boolean {
  return hostPattern.test(text) && URL.canParse(`http://${text}`);
}

function splitHost(text: string): { host: string; path: string } {
  const slash = text.indexOf('/');
  const first = slash === -1 ? '' : text.slice(0, slash);
  if (!/[.:]/.test(first) && first !== 'localhost') return { host: defaultHost, path: text };
  if (!isHost(first)) throw new ExitError(`${quote(first)} is not a host, in ${quote(text)}.`);
  return { host: first, path: text.slice(slash + 1) };
}

function explained<Result>(text: string, parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    throw new ExitError(`${quote(text)}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
