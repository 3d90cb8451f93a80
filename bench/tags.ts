import { manifestBlobs, repository, tagOf } from './content.ts';
import { NotMeasured } from './row.ts';
import { readJson, seed, seedMany } from './seed.ts';
import type { Target } from './target.ts';

const size = 100;

/** The path of the page of 100 tags that begins with tag number `first`. */
export function tagPage(first: number): string {
  return `/v2/${repository}/tags/list?n=${size}${first === 0 ? '' : `&last=${tagOf(first - 1)}`}`;
}

/** Pushes so many tags, each to a manifest of its own. */
export async function seedTags(target: Target, tags: number): Promise<void> {
  await seed(target, { blobs: manifestBlobs });
  await seedMany(target, tags, { kind: 'put-manifests', tags: 'numbered' });
}

/** Rejects where the page is not the right one; with `NotMeasured` where it has everything, from a registry that has no pages. */
export async function checkTagPage(target: Target, first: number): Promise<void> {
  const { status, document } = await readJson(target, tagPage(first));
  const { tags } = document as { readonly tags: readonly string[] };
  if (tags.length > size) throw new NotMeasured('it has no pages of tags: it answers with all of them');
  const wanted = Array.from({ length: size }, (_, index) => tagOf(first + index));
  if (tags.join() !== wanted.join()) {
    throw new Error(
      `The page of tags from ${tagOf(first)} on was answered ${status}, ${tags.length} from ${tags[0]} on.`,
    );
  }
}
