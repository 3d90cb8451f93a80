import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { OciError, type Registry, type RegistryEvent } from '@moorage/registry';
import { readImage } from './image.ts';
import type { Layers } from './layers.ts';
import type { Releases } from './releases.ts';

/** Pushing to it deploys. */
export const liveTag = 'live';

/** What is served. */
export interface Sites {
  /** Deploys what an event of the registry makes live. */
  hear(event: RegistryEvent): Promise<void>;
  /** Serves what the tag `live` of a site points to now; resolves when it does. */
  follow(site: string, by?: string): Promise<void>;
  /** Follows every site: what moved while nobody listened is not told again. */
  followAll(): Promise<void>;
  /** The digest that is served. */
  liveDigest(site: string): string | undefined;
  /** The file for a path below a site. */
  findFile(site: string, path: string): Promise<string | undefined>;
}

interface Deployed {
  readonly digest: string;
  /** The topmost first. */
  readonly layers: readonly string[];
  readonly root: string;
}

/** Invariant: the registry's tag is the only truth. An event only says that it is time to look, so that an event that comes late, twice or never cannot leave a site behind. */
export function createSites(registry: Registry, layers: Layers, releases: Releases): Sites {
  const deployed = new Map<string, Deployed>();
  let work = Promise.resolve();

  async function deploy(site: string, by: string | undefined): Promise<void> {
    const manifest = await registry.getManifest(site, liveTag).catch(undefinedIfUnknown);
    if (manifest === undefined) {
      deployed.delete(site);
      return;
    }
    const { digest } = manifest;
    let problem: string | undefined;
    try {
      const image = await readImage(registry, site, manifest);
      const directories = [];
      for (const layer of image.layers) directories.unshift(await layers.unpack(site, layer));
      deployed.set(site, { digest, layers: directories, root: image.root });
    } catch (error) {
      problem = String(error); // what was live before stays so
    }
    releases.record(site, { digest, by, problem });
  }

  const sites: Sites = {
    async hear(event) {
      const isAbout = (event.type === 'tag-moved' || event.type === 'tag-deleted') && event.tag === liveTag;
      if (isAbout) await sites.follow(event.repository, event.by);
    },
    follow(site, by) {
      const done = work.then(() => deploy(site, by));
      work = done.catch(() => undefined); // the caller of this one hears of it; the next one goes on
      return done;
    },
    async followAll() {
      let after: string | undefined;
      do {
        const { items, next } = await registry.listRepositories({ after });
        for (const site of items) await sites.follow(site);
        after = next;
      } while (after !== undefined);
    },
    liveDigest: (site) => deployed.get(site)?.digest,
    async findFile(site, path) {
      const { layers: directories = [], root = '/' } = deployed.get(site) ?? {};
      for (const directory of directories) {
        const wanted = join(directory, root, path);
        const file = (await fileAt(wanted, directory)) ?? (await fileAt(join(wanted, 'index.html'), directory));
        if (file !== undefined) return file;
      }
      return undefined;
    },
  };
  return sites;
}

/** Links are followed, but not out of the layer. */
async function fileAt(path: string, directory: string): Promise<string | undefined> {
  const [file, base] = await Promise.all([path, directory].map((each) => realpath(each).catch(() => undefined)));
  if (file === undefined || base === undefined || !file.startsWith(base + sep)) return undefined;
  return (await stat(file)).isFile() ? file : undefined;
}

function undefinedIfUnknown(error: unknown): undefined {
  if (error instanceof OciError && error.status === 404) return undefined;
  throw error;
}
