import type { Answer, TestRegistry } from './registry.ts';

/** More pages than any test has: a list that leads back to itself fails. */
const maximumPages = 20;

/** The list at `target`, page by page, as a client follows its `Link` headers. */
export async function readPages(opened: TestRegistry, target: string): Promise<readonly Answer[]> {
  const pages: Answer[] = [];
  for (let next: string | undefined = target; next !== undefined; ) {
    const page = await opened.call('GET', next);
    pages.push(page);
    if (pages.length > maximumPages) throw new Error(`The list at ${target} has no end.`);
    next = /^<(.*)>; rel="next"$/.exec(page.headers['link'] ?? '')?.[1];
  }
  return pages;
}
