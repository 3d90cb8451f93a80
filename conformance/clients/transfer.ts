import { join } from 'node:path';
import type { Fixture } from './fixtures.ts';
import { expectLayout, type World } from './world.ts';

type Transfer = {
  /** The arguments that push a layout's tag `latest`, with all platforms and unchanged. */
  push(directory: string, reference: string): string[];
  /** The arguments that pull a reference into a new layout, with all platforms and unchanged. */
  pull(reference: string, directory: string): string[];
};

/** How each client that knows OCI layouts copies one to the registry and back. */
export const transfers = {
  skopeo: {
    push: (directory, reference) => [...skopeoCopy, `oci:${directory}:latest`, `docker://${reference}`],
    pull: (reference, directory) => [...skopeoCopy, `docker://${reference}`, `oci:${directory}:latest`],
  },
  crane: {
    push: (directory, reference) => ['push', directory, reference],
    pull: (reference, directory) => ['pull', '--format=oci', reference, directory],
  },
  regctl: {
    push: (directory, reference) => ['image', 'copy', `ocidir://${directory}:latest`, reference],
    pull: (reference, directory) => ['image', 'copy', reference, `ocidir://${directory}:latest`],
  },
  oras: {
    push: (directory, reference) => ['cp', '--from-oci-layout', '--to-plain-http', `${directory}:latest`, reference],
    pull: (reference, directory) => ['cp', '--from-plain-http', '--to-oci-layout', reference, `${directory}:latest`],
  },
} satisfies Record<string, Transfer>;

// Without --preserve-digests skopeo compresses plain layers on the way and so changes the manifests.
const skopeoCopy = ['copy', '--all', '--preserve-digests'];

export type LayoutClient = keyof typeof transfers;

/** Pushes a fixture's layout to the reference (without the host). */
export async function push(
  world: World,
  client: LayoutClient,
  target: { fixture: Fixture; to: string },
): Promise<void> {
  const { fixture, to } = target;
  await world.run(client, transfers[client].push(fixture.directory, `${world.server.host}/${to}`));
}

/** Pulls the reference (without the host) and compares all that came with the fixture. */
export async function pullAndCompare(
  world: World,
  client: LayoutClient,
  source: { fixture: Fixture; from: string },
): Promise<void> {
  await world.inFolder(async (folder) => {
    const directory = join(folder, 'layout');
    await world.run(client, transfers[client].pull(`${world.server.host}/${source.from}`, directory));
    await expectLayout(directory, source.fixture.root);
  });
}
