import { expect, test } from 'vitest';
import { runMoorage, startServer } from './run-moorage.ts';

async function type(...words: readonly string[]) {
  const run = runMoorage(['doctor', ...words]);
  const code = await run.ended;
  return { code, stdout: run.stdout(), stderr: run.stderr() };
}

test('the doctor prints a line a step, and ends with 1 and a sentence where one failed', async () => {
  const { url } = await startServer();
  const well = await type(url, '--size', '1MiB');
  expect(well).toMatchObject({ code: 0, stderr: '' });
  expect(well.stdout).toMatch(/^ok {4}name .*\n(ok .*\n)+$/);
  const ill = await type(url.replace('http:', 'https:'), '--json');
  expect(ill).toMatchObject({ code: 1, stderr: '1 of 3 steps failed.\n' });
  expect(JSON.parse(ill.stdout)).toMatchObject([{ step: 'name' }, { step: 'TCP' }, { step: 'TLS', outcome: 'FAIL' }]);
});
