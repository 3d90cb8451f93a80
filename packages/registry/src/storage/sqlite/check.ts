import { existsSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Digest } from '../../oci/digest.ts';
import type { Edge } from '../../oci/manifest.ts';
import type { RepositoryName } from '../../oci/name.ts';
import type { StorageKey } from '../blob-store.ts';
import { StorageError } from '../error.ts';
import type { BlobRows, IdPage, ManifestRows, MetadataCheck, Use } from '../metadata-check.ts';
import { migrations } from '../sql/migrations.ts';
import type { Plan, SqlValue } from '../sql/statement.ts';
import { type Connection, openConnection, toStorageError } from './connection.ts';
import { contradictions, foreignKeys } from './contradictions.ts';
import { readVersion } from './migrate.ts';

/** Result codes of SQLite (https://sqlite.org/rescode.html). */
const cannotOpen = 14;

/** Those that say that the file is not what it should be, in words. */
const damages: ReadonlyMap<number | undefined, string> = new Map([
  [11, 'its pages are torn, missing or not its own'],
  [26, 'the file is not a database'],
]);

/** How many sentences of SQLite about one database are told: the first say it all. */
const maximumDamage = 10;

/** The metadata in one SQLite file, for a check. Reads run in the calling thread and keep it busy, for as long as the whole file takes in `findDamage`. */
export function sqliteCheck({ file }: { readonly file: string }): MetadataCheck {
  let opened: Connection | undefined;

  function connection(): Connection {
    opened ??= openForReading(file);
    return opened;
  }

  function rows<Row>(sql: string, ...parameters: readonly SqlValue[]): readonly Row[] {
    function* plan(): Plan<readonly Row[]> {
      return (yield { sql, parameters }) as readonly Row[];
    }
    try {
      return connection().run(plan());
    } catch (error) {
      throw error instanceof StorageError ? error : toStorageError(error, `Reading ${file} failed`);
    }
  }

  return {
    async findDamage({ isQuick }) {
      try {
        if (rows<{ page_count: number }>('pragma page_count')[0]?.page_count === 0) return ['the file is empty'];
        refuseOtherVersion(connection());
        // SQLite reads what is missing of the last page as zeros, and says nothing.
        const pageSize = rows<{ page_size: number }>('pragma page_size')[0]?.page_size ?? 1;
        if (statSync(file).size % pageSize !== 0) return ['the file is cut within a page'];
        const pragma = isQuick ? 'quick_check' : 'integrity_check';
        const said = rows<Record<string, string>>(`pragma ${pragma}(${maximumDamage})`);
        const sentences = said.map((row) => row[pragma] ?? '');
        return sentences.length === 1 && sentences[0] === 'ok' ? [] : sentences;
      } catch (error) {
        const damage = damages.get(sqliteCode(error));
        if (damage === undefined) throw error;
        return [damage];
      }
    },
    async findContradictions() {
      const found = contradictions.flatMap(({ find, tell, mend }) =>
        rows<never>(find).map((row) => ({ message: tell(row), sql: mend })),
      );
      return [...found, ...foreignKeys(rows('pragma foreign_key_check'))];
    },
    async count() {
      const [blobs] = rows<{ blobs: number; bytes: number }>(
        `select count(*) as blobs, coalesce(sum(size_bytes), 0) as bytes from blobs where state = 'live'`,
      );
      const [manifests] = rows<{ manifests: number }>('select count(*) as manifests from manifests');
      return { blobs: blobs?.blobs ?? 0, blobBytes: blobs?.bytes ?? 0, manifests: manifests?.manifests ?? 0 };
    },
    async listBlobs({ afterId, limit }) {
      return rows<BlobRow>(
        `select blobs.id, digest, size_bytes, storage_key, bytes from blobs left join blob_bytes on blob_id = blobs.id
          where blobs.id > ? and state = 'live' order by blobs.id limit ?`,
        afterId,
        limit,
      ).map(toBlobRows);
    },
    async listManifests(page) {
      // Several statements, which must see one state of the database: a manifest may go meanwhile.
      connection().exec('begin');
      try {
        return listManifests(rows, page);
      } finally {
        connection().exec('commit');
      }
    },
    async isCurrent({ id, content }) {
      const key = content !== undefined && 'key' in content ? content.key : null;
      const found = rows(
        `select 1 from blobs where id = ? and state = 'live' and storage_key is ? and
          (select count(*) from blob_bytes where blob_id = blobs.id) = ?`,
        id,
        key,
        content !== undefined && 'bytes' in content ? 1 : 0,
      );
      return found.length > 0;
    },
    async findUses(digest) {
      return rows<UseRow>(
        `select repositories.name as repository, manifests.digest as manifest,
            (select json_group_array(name) from tags where manifest_id = manifests.id) as tags
          from blobs
            join repository_blobs on blob_id = blobs.id
            join repositories on repositories.id = repository_blobs.repository_id
            left join manifest_edges on manifest_edges.repository_id = repositories.id and manifest_edges.digest = blobs.digest
            left join manifests on manifests.id = manifest_id
          where blobs.digest = ? and state = 'live' order by 1, 2 limit 100`,
        digest,
      ).map(toUse);
    },
    async findTags(manifestId) {
      const tags = rows<{ name: string }>('select name from tags where manifest_id = ? order by name', manifestId);
      return tags.map(({ name }) => name);
    },
    async findKnownKeys(keys) {
      const known = (key: StorageKey) =>
        rows('select 1 from uploads where storage_key = ?1 union all select 1 from blobs where storage_key = ?1', key)
          .length > 0;
      return new Set(keys.filter(known));
    },
    async close() {
      opened?.close();
      opened = undefined;
    },
  };
}

