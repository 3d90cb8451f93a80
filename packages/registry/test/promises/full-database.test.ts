import { expect, test } from 'vitest';
import { memory } from '../../src/storage/memory.ts';
import type { MetadataStore } from '../../src/storage/metadata-store.ts';
import { compileForSqlite } from '../../src/storage/sql/compile.ts';
import { type CommandName, commandNames, type Plans, type ReadName, readNames } from '../../src/storage/sql/plans.ts';
import { definedBy, type Plan, type Step } from '../../src/storage/sql/statement.ts';
import { createPlans } from '../../src/storage/sql/store.ts';
import { commitBatch, fromPlainError } from '../../src/storage/sqlite/batch.ts';
import { type Connection, openConnection } from '../../src/storage/sqlite/connection.ts';
import { migrate } from '../../src/storage/sqlite/migrate.ts';
import { openTestRegistry } from '../support/registry.ts';
import { type Act, acts, Refused, type Request } from './acts.ts';

const plans: Plans = createPlans(definedBy(compileForSqlite()));

/** The driver's own commands and reads over a connection that a test can tell how large its database may be. */
function storeOn(connection: Connection): MetadataStore {
  const plan = (name: ReadName | CommandName, input: readonly unknown[]) =>
    (plans[name] as (...input: readonly unknown[]) => Plan<unknown>)(...input);
  const reads = readNames.map((name) => [
    name,
    async (...input: readonly unknown[]) => connection.run(plan(name, input)),
  ]);
  const commands = commandNames.map((name) => [
    name,
    async (...input: readonly unknown[]) => {
      const [outcome] = commitBatch(connection, plans, [{ id: 0, name, input }]);
      if (outcome !== undefined && 'error' in outcome) throw fromPlainError(outcome.error);
      return outcome?.value;
    },
  ]);
  const lifecycle = { ready: async () => undefined, close: async () => connection.close() };
  return { ...Object.fromEntries([...reads, ...commands]), ...lifecycle };
}

function* ask(sql: string): Generator<Step, unknown, readonly unknown[]> {
  const [row] = yield { sql, parameters: [] };
  return Object.values(Object(row))[0];
}

const isSame = (served: Uint8Array | undefined, wanted: Uint8Array | undefined) =>
  served === undefined || wanted === undefined ? served === wanted : Buffer.compare(served, wanted) === 0;

/** Pushes of every kind until each is refused, so that no table has room left in the pages that it has. */
async function fill(request: Request): Promise<void> {
  const image = await acts['a manifest that moves a tag']?.(request, 'fill/images');
  await image?.attempt(request);
  const [{ after: manifest = new Uint8Array() } = {}] = image?.changes ?? [];
  const kinds: readonly ((n: number) => Promise<unknown>)[] = [
    async (n) => (await acts['a small blob in one request']?.(request, `fill/blob-${n}`))?.attempt(request),
    () => request('POST', '/v2/fill/sessions/blobs/uploads/'),
    (n) => request('PUT', `/v2/fill/images/manifests/tag-${n}`, { body: manifest }),
  ];
  for (const push of kinds) {
    let isFull = false;
    for (let n = 0; !isFull; n += 1) {
      await push(n).catch((error: unknown) => {
        if (!(error instanceof Refused) || error.answer.status !== 507) throw error;
        isFull = true;
      });
    }
  }
}

// None, and one more each time until all acts find room: they fail at each of their commands.
test.each([0, 1, 2, 3, 4, 5])(
  'a database with room for %i pages more: 507 in plain words, nothing is lost, and it goes on when there is room',
  async (spare) => {
    const connection = openConnection(':memory:', { readOnly: false });
    migrate(connection);
    const opened = openTestRegistry({ metadata: storeOn(connection), blobs: memory() });
    const request: Request = async (method, target, call) => {
      const answer = await opened.call(method, target, call);
      if (answer.status >= 300) throw new Refused(answer, opened.faults.at(-1));
      return answer;
    };
    const read = async (target: string) => {
      const answer = await opened.call('GET', target);
      expect([200, 204, 404]).toContain(answer.status);
      return answer.status === 404 ? undefined : answer.bytes;
    };

    const prepared: Act[] = [];
    const limitTo = (pages: number) => connection.exec(`pragma max_page_count = ${pages}`);
    const countPages = () => Number(connection.run(ask('pragma page_count')));
    for (const [n, make] of Object.values(acts).entries()) prepared.push(await make(request, `acme/act-${n}`));
    limitTo(countPages() + 2);
    await fill(request);
    limitTo(countPages() + spare);
    const faultsBefore = opened.faults.length;
    const refused: Act[] = [];
    for (const act of prepared) {
      try {
        await act.attempt(request);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        expect([error.answer.status, error.answer.text]).toEqual([507, expect.stringContaining('no space left')]);
        refused.push(act);
      }
      for (const { target, before, after } of act.changes) {
        const served = await read(target);
        const isDone = !refused.includes(act);
        expect(isSame(served, after) || (!isDone && isSame(served, before)), target).toBe(true);
      }
    }
    expect(opened.faults.length - faultsBefore).toBe(refused.length);
    if (spare === 0) expect(refused.length).toBeGreaterThan(5);

    limitTo(100_000);
    for (const act of refused) await act.attempt(request);
    for (const { target, after } of prepared.flatMap(({ changes }) => changes)) {
      expect(isSame(await read(target), after), target).toBe(true);
    }
    expect(connection.run(ask('pragma integrity_check'))).toBe('ok');
    await opened.close();
  },
);
