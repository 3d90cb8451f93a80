import { StorageError } from './error.ts';

/** The refusal to read bytes that are not there. */
export function notFound(): StorageError {
  return new StorageError('not-found', 'There are no bytes under that key.');
}

/** The refusal to append or cut elsewhere than in the `sizeBytes` that are there. */
export function offsetMismatch(sizeBytes: number): StorageError {
  return new StorageError('offset-mismatch', `The upload has ${sizeBytes} bytes. Go on from there.`);
}
