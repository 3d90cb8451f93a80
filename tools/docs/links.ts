import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const fences = /^```[\s\S]*?^```/gm;

/** What is wrong with the links and paths of a document, a sentence each. `file` is its path from `root`.
 *
 *  - A relative link leads to a file, and its `#…` to a heading there.
 *  - A link to a test is called as the test is: its text stands in that file, word for word.
 *  - A path of the repository between backticks exists. */
export function linkFaults(root: string, file: string, text: string): readonly string[] {
  const prose = text.replace(fences, '');
  const links = [...prose.matchAll(/\[((?:[^\]\\]|\\.)*)\]\(([^)\s]+)\)/g)].map(([, label = '', target = '']) => ({
    label,
    target,
  }));
  const paths = [...prose.matchAll(/`((?:packages|tools|docs|conformance|bench)\/[^`\s<*…]*)`/g)].map(
    ([, path = '']) => path,
  );
  return [
    ...links.filter(({ target }) => !/^[a-z]+:/.test(target)).flatMap((link) => linkFault(root, { file, text }, link)),
    ...paths
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${file} names ${path}, which does not exist.`),
  ];
}

function linkFault(
  root: string,
  { file, text }: { readonly file: string; readonly text: string },
  { label, target }: { readonly label: string; readonly target: string },
): readonly string[] {
  const [path = '', anchor] = target.split('#');
  const linked = path === '' ? file : normalize(join(dirname(file), path));
  if (path !== '' && !existsSync(join(root, linked))) return [`${file} links to ${target}, which does not exist.`];
  const read = () => (path === '' ? text : readFileSync(join(root, linked), 'utf8'));
  if (anchor !== undefined && !headings(read()).includes(anchor))
    return [`${file} links to ${target}, a heading that does not exist.`];
  if (isTest(linked) && !read().includes(unescaped(label)))
    return [`${file} names the test "${label}", which is not in ${linked}.`];
  return [];
}

function isTest(file: string): boolean {
  return /\.test\.ts$|^packages\/registry\/src\/testing\/.*\.ts$|^conformance\/clients\/groups\/.*\.ts$/.test(file);
}

function unescaped(label: string): string {
  return label.replace(/\\(.)/g, '$1');
}

/** The anchors that a document's headings have on GitHub. */
function headings(text: string): readonly string[] {
  return [...text.replace(fences, '').matchAll(/^#+ +(.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
