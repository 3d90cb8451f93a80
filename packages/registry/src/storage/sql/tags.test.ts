import { expect, test } from 'vitest';
import { parseTag } from '../../oci/name.ts';
import { manifestDigest, manifestPush, startMs } from '../../testing/metadata-store/builders.ts';
import { openConnection } from '../sqlite/connection.ts';
import { migrate } from '../sqlite/migrate.ts';
import { compileForSqlite } from './compile.ts';
import { definedBy, type Plan } from './statement.ts';
import { createPlans } from './store.ts';

const plans = createPlans(definedBy(compileForSqlite()));

/** An empty database in which plans are run, and the moves of tags that it remembers. */
function openHistory() {
  const connection = openConnection(':memory:', { readOnly: false });
  migrate(connection);
  const columns = 'name, at_ms as atMs, moved_by as movedBy, from_digest as fromDigest, to_digest as toDigest';
  function* moves(): Plan<readonly unknown[]> {
    return yield { sql: `select ${columns} from tag_history order by id`, parameters: [] };
  }
  return {
    run: <Result>(plan: Plan<Result>): Result => connection.run(plan),
    moves: () => connection.run(moves()),
  };
}

const [one, two] = [manifestDigest(1), manifestDigest(2)];
const at = { atMs: startMs, movedBy: 'alice' };
const repositoryId = 1;

test('each move of a tag is remembered, with who did it and when, and a push that moves none is not', () => {
  const { run, moves } = openHistory();
  run(plans.putManifest(manifestPush('acme/web', 1, { tags: ['v1', 'v2'] })));
  run(plans.putManifest(manifestPush('acme/web', 1, { tags: ['v1'] })));
  const repository = { ...manifestPush('acme/web', 2).repository, id: repositoryId };
  run(plans.putManifest(manifestPush('acme/web', 2, { repository, tags: ['v1'], by: undefined, nowMs: startMs + 1 })));
  expect(moves()).toEqual([
    { ...at, name: 'v1', fromDigest: null, toDigest: one },
    { ...at, name: 'v2', fromDigest: null, toDigest: one },
    { name: 'v1', atMs: startMs + 1, movedBy: null, fromDigest: one, toDigest: two },
  ]);
});

test('each tag that is deleted is remembered, alone, with its manifest and by its time', () => {
  const { run, moves } = openHistory();
  const act = { repositoryId, by: 'alice', nowMs: startMs };
  run(plans.putManifest(manifestPush('acme/web', 1, { tags: ['alone', 'along'] })));
  run(plans.putManifest(manifestPush('acme/web', 2, { tags: ['timed', 'timed-2'] })));
  const pushed = moves().length;
  run(plans.deleteTag({ ...act, tag: parseTag('alone') }));
  run(plans.deleteTag({ ...act, tag: parseTag('alone') }));
  run(plans.deleteManifest({ ...act, digest: one, leaseUntilMs: startMs }));
  run(plans.setTagExpiry({ repositoryId, tag: parseTag('timed'), expiresMs: startMs }));
  run(plans.setTagExpiry({ repositoryId, tag: parseTag('timed-2'), expiresMs: startMs + 1 }));
  run(plans.expireTags({ nowMs: startMs + 9, limit: 10, leaseUntilMs: startMs }));
  expect(moves().slice(pushed)).toEqual([
    { ...at, name: 'alone', fromDigest: one, toDigest: null },
    { ...at, name: 'along', fromDigest: one, toDigest: null },
    { name: 'timed', atMs: startMs + 9, movedBy: null, fromDigest: two, toDigest: null },
    { name: 'timed-2', atMs: startMs + 9, movedBy: null, fromDigest: two, toDigest: null },
  ]);
});
