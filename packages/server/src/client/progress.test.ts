import { expect, test } from 'vitest';
import { createProgress } from './progress.ts';

const blob = { digest: `sha256:${'ab'.repeat(32)}`, size: 3_000_000 };

test('without a terminal there is one line a blob', () => {
  const written: string[] = [];
  const progress = createProgress({ write: (text) => written.push(text) });
  const item = progress.begin(blob);
  item.at(1000);
  item.end('uploaded');
  progress.tell('A sentence.');
  progress.close();
  expect(written).toEqual(['sha256:abababababab     2.9 MiB  uploaded\n', 'A sentence.\n']);
});

test('on a terminal a line moves, no faster than people see, no wider than the terminal, and goes away', () => {
  const written: string[] = [];
  let nowMs = 0;
  const stream = { isTTY: true, columns: 20, write: (text: string) => written.push(text) };
  const progress = createProgress(stream, () => nowMs);
  const item = progress.begin(blob);
  nowMs = 1000;
  item.at(1_000_000);
  item.at(2_000_000);
  item.end('uploaded');
  progress.close();
  expect(written).toEqual([
    '\r\u001b[K0 of 1 blobs, 976.6',
    '\r\u001b[Ksha256:abababababab     2.9 MiB  uploaded\n',
    '\r\u001b[K',
  ]);
});
