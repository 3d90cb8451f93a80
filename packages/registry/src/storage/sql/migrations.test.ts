import { expect, test } from 'vitest';
import { openConnection } from '../sqlite/connection.ts';
import { migrate } from '../sqlite/migrate.ts';
import { compileForSqlite } from './compile.ts';
import { migrations } from './migrations.ts';
import type { Step } from './statement.ts';

const statements = compileForSqlite();

const connection = openConnection(':memory:', { readOnly: false });
migrate(connection);

/** How SQLite finds the rows of a statement, a line a table. */
function planOf(sql: string): readonly string[] {
  function* explain(): Generator<Step, readonly string[], readonly unknown[]> {
    const rows = (yield { sql: `explain query plan ${sql}`, parameters: [] }) as readonly { detail: string }[];
    return rows.map((row) => row.detail);
  }
  return connection.run(explain());
}

/** Lines of a plan whose cost grows with a table or a list. */
const slow = (line: string) => /^SCAN|TEMP B-TREE|AUTOMATIC/.test(line);

/** Statements that look slow and are not, with what may stand in their plan, and why. */
const exceptions: Readonly<Record<string, { readonly lines: readonly string[]; readonly reason: string }>> = {
  'roles.held': {
    lines: ['SCAN json_each VIRTUAL TABLE INDEX 1:', 'SCAN json_each VIRTUAL TABLE INDEX 1:'],
    reason: 'It goes through the names in its parameters, each of which is then found by the index.',
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
  'blobs.live': ['SEARCH blobs USING COVERING INDEX blobs_live (digest=?)'],
  'blobs.linked': [
    'SEARCH blobs USING INDEX blobs_live (digest=?)',
    'SEARCH repository_blobs USING PRIMARY KEY (repository_id=? AND blob_id=?)',
    'SEARCH blob_bytes USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN',
  ],
  'blobs.isLinked': [
    'SEARCH blobs USING COVERING INDEX blobs_live (digest=?)',
    'SEARCH repository_blobs USING COVERING INDEX repository_blobs_blob (blob_id=? AND repository_id=?)',
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
  'uploads.expired': ['SEARCH uploads USING INDEX uploads_used (used_ms<?)'],
};

for (const [name, plan] of Object.entries(reads)) {
  test(`${name} finds its rows by the whole of its index`, () => {
    expect(planOf(statements.get(name)?.sql ?? '')).toEqual(plan);
  });
}

test('step 2 gives the repositories that are there to the identities that made them', () => {
  const older = openConnection(':memory:', { readOnly: false });
  for (const sql of migrations[0] ?? []) older.exec(sql);
  older.exec('pragma user_version = 1');
  older.exec(`insert into repositories (name, visibility, created_by, created_ms)
    values ('acme/web', 'private', 'alice', 1), ('acme/open', 'private', null, 1)`);
  migrate(older);
  function* grants(): Generator<Step, readonly unknown[], readonly unknown[]> {
    return yield { sql: 'select pattern, subject, role from roles', parameters: [] };
  }
  expect(older.run(grants())).toEqual([{ pattern: 'acme/web', subject: 'alice', role: 'owner' }]);
  older.close();
});
