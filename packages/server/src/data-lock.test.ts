import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lockDataDirectory } from './data-lock.ts';
import { ExitError } from './exit-error.ts';

const directory = mkdtempSync(join(tmpdir(), 'moorage-lock-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('a directory is held by one at a time, and free again once that one is done', () => {
  const first = lockDataDirectory(directory);
  expect(() => lockDataDirectory(directory)).toThrow(ExitError);
  expect(() => lockDataDirectory(directory)).toThrow(`Another running server uses ${directory}:`);
  first.close();
  lockDataDirectory(directory).close();
});