/** Opens the database, also where nothing may be written beside it, which SQLite does for its write-ahead log: where there is none, nobody changes the file. */
function openForReading(file: string): Connection {
  try {
    return openConnection(file, { readOnly: true });
  } catch (error) {
    const hasLog = existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0;
    if (hasLog || !existsSync(file) || sqliteCode(error) !== cannotOpen) throw error;
    return openConnection(new URL('?immutable=1', pathToFileURL(file)), { readOnly: true });
  }
}

function refuseOtherVersion(connection: Connection): void {
  const version = readVersion(connection);
  if (version === migrations.length) return;
  throw new StorageError(
    'unavailable',
    `The database has version ${version}, and this program checks version ${migrations.length}. Start the server once, which brings it up to date.`,
  );
}

/** SQLite's code of an error, or of what lies behind it; undefined for any other error. */
function sqliteCode(error: unknown): number | undefined {
  const said = error instanceof StorageError ? error.cause : error;
  return said instanceof Error && 'errcode' in said ? Number(said.errcode) & 0xff : undefined;
}

type Rows = <Row>(sql: string, ...parameters: readonly SqlValue[]) => readonly Row[];

interface BlobRow {
  readonly id: number;
  readonly digest: string;
  readonly size_bytes: number;
  readonly storage_key: string | null;
  readonly bytes: Uint8Array | null;
}

function toBlobRows({ id, digest, size_bytes, storage_key, bytes }: BlobRow): BlobRows {
  const inBlobStore = storage_key === null ? undefined : { key: storage_key as StorageKey };
  return { id, digest: digest as Digest, sizeBytes: size_bytes, content: bytes === null ? inBlobStore : { bytes } };
}

interface UseRow {
  readonly repository: string;
  readonly manifest: string | null;
  readonly tags: string;
}

function toUse({ repository, manifest, tags }: UseRow): Use {
  return {
    repository: repository as RepositoryName,
    manifest: (manifest ?? undefined) as Digest | undefined,
    tags: JSON.parse(tags),
  };
}

interface ManifestRow {
  readonly id: number;
  readonly repository_id: number;
  readonly name: string;
  readonly digest: string;
  readonly media_type: string;
  readonly size_bytes: number;
  readonly subject: string | null;
  readonly bytes: Uint8Array | null;
}

interface EdgeRow {
  readonly digest: string;
  readonly kind: Edge['kind'];
  readonly isMissing: number;
}

function listManifests(rows: Rows, { afterId, limit }: IdPage): readonly ManifestRows[] {
  const found = rows<ManifestRow>(
    `select manifests.id, repository_id, name, digest, media_type, size_bytes, subject, bytes
      from manifests join repositories on repositories.id = repository_id left join manifest_bytes on manifest_id = manifests.id
      where manifests.id > ? order by manifests.id limit ?`,
    afterId,
    limit,
  );
  return found.map((row) => {
    const edges = rows<EdgeRow>(
      `select digest, kind, kind = 'blob' and not exists (
          select 1 from blobs join repository_blobs on blob_id = blobs.id
            where blobs.digest = manifest_edges.digest and state = 'live' and repository_id = manifest_edges.repository_id
        ) as isMissing from manifest_edges where manifest_id = ?`,
      row.id,
    ).map((edge) => ({ ...edge, digest: edge.digest as Digest }));
    return {
      id: row.id,
      repository: { id: row.repository_id, name: row.name as RepositoryName },
      digest: row.digest as Digest,
      mediaType: row.media_type,
      sizeBytes: row.size_bytes,
      subject: (row.subject ?? undefined) as Digest | undefined,
      bytes: row.bytes ?? undefined,
      edges: edges.map(({ digest, kind }) => ({ digest, kind })),
      missing: new Set(edges.filter(({ isMissing }) => isMissing === 1).map(({ digest }) => digest)),
    };
  });
}
