/** Steps that bring a database to the newest version, in order: step N makes version N + 1 out of version N. A step that was released never changes.
 *  Each step is a list of statements that run in one transaction. */
export const migrations: readonly (readonly string[])[] = [
  [
    `create table repositories (
      id integer primary key autoincrement,
      name text not null unique,
      visibility text not null check (visibility in ('public', 'private')),
      created_by text,
      created_ms integer not null,
      manifest_count integer not null default 0
    ) strict`,
    'create index repositories_catalog on repositories (name) where manifest_count > 0',

    `create table blobs (
      id integer primary key autoincrement,
      digest text not null,
      size_bytes integer not null,
      storage_key text unique,
      state text not null default 'live' check (state in ('live', 'claimed')),
      created_ms integer not null
    ) strict`,
    `create unique index blobs_live on blobs (digest) where state = 'live'`,
    'create table blob_bytes (blob_id integer primary key references blobs (id) on delete cascade, bytes blob not null) strict',

    `create table repository_blobs (
      repository_id integer not null references repositories (id),
      blob_id integer not null references blobs (id),
      lease_until_ms integer not null,
      primary key (repository_id, blob_id)
    ) strict, without rowid`,
    'create index repository_blobs_blob on repository_blobs (blob_id)',

    `create table manifests (
      id integer primary key autoincrement,
      repository_id integer not null references repositories (id),
      digest text not null,
      media_type text not null,
      size_bytes integer not null,
      artifact_type text,
      subject text,
      annotations text,
      pushed_by text,
      pushed_ms integer not null,
      unique (repository_id, digest)
    ) strict`,
    'create index manifests_subject on manifests (repository_id, subject, digest) where subject is not null',
    'create index manifests_subject_type on manifests (repository_id, subject, artifact_type, digest) where subject is not null',
    'create table manifest_bytes (manifest_id integer primary key references manifests (id) on delete cascade, bytes blob not null) strict',

    `create table manifest_edges (
      manifest_id integer not null references manifests (id) on delete cascade,
      repository_id integer not null,
      digest text not null,
      kind text not null check (kind in ('blob', 'manifest')),
      primary key (manifest_id, digest)
    ) strict, without rowid`,
    'create index manifest_edges_digest on manifest_edges (repository_id, digest)',

    `create table tags (
      repository_id integer not null references repositories (id),
      name text not null,
      manifest_id integer not null references manifests (id),
      moved_ms integer not null,
      primary key (repository_id, name)
    ) strict, without rowid`,
    'create index tags_manifest on tags (manifest_id)',
    `create table tag_history (
      id integer primary key autoincrement,
      repository_id integer not null references repositories (id),
      name text not null,
      at_ms integer not null,
      moved_by text,
      from_digest text,
      to_digest text
    ) strict`,
    'create index tag_history_name on tag_history (repository_id, name, at_ms)',

    `create table uploads (
      session text primary key,
      repository_id integer not null references repositories (id),
      storage_key text not null unique,
      algorithm text not null check (algorithm in ('sha256', 'sha512')),
      epoch integer not null default 0,
      lease_until_ms integer not null default 0,
      created_by text,
      used_ms integer not null
    ) strict, without rowid`,
    'create index uploads_used on uploads (used_ms)',

    'create table leases (name text primary key, holder text not null, until_ms integer not null) strict, without rowid',
  ],
  [
    `create table roles (
      pattern text not null,
      subject text not null,
      role text not null check (role in ('owner', 'contributor', 'reader')),
      primary key (pattern, subject)
    ) strict, without rowid`,
    'create index roles_subject on roles (subject)',
    `insert into roles (pattern, subject, role)
      select name, created_by, 'owner' from repositories where created_by is not null`,

    `create table access_tokens (
      id text primary key,
      kind text not null check (kind in ('user', 'robot', 'offline')),
      identity text not null,
      secret_hash blob not null,
      pattern text,
      actions text not null,
      created_ms integer not null,
      expires_ms integer not null
    ) strict, without rowid`,
    'create index access_tokens_kind on access_tokens (kind, created_ms)',
    'create index access_tokens_identity on access_tokens (identity)',
    'create index access_tokens_expiry on access_tokens (kind, expires_ms)',
    `create unique index access_tokens_robot on access_tokens (identity) where kind = 'robot'`,

    `create table signing_keys (
      sequence integer primary key,
      id text not null unique,
      private_jwk text not null,
      created_ms integer not null
    ) strict`,

    `create table audit (
      id integer primary key autoincrement,
      at_ms integer not null,
      identity text,
      address text,
      act text not null,
      is_allowed integer not null check (is_allowed in (0, 1)),
      repository text,
      about text
    ) strict`,

    'create index uploads_repository on uploads (repository_id)',
  ],
  [
    'alter table repositories add column manifest_bytes integer not null default 0',
    'alter table repositories add column tag_count integer not null default 0',
    'alter table repositories add column pull_count integer not null default 0',
    'alter table repositories add column sent_bytes integer not null default 0',
    `update repositories set
      manifest_bytes = (select coalesce(sum(size_bytes), 0) from manifests where repository_id = repositories.id),
      tag_count = (select count(*) from tags where repository_id = repositories.id)`,

    `create index repositories_public on repositories (name) where visibility = 'public' and manifest_count > 0`,

    'alter table tags add column expires_ms integer',
    'create index tags_expiry on tags (expires_ms) where expires_ms is not null',
  ],
];
