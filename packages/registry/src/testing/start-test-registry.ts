import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler, tuneServer } from '../adapters/node.ts';
import { createRegistry, type Registry, type RegistryOptions } from '../create-registry.ts';
import { digestOf } from '../oci/digest.ts';
import { mediaTypes } from '../oci/media-type.ts';
import { memory } from '../storage/memory.ts';
import { sqlite } from '../storage/sqlite/sqlite.ts';
import { tarOf } from './tar.ts';

/** A registry for tests, which clients can push to and pull from. */
export interface TestRegistry {
  readonly registry: Registry;
  /** Host and port, as image references begin: `127.0.0.1:40123`. */
  readonly host: string;
  /** `http://127.0.0.1:40123`. */
  readonly url: string;
  /** Puts a small image that every client takes at `team/app:1`, whoever may push there. `files` are what its one layer holds, by path. */
  pushImage(
    name: string,
    options?: { readonly files?: Readonly<Record<string, string | Uint8Array>> },
  ): Promise<PushedTestImage>;
  /** Ends it and every connection to it. */
  close(): Promise<void>;
}

/** An image that was put into a test registry. */
export interface PushedTestImage {
  readonly digest: string;
  /** With host and tag: `127.0.0.1:40123/team/app:1`. */
  readonly reference: string;
}

/** Starts a registry in memory on a free port of the loopback, ready when it resolves; `close` it. Open to everyone unless `access` says otherwise. */
export async function startTestRegistry(options: Partial<RegistryOptions> = {}): Promise<TestRegistry> {
  const registry = createRegistry({
    metadata: sqlite({ file: ':memory:' }),
    blobs: memory(),
    access: 'open',
    ...options,
  });
  await registry.ready();
  const server = tuneServer(createServer(toNodeHandler(registry)), registry);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    registry,
    host,
    url: `http://${host}`,
    async pushImage(name, { files = { 'hello.txt': 'hello\n' } } = {}) {
      const [, repository = name, tag = 'latest'] = /^(.+?)(?::([^:/]+))?$/.exec(name) ?? [];
      const digest = await pushImage(registry, { repository, tag }, files);
      return { digest, reference: `${host}/${repository}:${tag}` };
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await registry.close({ drainMs: 0 });
    },
  };
}

async function pushImage(
  registry: Registry,
  { repository, tag }: { readonly repository: string; readonly tag: string },
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  const layer = tarOf(files);
  const config = encode({
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [digestOf(layer, 'sha256')] },
  });
  const descriptorOf = async (mediaType: string, content: Uint8Array) => {
    const { digest, sizeBytes } = await registry.pushBlob(repository, content);
    return { mediaType, digest, size: sizeBytes };
  };
  const bytes = encode({
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    config: await descriptorOf('application/vnd.oci.image.config.v1+json', config),
    layers: [await descriptorOf('application/vnd.oci.image.layer.v1.tar', layer)],
  });
  return (await registry.pushManifest(repository, tag, { bytes })).digest;
}

function encode(document: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(document));
}
