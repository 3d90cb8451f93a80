import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Generated files by their path from `root`, and whether they are to be written. */
export interface Generated {
  readonly root: string;
  readonly files: ReadonlyMap<string, string>;
  readonly isUpdate: boolean;
}

/** Writes generated files again, or tells where the committed ones differ. */
export function compareOrWrite({ root, files, isUpdate }: Generated): readonly string[] {
  if (!isUpdate)
    return [...files].flatMap(([file, text]) => firstDifference(file, readIfThere(join(root, file)), text));
  for (const [file, text] of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return [];
}

/** The first line in which a committed text is not the one that was generated, in a sentence; nothing where they are equal. */
export function firstDifference(file: string, committed: string, wanted: string): readonly string[] {
  if (committed === wanted) return [];
  const [is, shouldBe] = [committed.split('\n'), wanted.split('\n')];
  const line = shouldBe.findIndex((text, index) => text !== is[index]);
  const at = line < 0 ? shouldBe.length : line;
  return [
    `${file} is not what the sources say: run "npm run package -- --update" and review. Line ${at + 1}:\n- ${is[at] ?? ''}\n+ ${shouldBe[at] ?? ''}`,
  ];
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''; // which no generated file is
    throw error;
  }
}
