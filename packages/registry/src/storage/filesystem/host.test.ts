import * as files from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { flushes, noFlushFailed } from './host.ts';

/** A file whose flush ends when a test lets it. */
function openFile() {
  const flush = Promise.withResolvers<void>();
  const truncate = vi.fn(async () => undefined);
  const datasync = vi.fn(() => flush.promise);
  return { ...flush, datasync, truncate, file: { datasync, truncate } as never };
}

test('a disk that failed one thread is trusted by none that shares it, for a flush that was under way neither', async () => {
  const failed = noFlushFailed();
  const [one, another] = [flushes(files, failed), flushes(files, failed)];
  const [broken, slow, later] = [openFile(), openFile(), openFile()];
  const flushing = another.file(slow.file);
  const failing = one.file(broken.file);
  broken.reject(new Error('planted'));
  await expect(failing).rejects.toMatchObject({
    code: 'unavailable',
    cause: expect.objectContaining({ message: 'planted' }),
  });
  slow.resolve();
  await expect(flushing).rejects.toMatchObject({ code: 'unavailable' });
  await expect(another.file(later.file)).rejects.toMatchObject({ code: 'unavailable' });
  expect(later.datasync).not.toHaveBeenCalled();
  expect(broken.truncate).toHaveBeenCalledWith(0);

  const apart = openFile();
  apart.resolve();
  await flushes(files).file(apart.file);
});
