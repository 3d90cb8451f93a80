/** A block of the guide, and what the reader is to do with it. */
export type Block =
  | { readonly kind: 'file' | 'change'; readonly step: string; readonly file: string; readonly text: string }
  | {
      readonly kind: 'commands';
      readonly step: string;
      readonly text: string;
      /** What its output must have, a line each; empty: nothing in particular. */
      readonly output: readonly string[];
    };

/** The blocks of the guide in their order. A file is named by the last code span of the paragraph before its block, or the block's before that. Throws where none is. */
export function blocksOf(markdown: string): readonly Block[] {
  const blocks: Block[] = [];
  let step = '';
  let file: string | undefined;
  for (const [, heading, language, text = '', prose = ''] of markdown.matchAll(
    /^## (.+)$|^```(\w+)\n([\s\S]*?)^```$|^(.+)$/gm,
  )) {
    if (heading !== undefined) step = heading;
    if (language === undefined) {
      file = /`([\w-]+\.js)`[^`]*:$/.exec(prose)?.[1] ?? file;
      continue;
    }
    const last = blocks.at(-1);
    switch (language) {
      case 'js':
      case 'diff':
        if (file === undefined) throw new Error(`"${step}" has a block before any file is named.`);
        blocks.push({ kind: language === 'js' ? 'file' : 'change', step, file, text });
        break;
      case 'bash':
        blocks.push({ kind: 'commands', step, text, output: [] });
        break;
      case 'text':
        if (last?.kind !== 'commands') throw new Error(`"${step}" has an output without commands before it.`);
        blocks.splice(-1, 1, { ...last, output: text.trimEnd().split('\n') });
    }
  }
  return blocks;
}

/** A file after a change: the lines of `change` that begin with a space or a minus stand in it together, once, and those with a space or a plus take their place. Throws where they do not. */
export function changed(before: string, change: string): string {
  const lines = change.trimEnd().split('\n');
  const linesOf = (signs: string) =>
    lines
      .filter((line) => line === '' || signs.includes(line.charAt(0)))
      .map((line) => `${line.slice(1)}\n`)
      .join('');
  const [wanted, replacement] = [linesOf(' -'), linesOf(' +')];
  const start = before.indexOf(wanted);
  if (start < 0 || before.includes(wanted, start + 1))
    throw new Error(`These lines do not stand there once:\n${wanted}`);
  return before.slice(0, start) + replacement + before.slice(start + wanted.length);
}
