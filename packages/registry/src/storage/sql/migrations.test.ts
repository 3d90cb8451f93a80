import { expect, test } from 'vitest';
import { type Connection, openConnection } from '../sqlite/connection.ts';
import { migrate } from '../sqlite/migrate.ts';
import { compileForSqlite } from './compile.ts';
import { migrations } from './migrations.ts';
import type { Step } from './statement.ts';

const statements = compileForSqlite();

const connection = openConnection(':memory:', { readOnly: false });
migrate(connection);

function rowsOf(database: Connection, sql: string): readonly unknown[] {
  function* read(): Generator<Step, readonly unknown[], readonly unknown[]> {
    return yield { sql, parameters: [] };
  }
  return database.run(read());
}

/** How SQLite finds the rows of a statement, a line a table. */
function planOf(sql: string): readonly string[] {
  const lines = rowsOf(connection, `explain query plan ${sql}`) as readonly { readonly detail: string }[];
  return lines.map(({ detail }) => detail);
}

/** Lines of a plan whose cost grows with a table or a list. */
const slow = (line: string) => /^SCAN|TEMP B-TREE|AUTOMATIC/.test(line);

/** Statements that look slow and are not, with what may stand in their plan, and why. */
const exceptions: Readonly<Record<string, { readonly lines: readonly string[]; readonly reason: string }>> = {
  'roles.held': {
    lines: ['SCAN json_each VIRTUAL TABLE INDEX 1:', 'SCAN json_each VIRTUAL TABLE INDEX 1:'],
    reason: 'It goes through the names in its parameters, each of which is then found by the index.',
  },
  'visible.grants': {
    lines: ['SCAN json_each VIRTUAL TABLE INDEX 1:'],
    reason: 'It goes through the names in its parameter, each of which is then found by the index.',
  },
  'keys.list': {
    lines: ['SCAN signing_keys'],
    reason: 'It wants every key, in the order of the table, and a rotation leaves two.',
  },
};

for (const [name, { sql }] of statements) {
  test(`${name} neither scans a table nor sorts`, () => {
    expect(planOf(sql).filter(slow)).toEqual(exceptions[name]?.lines ?? []);
  });
}

test('each exception is a statement that is there, and a reason', () => {
  for (const [name, { reason }] of Object.entries(exceptions)) {
    expect(statements.has(name), name).toBe(true);
    expect(reason).not.toBe('');
  }
});

test('a statement that scans, one that sorts and one that makes an index for itself are seen as slow', () => {
  expect(planOf('select * from uploads where created_by = 1').some(slow)).toBe(true);
  expect(planOf('select * from tags where repository_id = 1 order by moved_ms').some(slow)).toBe(true);
  expect(planOf('select * from leases inner join tag_history on leases.holder = tag_history.moved_by').some(slow)).toBe(
    true,
  );
});

/** What the reads of every pull and the pages rest on, as far as each index is used: a shorter prefix would read a whole repository. */
const reads: Readonly<Record<string, readonly string[]>> = {
  'repositories.byName': ['SEARCH repositories USING INDEX sqlite_autoindex_repositories_1 (name=?)'],
  'repositories.page': ['SEARCH repositories USING INDEX repositories_catalog (name>?)'],
  'blobs.live': [
    'SEARCH blobs USING INDEX blobs_live (digest=?)',
    'SEARCH blob_bytes USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN',
  ],
  'blobs.linked': [
    'SEARCH blobs USING INDEX blobs_live (digest=?)',
    'SEARCH repository_blobs USING PRIMARY KEY (repository_id=? AND blob_id=?)',
    'SEARCH blob_bytes USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN',
  ],
  'blobs.isLinked': [
    'SEARCH blobs USING INDEX blobs_live (digest=?)',
    'SEARCH repository_blobs USING COVERING INDEX repository_blobs_blob (blob_id=? AND repository_id=?)',
    'SEARCH blob_bytes USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN',
  ],
  'blobs.holders': [
    'SEARCH blobs USING COVERING INDEX blobs_live (digest=?)',
    'SEARCH repository_blobs USING COVERING INDEX repository_blobs_blob (blob_id=?)',
    'SEARCH repositories USING INTEGER PRIMARY KEY (rowid=?)',
  ],
  'blobs.namedBy': [
    'SEARCH manifest_edges USING INDEX manifest_edges_digest (repository_id=? AND digest=?)',
    'SEARCH manifests USING INTEGER PRIMARY KEY (rowid=?)',
  ],
  'tags.find': [
    'SEARCH tags USING PRIMARY KEY (repository_id=? AND name=?)',
    'SEARCH manifests USING INTEGER PRIMARY KEY (rowid=?)',
  ],
  'tags.page': ['SEARCH tags USING PRIMARY KEY (repository_id=? AND name>?)'],
  'manifests.byDigest': ['SEARCH manifests USING INDEX sqlite_autoindex_manifests_1 (repository_id=? AND digest=?)'],
  'manifests.readByDigest': [
    'SEARCH manifests USING INDEX sqlite_autoindex_manifests_1 (repository_id=? AND digest=?)',
    'SEARCH manifest_bytes USING INTEGER PRIMARY KEY (rowid=?)',
  ],
  'manifests.readByTag': [
    'SEARCH tags USING PRIMARY KEY (repository_id=? AND name=?)',
    'SEARCH manifests USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH manifest_bytes USING INTEGER PRIMARY KEY (rowid=?)',
  ],
  'manifests.referrers': [
    'SEARCH manifests USING INDEX manifests_subject (repository_id=? AND subject=? AND digest>?)',
  ],
  'manifests.referrerSizes': [
    'SEARCH manifests USING INDEX manifests_subject (repository_id=? AND subject=? AND digest>?)',
  ],
  'manifests.referrersOfType': [
    'SEARCH manifests USING INDEX manifests_subject_type (repository_id=? AND subject=? AND artifact_type=? AND digest>?)',
  ],
  'manifests.referrerSizesOfType': [
    'SEARCH manifests USING INDEX manifests_subject_type (repository_id=? AND subject=? AND artifact_type=? AND digest>?)',
  ],
  'roles.held': [
    'SEARCH roles USING PRIMARY KEY (pattern=? AND subject=?)',
    'LIST SUBQUERY 1',
    'SCAN json_each VIRTUAL TABLE INDEX 1:',
    'LIST SUBQUERY 2',
    'SCAN json_each VIRTUAL TABLE INDEX 1:',
  ],
  'roles.onPattern': ['SEARCH roles USING PRIMARY KEY (pattern=?)'],
  'accessTokens.byId': ['SEARCH access_tokens USING PRIMARY KEY (id=?)'],
  'accessTokens.ofKind': ['SEARCH access_tokens USING INDEX access_tokens_kind (kind=?)'],
  'accessTokens.robot': ['SEARCH access_tokens USING COVERING INDEX access_tokens_robot (identity=?)'],
  'audit.page': ['SEARCH audit USING INTEGER PRIMARY KEY (rowid>?)'],
  'uploads.bySession': ['SEARCH uploads USING PRIMARY KEY (session=?)'],
  'expiry.due': [
    'SEARCH tags USING INDEX tags_expiry (expires_ms<?)',
    'SEARCH manifests USING INTEGER PRIMARY KEY (rowid=?)',
    'SEARCH repositories USING INTEGER PRIMARY KEY (rowid=?)',
  ],
  'expiry.tagOf': ['SEARCH tags USING COVERING INDEX tags_manifest (manifest_id=?)'],
  'expiry.parentOf': ['SEARCH manifest_edges USING INDEX manifest_edges_digest (repository_id=? AND digest=?)'],
  'expiry.childrenOf': [
    'SEARCH manifest_edges USING PRIMARY KEY (manifest_id=?)',
    'SEARCH manifests USING COVERING INDEX sqlite_autoindex_manifests_1 (repository_id=? AND digest=?)',
  ],
  'expiry.referrersOf': [
    'SEARCH manifests USING COVERING INDEX manifests_subject_type (repository_id=? AND subject=?)',
  ],
  'usage.repositories': ['SEARCH repositories USING INDEX sqlite_autoindex_repositories_1 (name>? AND name<?)'],
  'usage.addPulls': ['SEARCH repositories USING INTEGER PRIMARY KEY (rowid=?)'],
  'uploads.expired': ['SEARCH uploads USING INDEX uploads_used (used_ms<?)'],
};

