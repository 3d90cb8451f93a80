/** The one of `known` that `word` most probably meant: what lies below it as a group, else the fewest edits. */
export function nearest(word: string, known: readonly string[]): string {
  const [best = ''] = known
    .map(
      (name) => [name, name.startsWith(`${word}.`) ? 0 : editDistance(word.toLowerCase(), name.toLowerCase())] as const,
    )
    .reduce((a, b) => (b[1] < a[1] ? b : a));
  return best;
}

/** Levenshtein's distance: how many characters must be put in, taken out or replaced. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [line, letter] of [...a].entries()) {
    const next = [line + 1];
    for (let column = 0; column < b.length; column++) {
      const replaced = (row[column] ?? 0) + (letter === b[column] ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
