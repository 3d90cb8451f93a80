import { ExitError } from '../../exit-error.ts';

/** Whether a path of a chart, with `/` between its parts, stays out of the package. */
export type IgnoreRule = (path: string, directory: boolean) => boolean;

// What Helm always leaves out: hidden files among the templates.
const always = ['templates/.?*'];

/**
 * The rules of a `.helmignore`, as Helm reads them: the first that matches decides; without `/` a pattern is for the name alone, wherever it is; with one for
 * the whole path; with one at its end for directories. Refuses with an `ExitError` what Helm refuses (`**`) and what it reads otherwise than Git (`!`).
 */
export function parseHelmIgnore(text: string): IgnoreRule {
  const lines = text.replace(/^\ufeff/, '').split('\n');
  const patterns = [...lines.map((line) => line.trim()), ...always].filter((line) => line !== '' && line[0] !== '#');
  const rules = patterns.map(parsePattern);
  return (path, directory) => rules.some((matches) => matches(path, directory));
}

function parsePattern(line: string): IgnoreRule {
  if (line.startsWith('!') || line.includes('**')) {
    throw new ExitError(
      `.helmignore has ${JSON.stringify(line)}: patterns with ! or ** are not understood here. Run \`helm package\` and push the .tgz.`,
    );
  }
  const directoriesOnly = line.endsWith('/');
  const pattern = directoriesOnly ? line.slice(0, -1) : line;
  const matcher = toRegExp(pattern.replace(/^\//, ''));
  const wholePath = pattern.includes('/');
  return (path, directory) => {
    if (directoriesOnly && !directory) return false;
    return matcher.test(wholePath ? path : path.slice(path.lastIndexOf('/') + 1));
  };
}

/** A pattern of Go's `filepath.Match`: `*`, `?`, `[a-z]`, `[^a-z]` and `\` before a character that stands for itself. */
function toRegExp(pattern: string): RegExp {
  const piece = /\\(.)|\[(\^?)((?:\\.|[^\]\\])+)\]|(\*)|(\?)|([^\\[])/suy;
  let source = '';
  while (piece.lastIndex < pattern.length) {
    const found = piece.exec(pattern);
    if (found === null) throw noPattern(pattern);
    const [, escaped, negated, set, star, one, literal = ''] = found;
    if (star !== undefined) source += '[^/]*';
    else if (one !== undefined) source += '[^/]';
    else if (set !== undefined) source += `(?!/)[${negated}${set.replace(/\\(.)|(.)/gsu, escapeInSet)}]`;
    else source += quoted(escaped ?? literal);
  }
  try {
    return new RegExp(`^${source}$`, 'su');
  } catch (error) {
    throw noPattern(pattern, error);
  }
}

const quoted = (character: string) => character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');

function escapeInSet(_: string, escaped: string | undefined, plain: string): string {
  return escaped === '-' ? '\\-' : quoted(escaped ?? plain);
}

function noPattern(pattern: string, cause?: unknown): ExitError {
  return new ExitError(`.helmignore has ${JSON.stringify(pattern)}, which is no pattern.`, { cause });
}
