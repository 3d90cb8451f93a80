import { deepEqual, equal } from 'node:assert/strict';
import { parseRepositoryName, parseTag } from '../../oci/name.ts';
import type { MetadataStore, TagCondition } from '../../storage/metadata-store.ts';
import { idOf, makeRepository, manifestDigest, manifestPush, refuses, type StoreCase } from './builders.ts';

const one = manifestDigest(1);
const two = manifestDigest(2);

/** A condition on the tag `v1`, which holds manifest 1 or nothing, and whether it lets a push by. */
interface ConditionRow {
  readonly when: string;
  readonly tag: 'held' | 'free';
  readonly condition: TagCondition;
  readonly passes: boolean;
}

const rows: readonly ConditionRow[] = [
  { when: 'If-Match is any and the tag is there', tag: 'held', condition: { ifMatch: '*' }, passes: true },
  { when: 'If-Match is any and the tag is not there', tag: 'free', condition: { ifMatch: '*' }, passes: false },
  { when: 'If-Match is what the tag holds', tag: 'held', condition: { ifMatch: [one] }, passes: true },
  {
    when: 'If-Match has what the tag holds among others',
    tag: 'held',
    condition: { ifMatch: [two, one] },
    passes: true,
  },
  { when: 'If-Match is something else', tag: 'held', condition: { ifMatch: [two] }, passes: false },
  {
    when: 'If-Match is what is pushed but the tag holds another',
    tag: 'held',
    condition: { ifMatch: [two] },
    passes: false,
  },
  { when: 'If-Match is no digest at all', tag: 'held', condition: { ifMatch: ['anything', ''] }, passes: false },
  { when: 'If-Match is empty', tag: 'held', condition: { ifMatch: [] }, passes: false },
  { when: 'If-Match is a digest and the tag is not there', tag: 'free', condition: { ifMatch: [one] }, passes: false },
  { when: 'If-None-Match is any and the tag is not there', tag: 'free', condition: { ifNoneMatch: '*' }, passes: true },
  { when: 'If-None-Match is any and the tag is there', tag: 'held', condition: { ifNoneMatch: '*' }, passes: false },
  { when: 'If-None-Match is something else', tag: 'held', condition: { ifNoneMatch: [two] }, passes: true },
  { when: 'If-None-Match is what the tag holds', tag: 'held', condition: { ifNoneMatch: [one] }, passes: false },
  { when: 'If-None-Match has it among others', tag: 'held', condition: { ifNoneMatch: [two, one] }, passes: false },
  {
    when: 'If-None-Match is a digest and the tag is not there',
    tag: 'free',
    condition: { ifNoneMatch: [one] },
    passes: true,
  },
  { when: 'both hold', tag: 'held', condition: { ifMatch: [one], ifNoneMatch: [two] }, passes: true },
  {
    when: 'If-Match holds and If-None-Match does not',
    tag: 'held',
    condition: { ifMatch: '*', ifNoneMatch: [one] },
    passes: false,
  },
  {
    when: 'If-None-Match holds and If-Match does not',
    tag: 'held',
    condition: { ifMatch: [two], ifNoneMatch: [two] },
    passes: false,
  },
  { when: 'there is no condition in it', tag: 'held', condition: {}, passes: true },
];

const refused = { name: 'acme/web', numbers: [1, 2, 3], code: 'precondition-failed' } as const;

const heldBy = async (store: MetadataStore, tag: string) =>
  (await store.findManifest(await idOf(store, 'acme/web'), { tag: parseTag(tag) }))?.digest;

const rowCases = rows.map(
  ({ when, tag, condition, passes }): StoreCase => ({
    name: `a push to a tag ${passes ? 'passes' : 'is refused'} when ${when}`,
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: tag === 'held' ? ['v1'] : ['other'] }));
      const push = () => store.putManifest(manifestPush('acme/web', 2, { tags: ['v1'], condition }));
      if (!passes) return refuses(store, refused, push);
      await push();
      equal(await heldBy(store, 'v1'), two);
    },
  }),
);

/** Conditions on the tag that a push moves (RFC 9110, section 13). */
export const tagConditionCases: readonly StoreCase[] = [
  ...rowCases,
  {
    name: 'several tags move all or none: one that fails the condition holds back the others and the manifest',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['held'] }));
      for (const tags of [
        ['held', 'new'],
        ['new', 'held'],
        ['a', 'held', 'z'],
      ]) {
        const push = manifestPush('acme/web', 2, { tags, condition: { ifNoneMatch: '*' } });
        await refuses(store, refused, () => store.putManifest(push));
      }
      const push = manifestPush('acme/web', 2, { tags: ['new', 'newer'], condition: { ifNoneMatch: '*' } });
      await store.putManifest(push);
      deepEqual(
        [await heldBy(store, 'new'), await heldBy(store, 'newer'), await heldBy(store, 'held')],
        [two, two, one],
      );
    },
  },
  {
    name: 'a condition looks at the tag of its own repository',
    async run(store) {
      await store.putManifest(manifestPush('acme/api', 1, { tags: ['v1'] }));
      await makeRepository(store, 'acme/web');
      const push = manifestPush('acme/web', 2, { tags: ['v1'], condition: { ifMatch: '*' } });
      await refuses(store, refused, () => store.putManifest(push));
      await store.putManifest(manifestPush('acme/web', 2, { tags: ['v1'], condition: { ifNoneMatch: '*' } }));
    },
  },
  {
    name: 'a push without tags has its condition on the manifest itself',
    async run(store) {
      const [absent, held] = [{ ifMatch: '*' }, { ifNoneMatch: '*' }] as const;
      await makeRepository(store, 'acme/web');
      await refuses(store, refused, () => store.putManifest(manifestPush('acme/web', 1, { condition: absent })));
      await store.putManifest(manifestPush('acme/web', 1, { condition: held }));
      await refuses(store, refused, () => store.putManifest(manifestPush('acme/web', 1, { condition: held })));
      await store.putManifest(manifestPush('acme/web', 1, { condition: absent }));
    },
  },
  {
    name: 'a condition holds for the same manifest, too',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1'] }));
      const push = manifestPush('acme/web', 1, { tags: ['v1'], condition: { ifNoneMatch: '*' } });
      await refuses(store, refused, () => store.putManifest(push));
    },
  },
  {
    name: 'a push that fails its condition makes no repository',
    async run(store) {
      const push = manifestPush('acme/web', 1, { tags: ['v1'], condition: { ifMatch: '*' } });
      await refuses(store, refused, () => store.putManifest(push));
      equal(await store.findRepository(parseRepositoryName('acme/web')), undefined);
    },
  },
  {
    name: 'a deleted tag is not there to a condition',
    async run(store) {
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1'] }));
      const act = { repositoryId: await idOf(store, 'acme/web'), by: 'alice', nowMs: 0 };
      await store.deleteTag({ ...act, tag: parseTag('v1') });
      await store.putManifest(manifestPush('acme/web', 2, { tags: ['v1'], condition: { ifNoneMatch: '*' } }));
      await store.deleteManifest({ ...act, digest: two, leaseUntilMs: 0 });
      await store.putManifest(manifestPush('acme/web', 1, { tags: ['v1'], condition: { ifNoneMatch: '*' } }));
      equal(await heldBy(store, 'v1'), one);
    },
  },
];
