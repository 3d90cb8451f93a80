import { expect, test } from 'vitest';
import { ExitError } from '../exit-error.ts';
import { parseHtpasswd } from './htpasswd-file.ts';

const digits = 'abcdefghijklmnopqrstuv0123456789ABCDEFGHIJKLMNOPQRSTU';
const hash = (cost = '05', kind = '2y') => `$${kind}$${cost}$${digits}`;

const parse = (text: string) =>
  parseHtpasswd(text, {
    path: '/etc/users',
    whyTaken: (name) => (name === 'root' ? 'has the name of somebody else' : undefined),
  });

function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ExitError) return error.message;
    throw error;
  }
  throw new Error('The file was accepted.');
}

test('names and bcrypt hashes of every kind, comments, empty lines and CRLF are read', () => {
  const text = `# users\r\n\r\nalice:${hash()}\r\nbob@example.com:${hash('10', '2a')}\nci_1:${hash('12', '2b')}  `;
  expect([...parse(text)]).toEqual([
    ['alice', hash()],
    ['bob@example.com', hash('10', '2a')],
    ['ci_1', hash('12', '2b')],
  ]);
  expect(parse('').size).toBe(0);
});

test.each([
  [
    `alice:$apr1$abcdefgh$${'x'.repeat(22)}`,
    'Line 1 of /etc/users has an MD5 hash: only bcrypt is safe enough here, so set the password again with htpasswd -B /etc/users alice.',
  ],
  [
    '\n\nalice:{SHA}0DPiKuNIrrVmD8IUCuw1hQxNqZc=',
    'Line 3 of /etc/users has a SHA-1 hash: only bcrypt is safe enough here, so set the password again with htpasswd -B /etc/users alice.',
  ],
  [
    'alice:$6$salt$hash',
    'Line 1 of /etc/users has a SHA-2 crypt hash: only bcrypt is safe enough here, so set the password again with htpasswd -B /etc/users alice.',
  ],
  [
    'alice:plain',
    'Line 1 of /etc/users has no bcrypt hash: only bcrypt is safe enough here, so set the password again with htpasswd -B /etc/users alice.',
  ],
  [
    `alice:${hash().slice(0, -1)}`,
    'Line 1 of /etc/users has a bcrypt hash that is cut off or of a broken kind: only bcrypt is safe enough here, so set the password again with htpasswd -B /etc/users alice.',
  ],
  [
    `alice:${hash('05', '2x')}`,
    'Line 1 of /etc/users has a bcrypt hash that is cut off or of a broken kind: only bcrypt is safe enough here, so set the password again with htpasswd -B /etc/users alice.',
  ],
  [
    `alice:${hash('31')}`,
    'Line 1 of /etc/users has a bcrypt hash of cost 31, and here it must be 4 to 15: set the password again with htpasswd -B -C 10 /etc/users alice.',
  ],
  [`alice ${hash()}`, 'Line 1 of /etc/users has no colon between name and hash.'],
  [`alice:${hash()}\nbob:${hash()}\nalice:${hash()}`, 'Line 3 of /etc/users names alice again: keep one of the lines.'],
  [`root:${hash()}`, 'Line 1 of /etc/users has the name of somebody else.'],
  [`robot+ci:${hash()}`, 'Line 1 of /etc/users has the name robot+ci, which is that of a robot: choose another one.'],
])('%j is refused with its line', (text, sentence) => {
  expect(refusal(text)).toBe(sentence);
});

test.each(['', '@ops', 'a b', 'a/b', 'alicé', '$2y$05$x', '-x', 'a'.repeat(256)])('no user is called %j', (name) => {
  const said = refusal(`${name}:${hash()}`);
  expect(said).toMatch(/^Line 1 of \/etc\/users has no name that can be used here: /);
  expect(said).not.toContain('$');
});
