import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRegistry, type Registry, type RegistryOptions, type RequestReport } from '../../src/index.ts';
import { memory } from '../../src/storage/memory.ts';
import { sqlite } from '../../src/storage/sqlite/sqlite.ts';

/** What a test sends. */
export interface Call {
  readonly headers?: Readonly<Record<string, string>>;
  /** In one piece, or as it arrives. A text or bytes get a Content-Length, a stream does not. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** The body as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of any shape
  json(): any;
  /** Codes of the error document. */
  codes(): readonly string[];
}

/** A registry in memory whose endpoints are called without a socket. */
export interface TestRegistry {
  readonly registry: Registry;
  /** `call('PUT', '/v2/a/manifests/latest', { body })`. */
  call(method: string, target: string, call?: Call): Promise<Answer>;
  /** Pushes a blob by POST and PUT; returns its digest. */
  pushBlob(name: string, content: string | Uint8Array): Promise<string>;
  /** Pushes an image manifest of one config and one layer, whose blobs it pushes first. */
  pushImage(
    name: string,
    reference: string,
    extra?: object,
  ): Promise<{ readonly digest: string; readonly bytes: Uint8Array }>;
  /** Moves the registry's clock, in ms. */
  advance(ms: number): void;
  readonly reports: readonly RequestReport[];
  /** Faults that the registry told of; a test that expects none compares with []. */
  readonly faults: readonly Error[];
  close(): Promise<void>;
}

export const imageType = 'application/vnd.oci.image.manifest.v1+json';
export const indexType = 'application/vnd.oci.image.index.v1+json';

/** Opens one; `close` it. */
export function openTestRegistry(options: Partial<RegistryOptions> = {}): TestRegistry {
  const reports: RequestReport[] = [];
  const faults: Error[] = [];
  let nowMs = Date.UTC(2026, 0, 1);
  const registry = createRegistry({
    metadata: sqlite({ file: ':memory:' }),
    blobs: memory({ now: () => nowMs }),
    access: 'open',
    onRequest: (report) => reports.push(report),
    onError: (error) => faults.push(error),
    ...options,
    sources: { now: () => nowMs, ...options.sources },
  });

  async function call(method: string, target: string, { headers = {}, body, signal }: Call = {}): Promise<Answer> {
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
    const length = bytes === undefined || !(bytes instanceof Uint8Array) ? undefined : String(bytes.byteLength);
    const response = await registry.handle({
      method,
      target,
      headers: { ...(length === undefined ? {} : { 'content-length': length }), ...headers },
      body: bytes === undefined ? stream() : bytes instanceof Uint8Array ? stream(bytes) : bytes,
      signal: signal ?? new AbortController().signal,
    });
    return toAnswer(response.status, response.headers, await readBody(response.body));
  }

  async function pushBlob(name: string, content: string | Uint8Array): Promise<string> {
    const digest = sha256(content);
    const { headers } = await call('POST', `/v2/${name}/blobs/uploads/`);
    const answer = await call('PUT', `${headers['location']}?digest=${digest}`, { body: content });
    if (answer.status !== 201) throw new Error(`Pushing a blob answered ${answer.status}: ${answer.text}`);
    return digest;
  }

  return {
    registry,
    call,
    pushBlob,
    async pushImage(name, reference, extra = {}) {
      const config = await pushBlob(name, '{}');
      const layer = await pushBlob(name, `layer of ${reference}`);
      const manifest = imageManifest({
        config: [config, 2],
        layers: [[layer, `layer of ${reference}`.length]],
        ...extra,
      });
      const answer = await call('PUT', `/v2/${name}/manifests/${reference}`, {
        headers: { 'content-type': imageType },
        body: manifest,
      });
      if (answer.status !== 201) throw new Error(`Pushing a manifest answered ${answer.status}: ${answer.text}`);
      return { digest: sha256(manifest), bytes: new TextEncoder().encode(manifest) };
    },
    advance: (ms) => {
      nowMs += ms;
    },
    reports,
    faults,
    close: () => registry.close(),
  };
}

type SizedDigest = readonly [digest: string, size: number];

/** An OCI image manifest; `more` is added to it as it is. */
export function imageManifest({
  config,
  layers,
  ...more
}: { config: SizedDigest; layers: readonly SizedDigest[] } & object): string {
  const descriptor = (mediaType: string, [digest, size]: SizedDigest) => ({ mediaType, digest, size });
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: imageType,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: layers.map((layer) => descriptor('application/vnd.oci.image.layer.v1.tar', layer)),
    ...more,
  });
}

export function sha256(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

export function sha512(content: string | Uint8Array): string {
  return `sha512:${createHash('sha512').update(content).digest('hex')}`;
}

/** A body that arrives in these pieces, and then fails with `error` where one is given. */
export async function* stream(...pieces: readonly (string | Uint8Array | Error)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (piece instanceof Error) throw piece;
    yield typeof piece === 'string' ? new TextEncoder().encode(piece) : piece;
  }
}

type HandlerResponse = Awaited<ReturnType<Registry['handle']>>;

async function readBody(body: HandlerResponse['body']): Promise<Uint8Array> {
  switch (body.kind) {
    case 'empty':
      return new Uint8Array();
    case 'bytes':
      return body.bytes;
    case 'stream':
      return Buffer.concat(await Array.fromAsync(body.stream));
    case 'file': {
      const { path, offsetBytes, lengthBytes } = body.file;
      return (await readFile(path)).subarray(offsetBytes, offsetBytes + lengthBytes);
    }
  }
}

function toAnswer(status: number, headers: HandlerResponse['headers'], bytes: Uint8Array): Answer {
  const text = Buffer.from(bytes).toString();
  const flat = Object.entries(headers).map(([name, value]) => [
    name.toLowerCase(),
    typeof value === 'string' ? value : value.join('\n'),
  ]);
  return {
    status,
    headers: Object.fromEntries(flat),
    bytes,
    text,
    json: () => JSON.parse(text),
    codes: () => JSON.parse(text).errors.map(({ code }: { code: string }) => code),
  };
}
