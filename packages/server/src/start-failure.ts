import { StorageError } from '@moorage/registry';
import { ExitError } from './exit-error.ts';

/** What the server wanted when it failed to start. */
export interface Wanted {
  /** Absolute path. */
  readonly data: string;
  readonly host: string | undefined;
  readonly port: number;
}

const sqliteFull = 13;
const sqliteReadOnly = 8;
const sqliteCannotOpen = 14;

/** `error` as one sentence that says what to do, where the reason lies in the host and not in this program; else `error` itself. */
export function explainStartFailure(error: unknown, wanted: Wanted): unknown {
  if (!(error instanceof Error) || error instanceof ExitError) return error;
  const sentence = ofListening(error, wanted);
  return sentence === undefined ? explainStorageFailure(error, wanted.data) : new ExitError(sentence, { cause: error });
}

/** The same for an error of the storage in `data`, an absolute path. */
export function explainStorageFailure(error: unknown, data: string): unknown {
  if (!(error instanceof Error) || error instanceof ExitError) return error;
  const sentence = ofStorage(error, data);
  return sentence === undefined ? error : new ExitError(sentence, { cause: error });
}

function ofListening(error: Error, { host, port }: Wanted): string | undefined {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const where = host === undefined ? 'every address' : host;
  if (syscall === 'getaddrinfo') return `The host ${host} is not known: choose another address with --listen.`;
  if (syscall !== 'listen') return undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${where} is in use by another program: stop it, or choose another one, such as --listen ${hostPort(host, port + 1)}.`;
    case 'EACCES':
      return `Port ${port} needs rights that this process does not have: choose one from 1024 on, such as --listen ${hostPort(host, 5000)}.`;
    case 'EADDRNOTAVAIL':
      return `This machine does not have the address ${host}: choose one of its own with --listen, or :${port} for all.`;
    default:
      return `The server cannot listen on port ${port} of ${where}: ${error.message}.`;
  }
}

/** Storage names the reason of the host as its cause; what it says by itself stands where the host's code is not one of these. */
function ofStorage(error: Error, data: string): string | undefined {
  const host = error instanceof StorageError && error.cause instanceof Error ? error.cause : error;
  const { code, syscall, path = data } = host as NodeJS.ErrnoException;
  const errcode = 'errcode' in host ? host.errcode : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT' || errcode === sqliteFull) {
    return `The disk or the quota that holds ${data} is full: make room, or choose another directory with --data DIRECTORY.`;
  }
  // Making a path of several directories on a read-only file system, Node says ENOENT.
  const isReadOnly = code === 'EROFS' || errcode === sqliteReadOnly || (code === 'ENOENT' && syscall === 'mkdir');
  if (isReadOnly || code === 'EACCES' || code === 'EPERM') {
    return `${path} cannot be written: give this process the right to write there, or choose another directory with --data DIRECTORY.`;
  }
  if (errcode === sqliteCannotOpen) {
    return `A file in ${data} cannot be opened: give this process the right to read and write there, or choose another directory with --data DIRECTORY.`;
  }
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    return `${data}, or a part of that path, is a file: choose another directory with --data DIRECTORY.`;
  }
  return error instanceof StorageError ? error.message : undefined;
}

function hostPort(host: string | undefined, port: number): string {
  const next = Math.min(port, 65535);
  if (host === undefined) return `:${next}`;
  return host.includes(':') ? `[${host}]:${next}` : `${host}:${next}`;
}
