import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { chooseClient } from './clients.ts';

const local = { url: new URL('http://127.0.0.1:5000'), loopback: true };
const remote = { url: new URL('http://10.0.0.5:5000'), loopback: false };
const secure = { url: new URL('https://hub.example.com'), loopback: false };

/** A search path with these programs in it. */
function pathWith(...programs: string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-path-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const program of programs) writeFileSync(join(directory, program), '', { mode: 0o755 });
  return `/missing:${directory}`;
}

test('docker comes first where it can talk to the server', () => {
  const path = pathWith('skopeo', 'docker');
  expect(chooseClient(local, path).push(local)).toEqual([
    'docker pull alpine',
    'docker tag alpine 127.0.0.1:5000/hello:1',
    'docker push 127.0.0.1:5000/hello:1',
  ]);
  expect(chooseClient(secure, path).pull(secure, 'hello:1')).toBe('docker pull hub.example.com/hello:1');
  expect(chooseClient(remote, path).push(remote)).toEqual([
    'skopeo copy --dest-tls-verify=false docker://docker.io/library/alpine docker://10.0.0.5:5000/hello:1',
  ]);
});

test.each(['podman', 'skopeo', 'crane', 'oras'])(
  '%s is told to speak plain HTTP, and only where it must',
  (program) => {
    const client = chooseClient(local, pathWith(program));
    const commands = [...client.push(local), client.pull(local, 'hello:1')].join('\n');
    expect(commands).toContain(program);
    expect(commands).toMatch(/tls-verify=false|--insecure|--plain-http/);
    expect([...client.push(secure), client.pull(secure, 'hello:1')].join('\n')).not.toMatch(
      /tls-verify|insecure|plain-http/,
    );
  },
);

test('without any client curl does', () => {
  const client = chooseClient(local, pathWith());
  expect(client.push(local)).toHaveLength(1);
  expect(client.pull(local, 'a/b@sha256:00')).toBe('curl http://127.0.0.1:5000/v2/a/b/manifests/sha256:00');
});

test('a file that is not a program is no client', () => {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-path-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'docker'), '', { mode: 0o644 });
  expect(chooseClient(local, directory).push(local)[0]).toContain('curl');
});
