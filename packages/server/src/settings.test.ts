import { expect, test } from 'vitest';
import { flagOf, settingRows, variableOf } from './settings.ts';
import { settingsMarkdown } from './settings-markdown.ts';

test('the key a.bC is --a-b-c and MOORAGE_A_B_C', () => {
  expect(flagOf('uploads.ttlSeconds')).toBe('--uploads-ttl-seconds');
  expect(variableOf('uploads.ttlSeconds')).toBe('MOORAGE_UPLOADS_TTL_SECONDS');
  expect(flagOf('publicUrl')).toBe('--public-url');
  expect(variableOf('publicUrl')).toBe('MOORAGE_PUBLIC_URL');
});

test('no two settings share a flag or a variable', () => {
  expect(new Set(settingRows.map(([name]) => flagOf(name))).size).toBe(settingRows.length);
  expect(new Set(settingRows.map(([name]) => variableOf(name))).size).toBe(settingRows.length);
});

test.each(settingRows)('the default of %s is a value of its type', (_name, { type, default: fallback }) => {
  expect(type.schema.safeParse(fallback).error).toBeUndefined();
});

test('the generated page has each setting with its flag, variable and default', () => {
  const page = settingsMarkdown();
  for (const [name] of settingRows) {
    expect(page).toContain(`## ${name}\n`);
    expect(page).toContain(`| \`${flagOf(name)}\` | \`${variableOf(name)}\` |`);
  }
  expect(page).toContain(
    '| `--uploads-ttl-seconds` | `MOORAGE_UPLOADS_TTL_SECONDS` | `86400` | a whole number of seconds, at least 1 |',
  );
});

test('no cell of the generated page is broken by a bar of its own', () => {
  const rows = settingsMarkdown()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows.map((row) => row.split('|').length)).toEqual(rows.map(() => 6));
});
