import { describeManifest, makeManifest, manifestBlobs, repository } from '../content.ts';
import { runGets } from '../load/load.ts';
import { NotMeasured, type Row } from '../row.ts';
import { readJson, seed, seedMany } from '../seed.ts';

const text = makeManifest('subject');
const subject = describeManifest(text);
// The specification has no size of a page for this list: who does not know `n` answers with pages of its own size, or with everything.
const path = `/v2/${repository}/referrers/${subject.digest}?n=100`;

/** The first page of the referrers of a manifest that has 10,000, 100 at a time where the registry lets the client choose, over 16 connections. */
export const row: Row = {
  name: 'list-referrers-10k',
  unit: 'requests/s',
  async setup(target) {
    await seed(target, { blobs: manifestBlobs, manifest: { tag: 'subject', text } });
    if ((await readJson(target, path)).status !== 200) throw new NotMeasured('it has no list of referrers');
    await seedMany(target, 10_000, { kind: 'put-referrers', subject });
    const { document } = await readJson(target, path);
    const { manifests } = document as { readonly manifests: readonly unknown[] };
    if (manifests.length < 100) throw new Error(`A page of referrers has ${manifests.length} of 10,000.`);
  },
  run: (target, seconds) => runGets(target, { path, clients: 16, seconds }),
};
