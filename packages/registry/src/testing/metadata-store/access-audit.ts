import { deepEqual, ok } from 'node:assert/strict';
import { parseRepositoryName } from '../../oci/name.ts';
import type { AuditEntry } from '../../storage/access-records.ts';
import type { MetadataStore } from '../../storage/metadata-store.ts';
import { putSmall, type StoreCase, startMs } from './builders.ts';

/** The n-th line: a refused push of alice's. */
const entry = (n: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  atMs: startMs + n,
  identity: 'alice',
  address: '192.0.2.1',
  act: 'push',
  isAllowed: false,
  repository: parseRepositoryName('acme/web'),
  about: `tag v${n}`,
  ...more,
});

/** The lines of the audit after the one with id `after`, and their ids. */
async function read(store: MetadataStore, after = 0, limit = 100) {
  const found = await store.listAudit({ after, limit });
  return { ids: found.map(({ id }) => id), entries: found.map(({ id: _, ...rest }) => rest) };
}

/** The audit. */
export const accessAuditCases: readonly StoreCase[] = [
  {
    name: 'the audit gives its entries as they were appended, the oldest first',
    async run(store) {
      const nothing = { identity: undefined, address: undefined, repository: undefined, about: undefined };
      const entries = [entry(1), entry(2, { ...nothing, act: 'login' }), entry(3, { isAllowed: true, about: 'é "\n' })];
      await store.appendAudit({ entries: entries.slice(0, 2) });
      await store.appendAudit({ entries: entries.slice(2) });
      deepEqual((await read(store)).entries, entries);
    },
  },
  {
    name: 'the order of the audit is that in which entries were appended, whatever the clock said',
    async run(store) {
      for (const n of [3, 1, 2]) await store.appendAudit({ entries: [entry(n)] });
      deepEqual(
        (await read(store)).entries,
        [3, 1, 2].map((n) => entry(n)),
      );
    },
  },
  {
    name: 'the audit is read on from an id: pages join to the whole, and new entries come after them',
    async run(store) {
      await store.appendAudit({ entries: [1, 2, 3, 4, 5].map((n) => entry(n)) });
      const all = await read(store);
      for (const [index, id] of all.ids.entries()) ok(id > (all.ids[index - 1] ?? 0), `${all.ids}`);
      const first = await read(store, 0, 2);
      const second = await read(store, first.ids.at(-1), 2);
      const third = await read(store, second.ids.at(-1), 2);
      deepEqual([...first.ids, ...second.ids, ...third.ids], all.ids);
      deepEqual(first.entries, [entry(1), entry(2)]);
      deepEqual((await read(store, third.ids.at(-1))).entries, []);
      await store.appendAudit({ entries: [entry(6)] });
      deepEqual((await read(store, third.ids.at(-1))).entries, [entry(6)]);
    },
  },
  {
    name: 'no entries are appended, and none are read from an empty audit',
    async run(store) {
      await store.appendAudit({ entries: [] });
      deepEqual(await store.listAudit({ after: 0, limit: 10 }), []);
    },
  },
  {
    name: 'entries about a repository stay when it is removed',
    async run(store) {
      await putSmall(store, 'acme/web', 1);
      await store.appendAudit({ entries: [entry(1)] });
      await store.removeRepository({ name: parseRepositoryName('acme/web') });
      deepEqual((await read(store)).entries, [entry(1)]);
    },
  },
];
