import { StorageError } from '@moorage/registry';
import { expect, test } from 'vitest';
import { ExitError } from './exit-error.ts';
import { explainStartFailure } from './start-failure.ts';

const wanted = { data: '/srv/data', host: '127.0.0.1', port: 80 };
const failure = (facts: object) => Object.assign(new Error('as the host says'), facts);

test.each([
  [
    { syscall: 'listen', code: 'EADDRINUSE' },
    'Port 80 on 127.0.0.1 is in use by another program: stop it, or choose another one, such as --listen 127.0.0.1:81.',
  ],
  [
    { syscall: 'listen', code: 'EACCES' },
    'Port 80 needs rights that this process does not have: choose one from 1024 on, such as --listen 127.0.0.1:5000.',
  ],
  [
    { syscall: 'listen', code: 'EADDRNOTAVAIL' },
    'This machine does not have the address 127.0.0.1: choose one of its own with --listen, or :80 for all.',
  ],
  [
    { syscall: 'getaddrinfo', code: 'ENOTFOUND' },
    'The host 127.0.0.1 is not known: choose another address with --listen.',
  ],
  [{ syscall: 'listen', code: 'EINVAL' }, 'The server cannot listen on port 80 of 127.0.0.1: as the host says.'],
  [
    { code: 'ENOSPC' },
    'The disk or the quota that holds /srv/data is full: make room, or choose another directory with --data DIRECTORY.',
  ],
  [
    { code: 'ERR_SQLITE_ERROR', errcode: 13 },
    'The disk or the quota that holds /srv/data is full: make room, or choose another directory with --data DIRECTORY.',
  ],
  [
    { code: 'EROFS', path: '/srv' },
    '/srv cannot be written: give this process the right to write there, or choose another directory with --data DIRECTORY.',
  ],
  [
    { code: 'ENOTDIR' },
    '/srv/data, or a part of that path, is a file: choose another directory with --data DIRECTORY.',
  ],
])('%j is one sentence that says what to do', (facts, sentence) => {
  const explained = explainStartFailure(failure(facts), wanted);
  expect(explained).toBeInstanceOf(ExitError);
  expect(explained).toHaveProperty('message', sentence);
});

test('a refusal of storage speaks for itself', () => {
  const explained = explainStartFailure(new StorageError('unavailable', 'as the host says'), wanted);
  expect(explained).toBeInstanceOf(ExitError);
  expect(explained).toHaveProperty('message', 'as the host says');
});

test('of a refusal of storage that has a reason of the host, the reason is told in words of the command', () => {
  const cause = failure({ code: 'EACCES', path: '/srv/data/blobs' });
  const explained = explainStartFailure(new StorageError('unavailable', 'not these words', { cause }), wanted);
  expect(explained).toHaveProperty('message', expect.stringMatching(/^\/srv\/data\/blobs cannot be written: .*--data/));
});

test('a server on every address hears of another port on every address', () => {
  const explained = explainStartFailure(failure({ syscall: 'listen', code: 'EADDRINUSE' }), {
    ...wanted,
    host: undefined,
  });
  expect(explained).toHaveProperty('message', expect.stringContaining('--listen :81.'));
});

test('a bug stays what it is, with its stack', () => {
  const bug = new TypeError('undefined is not a function');
  expect(explainStartFailure(bug, wanted)).toBe(bug);
});
