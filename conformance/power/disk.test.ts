import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'vitest';
import { cut, type Model, type Tree } from './disk.ts';
import { createRandom } from './random.ts';
import type { Entry } from './record.ts';

const create: Entry = { kind: 'create', file: 1, path: '/a' };
const thread = 1;
const flushing = { flushed: { file: 1 }, thread };
const naming = { flushed: { directory: '' }, thread };
const write = (offsetBytes: number, text: string): Entry => ({
  kind: 'write',
  file: 1,
  offsetBytes,
  data: new TextEncoder().encode(text),
});
const flushFile: readonly Entry[] = [
  { kind: 'flush-begin', ...flushing },
  { kind: 'flush-end', ...flushing },
];
const flushNames: readonly Entry[] = [
  { kind: 'flush-begin', ...naming },
  { kind: 'flush-end', ...naming },
];

function after(entries: readonly Entry[], model: Model, options: { seed?: number; kept?: number } = {}): Tree {
  return cut(entries, entries.length, { model, random: createRandom(options.seed ?? 1), kept: options.kept ?? 0.5 });
}

/** What a hundred disks hold at `path`, each outcome once. */
function outcomes(entries: readonly Entry[], model: Model, path: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (let seed = 0; seed < 100; seed += 1) {
    let node: Tree | Uint8Array | undefined = after(entries, model, { seed });
    for (const name of path) node = node instanceof Map ? node.get(name) : undefined;
    found.add(node instanceof Uint8Array ? new TextDecoder().decode(node) : 'none');
  }
  return [...found].sort();
}

test('what was flushed, bytes and name, is there in every model', () => {
  const entries = [create, ...flushNames, write(0, 'old'), ...flushFile];
  for (const model of ['nothing', 'everything', 'ordered', 'unordered'] as const)
    deepEqual(outcomes(entries, model, ['a']), ['old']);
});

test('a write that began after the flush did may be gone, though it was made before the flush ended', () => {
  const [begin, end] = flushFile;
  if (begin === undefined || end === undefined) throw new Error('A flush has two entries.');
  const entries = [create, ...flushNames, write(0, 'old'), begin, write(0, 'new'), end];
  deepEqual(outcomes(entries, 'nothing', ['a']), ['old']);
  deepEqual(outcomes(entries, 'unordered', ['a']), ['new', 'old']);
});

test('a flush that was cut off before its end promises nothing', () => {
  const entries = [create, ...flushNames, write(0, 'old'), ...flushFile.slice(0, 1)];
  deepEqual(outcomes(entries, 'nothing', ['a']), ['']);
});

test('the flush of a file does not keep its name, and that of a name does not keep the bytes', () => {
  deepEqual(outcomes([create, write(0, 'old'), ...flushFile], 'nothing', ['a']), ['none']);
  deepEqual(outcomes([create, write(0, 'old'), ...flushNames], 'nothing', ['a']), ['']);
});

test('a write may be torn at sectors of 512 bytes, and nowhere else', () => {
  const whole = 'x'.repeat(300) + 'y'.repeat(512) + 'z'.repeat(512);
  const entries = [create, ...flushNames, write(0, 'a'.repeat(1536)), ...flushFile, write(212, whole)];
  const sectors = new Set<string>();
  for (const found of outcomes(entries, 'unordered', ['a'])) {
    equal(found.length, 1536);
    for (const sector of [found.slice(0, 512), found.slice(512, 1024), found.slice(1024)]) sectors.add(sector);
  }
  const [a, x, y, z] = [512, 300, 512, 512].map((length, i) => 'axyz'.charAt(i).repeat(length));
  deepEqual([...sectors].sort(), [`${'a'.repeat(212)}${x}`, a, y, z].sort());
});

test('a renaming is all or nothing in order, and two changes out of order', () => {
  const entries: readonly Entry[] = [
    create,
    ...flushNames,
    write(0, 'old'),
    ...flushFile,
    { kind: 'rename', path: '/a', to: '/b' },
  ];
  const names = (model: Model) => {
    const found = new Set<string>();
    for (let seed = 0; seed < 100; seed += 1) found.add([...after(entries, model, { seed }).keys()].sort().join());
    return [...found].sort();
  };
  deepEqual(names('ordered'), ['a', 'b']);
  deepEqual(names('unordered'), ['', 'a', 'a,b', 'b']);
});

test('names come in order where the file system has a journal', () => {
  const entries: readonly Entry[] = [create, { kind: 'create', file: 2, path: '/b' }, { kind: 'unlink', path: '/a' }];
  const states = new Set<string>();
  for (let seed = 0; seed < 100; seed += 1) states.add([...after(entries, 'ordered', { seed }).keys()].join());
  deepEqual([...states].sort(), ['', 'a', 'a,b', 'b']);
});

test('everything is kept where the program alone ended', () => {
  const entries: readonly Entry[] = [
    { kind: 'mkdir', path: '/d' },
    { kind: 'create', file: 1, path: '/d/a' },
    write(0, 'old bytes'),
    { kind: 'truncate', file: 1, sizeBytes: 3 },
    write(5, '!'),
  ];
  deepEqual(outcomes(entries, 'everything', ['d', 'a']), ['old\0\0!']);
});

test('the number of a file that is gone may be that of another one', () => {
  const entries: readonly Entry[] = [
    create,
    write(0, 'old'),
    { kind: 'unlink', path: '/a' },
    { kind: 'create', file: 1, path: '/b' },
    write(0, 'b'),
  ];
  deepEqual(outcomes(entries, 'everything', ['b']), ['b']);
});
