import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { chooseClient } from './clients.ts';

const local = { url: new URL('http://127.0.0.1:5000'), loopback: true, user: undefined };
const remote = { url: new URL('http://10.0.0.5:5000'), loopback: false, user: undefined };
const secure = { url: new URL('https://hub.example.com'), loopback: false, user: undefined };

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

test.each([
  [['docker'], 'docker login 127.0.0.1:5000 -u admin'],
  [['podman'], 'podman login --tls-verify=false 127.0.0.1:5000 -u admin'],
  [['skopeo'], 'skopeo login --tls-verify=false 127.0.0.1:5000 -u admin'],
  [['crane'], 'crane auth login 127.0.0.1:5000 -u admin -p PASSWORD'],
  [['oras'], 'oras login --plain-http 127.0.0.1:5000 -u admin'],
  [[], 'curl -u admin http://127.0.0.1:5000/v2/'],
])('with %j a user logs in by %s', (programs, command) => {
  const endpoint = { ...local, user: 'admin' };
  expect(chooseClient(endpoint, pathWith(...programs)).login(endpoint)).toBe(command);
});

test('curl, which keeps no login, names the user each time', () => {
  const endpoint = { ...local, user: 'admin' };
  const client = chooseClient(endpoint, '');
  expect(client.push(endpoint)[0]).toMatch(/^curl -u admin -X PUT /);
  expect(client.pull(endpoint, 'a:1')).toBe('curl -u admin http://127.0.0.1:5000/v2/a/manifests/1');
});