for (const [name, plan] of Object.entries(reads)) {
  test(`${name} finds its rows by the whole of its index`, () => {
    expect(planOf(statements.get(name)?.sql ?? '')).toEqual(plan);
  });
}

test('usage.blobs finds who else holds a blob by the blob', () => {
  const others = planOf(statements.get('usage.blobs')?.sql ?? '').filter((line) => line.includes(' other '));
  expect(others.length).toBeGreaterThan(1);
  for (const line of others) {
    expect(line).toMatch(/^SEARCH other USING COVERING INDEX repository_blobs_blob \(blob_id=\?/);
  }
});

/** A database as a program that knew no more than the first `version` steps left it. */
function openOlder(version: number): Connection {
  const older = openConnection(':memory:', { readOnly: false });
  for (const sql of migrations.slice(0, version).flat()) older.exec(sql);
  older.exec(`pragma user_version = ${version}`);
  return older;
}

test('step 2 gives the repositories that are there to the identities that made them', () => {
  const older = openOlder(1);
  older.exec(`insert into repositories (name, visibility, created_by, created_ms)
    values ('acme/web', 'private', 'alice', 1), ('acme/open', 'private', null, 1)`);
  migrate(older);
  const grants = [{ pattern: 'acme/web', subject: 'alice', role: 'owner' }];
  expect(rowsOf(older, 'select pattern, subject, role from roles')).toEqual(grants);
  older.close();
});

test('step 3 counts what the repositories that are there hold, and lets none of their tags expire', () => {
  const older = openOlder(2);
  older.exec(`insert into repositories (id, name, visibility, created_ms, manifest_count)
    values (1, 'acme/web', 'private', 1, 2), (2, 'acme/api', 'public', 1, 1), (3, 'acme/empty', 'private', 1, 0)`);
  older.exec(`insert into manifests (id, repository_id, digest, media_type, size_bytes, pushed_ms)
    values (1, 1, 'a', 'text/plain', 10, 1), (2, 1, 'b', 'text/plain', 200, 1), (3, 2, 'a', 'text/plain', 10, 1)`);
  older.exec(`insert into tags (repository_id, name, manifest_id, moved_ms)
    values (1, 'v1', 1, 1), (1, 'v2', 2, 1), (1, 'latest', 2, 1)`);
  migrate(older);
  const counts = 'manifest_count, manifest_bytes, tag_count, pull_count, sent_bytes';
  const unread = { pull_count: 0, sent_bytes: 0 };
  expect(rowsOf(older, `select ${counts} from repositories order by id`)).toEqual([
    { manifest_count: 2, manifest_bytes: 210, tag_count: 3, ...unread },
    { manifest_count: 1, manifest_bytes: 10, tag_count: 0, ...unread },
    { manifest_count: 0, manifest_bytes: 0, tag_count: 0, ...unread },
  ]);
  expect(rowsOf(older, 'select distinct expires_ms from tags')).toEqual([{ expires_ms: null }]);
  older.close();
});
