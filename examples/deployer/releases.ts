import { DatabaseSync } from 'node:sqlite';

/** An image that the tag `live` of a site pointed to. */
export interface Release {
  readonly digest: string;
  readonly at: Date;
  /** Who moved the tag; undefined: it moved while the deployer did not run. */
  readonly by: string | undefined;
  /** Why it could not be deployed. */
  readonly problem: string | undefined;
}

/** What happened to the sites, newest first. */
export interface Releases {
  /** Writes a release down, unless it is the newest one already. */
  record(site: string, release: Omit<Release, 'at'>): void;
  list(site: string): readonly Release[];
  listSites(): readonly string[];
  close(): void;
}

/** The releases in the deployer's own database: the registry's is another file beside it, which nothing else opens. */
export function openReleases(file: string): Releases {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS releases (
      id INTEGER PRIMARY KEY,
      site TEXT NOT NULL,
      digest TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      by TEXT,
      problem TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS releases_of_site ON releases (site, id);
  `);
  const insert = database.prepare('INSERT INTO releases (site, digest, at_ms, by, problem) VALUES (?, ?, ?, ?, ?)');
  const list = database.prepare('SELECT digest, at_ms, by, problem FROM releases WHERE site = ? ORDER BY id DESC');
  const sites = database.prepare('SELECT DISTINCT site FROM releases ORDER BY site');

  const releases: Releases = {
    record(site, { digest, by, problem }) {
      const [newest] = releases.list(site);
      if (newest?.digest === digest && newest.problem === problem) return;
      insert.run(site, digest, Date.now(), by ?? null, problem ?? null);
    },
    list: (site) =>
      list.all(site).map((row) => ({
        digest: String(row['digest']),
        at: new Date(Number(row['at_ms'])),
        by: row['by']?.toString(),
        problem: row['problem']?.toString(),
      })),
    listSites: () => sites.all().map(({ site }) => String(site)),
    close: () => database.close(),
  };
  return releases;
}
