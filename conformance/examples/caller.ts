import { createHash } from 'node:crypto';

/** A user's name, and a password or an API key. */
export type Login = { readonly user: string; readonly password: string };

/** What is asked for. */
export type Asked = {
  /** Path below `/v2/`, or the `Location` of an answer. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** The status that must come. */
  readonly expect: number;
};

/** Somebody who speaks the protocol with nothing but HTTP. */
export type Caller = {
  /** Asks as clients do: without a token, then with the one that the challenge leads to. Throws when another status comes. */
  ask(method: string, asked: Asked): Promise<Response>;
  /** Uploads a blob in one request and returns its digest. */
  pushBlob(repository: string, content: string): Promise<string>;
  /** Pushes an image with one layer by a tag, and returns its digest. */
  pushImage(repository: string, tag: string, layer: string): Promise<string>;
};

/** Somebody at the registry at `url`; without a login, an anonymous caller. */
export function createCaller(url: string, login?: Login): Caller {
  const send = (method: string, { path, headers, body }: Asked, token?: string) =>
    fetch(new URL(path, `${url}/v2/`), {
      method,
      headers: { ...headers, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) },
      ...(body === undefined ? {} : { body }),
    });

  const caller: Caller = {
    async ask(method, asked) {
      const first = await send(method, asked);
      const challenge = first.status === 401 ? first.headers.get('www-authenticate') : null;
      const token = challenge === null ? undefined : await getToken(challenge, login);
      const answer = token === undefined ? first : await send(method, asked, token);
      if (answer.status === asked.expect) return answer;
      const text = await answer.text();
      throw new Error(
        `${method} ${asked.path} by ${login?.user ?? 'nobody'} answered ${answer.status} and not ${asked.expect}: ${text}`,
      );
    },
    async pushBlob(repository, content) {
      const digest = digestOf(content);
      const path = `${repository}/blobs/uploads/?digest=${digest}`;
      const headers = { 'Content-Type': 'application/octet-stream' };
      await caller.ask('POST', { path, headers, body: content, expect: 201 });
      return digest;
    },
    async pushImage(repository, tag, layer) {
      const config = JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } });
      const oci = 'application/vnd.oci.image';
      const describe = async (mediaType: string, content: string) => ({
        mediaType,
        digest: await caller.pushBlob(repository, content),
        size: Buffer.byteLength(content),
      });
      const mediaType = `${oci}.manifest.v1+json`;
      const body = JSON.stringify({
        schemaVersion: 2,
        mediaType,
        config: await describe(`${oci}.config.v1+json`, config),
        layers: [await describe(`${oci}.layer.v1.tar`, layer)],
      });
      const path = `${repository}/manifests/${tag}`;
      const answer = await caller.ask('PUT', { path, headers: { 'Content-Type': mediaType }, body, expect: 201 });
      const digest = answer.headers.get('docker-content-digest');
      if (digest !== digestOf(body)) throw new Error(`A manifest of ${digestOf(body)} was stored as ${digest}.`);
      return digest;
    },
  };
  return caller;
}

/** SHA-256, as the specification spells it. */
export function digestOf(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** Undefined: the login is refused. */
async function getToken(challenge: string, login: Login | undefined): Promise<string | undefined> {
  const parameters = new Map(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const realm = parameters.get('realm');
  if (!challenge.startsWith('Bearer ') || realm === undefined) throw new Error(`No client can follow ${challenge}`);
  const query = new URLSearchParams({ service: parameters.get('service') ?? '', scope: parameters.get('scope') ?? '' });
  const basic = login === undefined ? undefined : Buffer.from(`${login.user}:${login.password}`).toString('base64');
  const answer = await fetch(`${realm}?${query}`, {
    headers: basic === undefined ? {} : { Authorization: `Basic ${basic}` },
  });
  const { token } = (await answer.json()) as { readonly token?: string };
  return token;
}
