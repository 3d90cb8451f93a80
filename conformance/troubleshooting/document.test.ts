import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { frictions } from './frictions.ts';

const text = readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8');
const sections = text.split(/^## /m).slice(1);

test('docs/troubleshooting.md has ten frictions, each with what is seen, why, what to do, and the case that provokes it', () => {
  expect(sections).toHaveLength(10);
  for (const section of sections) {
    expect(section).toMatch(/\*\*You see\*\* [\s\S]*\*\*Why\.\*\* [\s\S]*\*\*Do\*\* [\s\S]*^Shown by `.+`/m);
  }
});

test('every case stands in the document under its own friction, and the document names no other', () => {
  const named = sections.flatMap((section) => {
    const [title = ''] = section.split('\n');
    const [, name = ''] = /^Shown by `(.+?)`/m.exec(section) ?? [];
    expect(name.toLowerCase().startsWith(`${title.toLowerCase()}:`), `${title}: ${name}`).toBe(true);
    return [name];
  });
  expect(named.toSorted()).toEqual(frictions.map(({ name }) => name).toSorted());
});
