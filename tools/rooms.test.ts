import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Rules broken, and how many modules were seen, in a copy of the sources with these files added. */
function check(planted: Readonly<Record<string, string>>): {
  readonly rules: readonly string[];
  readonly modules: number;
} {
  const copy = mkdtempSync(join(tmpdir(), 'moorage-rooms-'));
  try {
    for (const part of [
      'tsconfig.base.json',
      'tools/rooms.config.cjs',
      'packages/registry/src',
      'packages/registry/test',
      'packages/registry/package.json',
    ]) {
      cpSync(join(root, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    for (const [file, content] of Object.entries(planted))
      writeFileSync(join(copy, 'packages/registry/src', file), content);
    const script = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const args = [script, '--config', 'tools/rooms.config.cjs', '--output-type', 'json', 'packages/registry/src'];
    const { stdout } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
    const { summary } = JSON.parse(stdout);
    return {
      rules: summary.violations.map(({ rule }: { rule: { name: string } }) => rule.name),
      modules: summary.totalCruised,
    };
  } finally {
    rmSync(copy, { recursive: true });
  }
}

test('the checker sees the sources, and finds nothing in them', () => {
  const { rules, modules } = check({});
  expect(rules).toEqual([]);
  expect(modules).toBeGreaterThan(60);
});

test('the checker finds each planted fault', () => {
  const { rules } = check({
    'oci/planted.ts': `import type { BlobStore } from '../storage/blob-store.ts';\nexport type Planted = BlobStore;\n`,
    'adapters/planted.ts': `import { createRegistry } from '../create-registry.ts';\nexport const planted = createRegistry;\n`,
    'registry/planted.ts': `import { memory } from '../storage/memory.ts';\nexport const planted = memory;\n`,
    'http/planted-a.ts': `import type { B } from './planted-b.ts';\nexport type A = B;\n`,
    'http/planted-b.ts': `import type { A } from './planted-a.ts';\nexport type B = A;\n`,
    'upkeep/planted.ts': `import { z } from 'zod';\nexport const planted = z;\n`,
    'access/planted.ts': `export { nothing } from './no-such-file.ts';\n`,
  });
  expect([...new Set(rules)].sort()).toEqual([
    'drivers',
    'library-packages',
    'no-cycles',
    'resolvable',
    'room-adapters',
    'room-oci',
  ]);
});
