import { expect, test, vi } from 'vitest';
import { noticeDeletes } from './delete-notice.ts';

test('the first delete of an hour says that it frees no space, and what does; uploads that are cancelled say nothing', () => {
  const info = vi.fn();
  let nowMs = 0;
  const { seeRequest } = noticeDeletes({ info }, () => nowMs);
  const remove = (status: number) => seeRequest({ method: 'DELETE', target: '/v2/a/manifests/sha256:0', status });
  remove(204);
  remove(403);
  expect(info).not.toHaveBeenCalled();
  for (const minutes of [1, 2, 60, 62]) {
    nowMs = minutes * 60_000;
    remove(202);
  }
  expect(info.mock.calls).toMatchObject([
    [{ path: '/v2/a/manifests/sha256:0' }, expect.stringContaining('moorage copy')],
    [{}, expect.stringContaining('frees no space')],
  ]);
});
