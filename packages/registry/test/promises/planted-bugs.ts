import { isStorageError } from '../../src/storage/error.ts';
import type { MetadataStore } from '../../src/storage/metadata-store.ts';
import type { Turn } from './scheduled-stores.ts';
import type { Deed, Stores } from './world.ts';

/** Puts a mistake into stores; others come in between where it waits for its turn. */
type Plant = (stores: Stores, turn: Turn) => Stores;

const withMetadata =
  (plant: (metadata: MetadataStore, turn: Turn) => Partial<MetadataStore>): Plant =>
  (stores, turn) => ({ ...stores, metadata: { ...stores.metadata, ...plant(stores.metadata, turn) } });

/** A mistake, and the deeds among which it shows. */
export interface PlantedBug {
  readonly plant: Plant;
  readonly among: readonly Deed['kind'][];
}

/** Mistakes that a store could make, by what they are. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  'lets a second writer take the session of a first one': {
    among: ['writers'],
    plant: withMetadata((metadata) => {
      const epochs = new Map<string, number>();
      return {
        async leaseUpload(command) {
          const nowMs = Number.MAX_SAFE_INTEGER;
          const upload = await metadata.leaseUpload({ ...command, nowMs });
          epochs.set(upload.session, upload.epoch);
          return upload;
        },
        publishBlob: (command) =>
          metadata.publishBlob({ ...command, epoch: epochs.get(command.session) ?? command.epoch }),
      };
    }),
  },

  'looks for the blobs of a manifest before it writes it, and not in the same transaction': {
    among: ['manifest', 'deleteBlob'],
    plant: withMetadata((metadata, turn) => ({
      async putManifest(command) {
        const repository = await metadata.findRepository(command.repository.name);
        const edges = command.manifest.edges.map(({ digest }) => metadata.findBlob(repository?.id ?? 0, digest));
        const isWhole = (await Promise.all(edges)).every((blob) => blob !== undefined);
        await turn('before the manifest is written');
        return metadata.putManifest({ ...command, sparse: isWhole });
      },
    })),
  },

  'deletes a blob that a manifest names': {
    among: ['manifest', 'deleteBlob', 'push'],
    plant: withMetadata((metadata) => {
      const gone = new Set<string>();
      const keyOf = (repositoryId: number, digest: string) => `${repositoryId} ${digest}`;
      return {
        async deleteBlob(command) {
          try {
            return await metadata.deleteBlob(command);
          } catch (error) {
            if (!isStorageError(error, 'in-use')) throw error;
            gone.add(keyOf(command.repositoryId, command.digest));
            return true;
          }
        },
        findBlob: async (repositoryId, digest) =>
          gone.has(keyOf(repositoryId, digest)) ? undefined : metadata.findBlob(repositoryId, digest),
      };
    }),
  },

  'answers before it has committed': {
    among: ['session', 'manifest'],
    plant: withMetadata((metadata, turn) => ({
      async publishBlob(command) {
        void turn('before the commit')
          .then(() => metadata.publishBlob(command))
          .catch(() => undefined);
        return { unneededKey: undefined };
      },
    })),
  },

  'takes the bytes of a new blob for bytes that are not needed': {
    among: ['session', 'mount', 'sweep'],
    plant: withMetadata((metadata) => ({
      async publishBlob(command) {
        const upload = await metadata.findUpload(command.repositoryId, command.session);
        await metadata.publishBlob(command);
        return { unneededKey: upload?.key };
      },
    })),
  },

  'sweeps keys that are known': {
    among: ['sweep', 'session', 'deleteBlob'],
    plant: withMetadata(() => ({ findKnownKeys: async () => new Set() })),
  },

  'tells of a delete that it does not do': {
    among: ['manifest', 'deleteManifest'],
    plant: withMetadata((metadata) => ({
      async deleteManifest(command) {
        const before = await metadata.findManifest(command.repositoryId, { digest: command.digest });
        return before === undefined ? undefined : [];
      },
    })),
  },
};
