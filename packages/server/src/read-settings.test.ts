import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readSettings, type SettingSources } from './read-settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'moorage-settings-'));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
/** Writes a settings file; returns its name, relative to `directory`. */
function yaml(content: string): string {
  const name = `${++files}.yaml`;
  writeFileSync(join(directory, name), content);
  return name;
}

function read(sources: Partial<SettingSources>) {
  return readSettings({ flags: new Map(), environment: {}, configFile: undefined, directory, ...sources }).settings;
}

function refusal(sources: Partial<SettingSources>): string {
  try {
    read(sources);
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitError') return error.message;
    throw error;
  }
  throw new Error('The settings were accepted.');
}

test('without anything given the defaults stand', () => {
  expect(read({})).toEqual({
    listen: { host: '127.0.0.1', port: 5000 },
    data: './data',
    open: false,
    publicUrl: undefined,
    tls: undefined,
    'acme.directory': 'https://acme-v02.api.letsencrypt.org/directory',
    'acme.email': undefined,
    trustedProxies: [],
    'uploads.ttlSeconds': 86400,
    'uploads.reserveBytes': 256 * 1024 * 1024,
    'uploads.contentTypes': [],
    'push.leaseSeconds': 86400,
    'manifests.maxBytes': 4194304,
    'manifests.sparse': false,
    'manifests.defaultMediaType': 'application/vnd.oci.image.manifest.v1+json',
    'deletes.manifests': true,
    'deletes.blobs': true,
    'tokens.ttlSeconds': 300,
    'tokenServer.realm': undefined,
    'tokenServer.service': undefined,
    'tokenServer.issuer': undefined,
    'tokenServer.keys': undefined,
    htpasswd: undefined,
    oidc: [],
    'repositories.creation': 'anyone',
    'repositories.visibility': 'private',
    'limits.maxHeaderBytes': 65536,
    'limits.idleTimeoutSeconds': 60,
    'limits.minBytesPerSecond': 1024,
    'limits.rateWindowSeconds': 120,
    'limits.drainSeconds': 10,
    'rateLimits.address': undefined,
    'rateLimits.identity': undefined,
    'rateLimits.endpoints': [],
    'log.level': 'info',
    'log.format': undefined,
  });
});

test('a flag goes before the environment, that before the file, that before the default', () => {
  const configFile = yaml('uploads:\n  ttlSeconds: 1\npush:\n  leaseSeconds: 100\nmanifests:\n  sparse: true\n');
  const environment = { MOORAGE_UPLOADS_TTL_SECONDS: '2', MOORAGE_PUSH_LEASE_SECONDS: '200' };
  const settings = read({ flags: new Map([['uploads.ttlSeconds', '3']]), environment, configFile });
  expect(settings['uploads.ttlSeconds']).toBe(3);
  expect(settings['push.leaseSeconds']).toBe(200);
  expect(settings['manifests.sparse']).toBe(true);
  expect(settings['deletes.blobs']).toBe(true);
});

test('each setting comes with what was given and where', () => {
  const configFile = yaml('uploads:\n  contentTypes: [a/b, c/d]\n');
  const { given } = readSettings({
    flags: new Map([['listen', '5001']]),
    environment: { MOORAGE_OPEN: 'true' },
    configFile,
    directory,
  });
  expect(given.listen).toEqual({ text: '5001', origin: '--listen' });
  expect(given.open).toEqual({ text: 'true', origin: 'MOORAGE_OPEN' });
  expect(given['uploads.contentTypes']).toEqual({
    text: 'a/b,c/d',
    origin: `uploads.contentTypes in ${join(directory, configFile)}`,
  });
  expect(given.data).toEqual({ text: './data', origin: 'default' });
  expect(given.publicUrl).toEqual({ text: '', origin: 'default' });
});

test('MOORAGE_CONFIG names the file where no flag does', () => {
  const environment = { MOORAGE_CONFIG: yaml('data: /from/variable\n') };
  expect(read({ environment }).data).toBe('/from/variable');
  expect(read({ environment, configFile: yaml('data: /from/flag\n') }).data).toBe('/from/flag');
});

test('an empty variable counts as not set, and an empty file sets nothing', () => {
  expect(read({ environment: { MOORAGE_PUBLIC_URL: '', MOORAGE_LISTEN: '' } }).listen.port).toBe(5000);
  expect(read({ configFile: yaml('# nothing\n') }).data).toBe('./data');
});

test('variables that Kubernetes makes for a service called moorage are no settings', () => {
  const environment = {
    MOORAGE_SERVICE_HOST: '10.0.0.1',
    MOORAGE_SERVICE_PORT: '5000',
    MOORAGE_SERVICE_PORT_HTTP: '5000',
    MOORAGE_PORT: 'tcp://10.0.0.1:5000',
    MOORAGE_PORT_5000_TCP: 'tcp://10.0.0.1:5000',
    MOORAGE_PORT_5000_TCP_ADDR: '10.0.0.1',
  };
  expect(read({ environment }).listen.port).toBe(5000);
  expect(refusal({ environment: { MOORAGE_PORT: '5000' } })).toContain('There is no setting MOORAGE_PORT:');
});

test('a value that does not fit is refused with its origin and what it must be', () => {
  expect(refusal({ flags: new Map([['listen', 'here']]) })).toBe(
    '--listen is "here": it must be HOST:PORT, such as 127.0.0.1:5000, [::1]:5000, :5000 for every address, or 5000.',
  );
  expect(refusal({ environment: { MOORAGE_LOG_LEVEL: 'loud' } })).toBe(
    'MOORAGE_LOG_LEVEL is "loud": it must be debug, info, warn, error or silent.',
  );
  const configFile = yaml('uploads:\n  ttlSeconds: soon\n');
  expect(refusal({ configFile })).toBe(
    `uploads.ttlSeconds in ${join(directory, configFile)} is "soon": it must be a whole number of seconds, at least 1.`,
  );
  expect(refusal({ configFile: yaml('data:\n') })).toMatch(/^data in .* is null: it must be text/);
  expect(refusal({ configFile: yaml('listen: { port: 5000 }\n') })).toMatch(
    /^listen in .* is {"port":5000}: it must be/,
  );
});

test('a name that is not known is refused with the nearest one', () => {
  expect(refusal({ environment: { MOORAGE_LISEN: '5000' } })).toBe(
    'There is no setting MOORAGE_LISEN: the nearest is MOORAGE_LISTEN.',
  );
  const configFile = yaml('uploads:\n  ttl: 5\n');
  expect(refusal({ configFile })).toBe(
    `There is no setting uploads.ttl (in ${join(directory, configFile)}): the nearest is uploads.ttlSeconds.`,
  );
  expect(refusal({ configFile: yaml('uploads: 5\n') })).toMatch(/There is no setting uploads .*uploads\.ttlSeconds\.$/);
});

test('everything that is wrong is told at once, a line each', () => {
  const environment = { MOORAGE_OPEN: 'yes', MOORAGE_DATE: '/data' };
  expect(refusal({ environment, flags: new Map([['log.level', 'loud']]) }).split('\n')).toHaveLength(3);
});

test('a file that is missing, no YAML, no mapping or says a thing twice is refused in one line', () => {
  expect(refusal({ configFile: 'missing.yaml' })).toMatch(
    /^The settings in .*missing\.yaml cannot be read: ENOENT: .*\.$/,
  );
  expect(refusal({ configFile: yaml('a: [') })).toMatch(/^.*\.yaml is not valid YAML: .*\.$/);
  expect(refusal({ configFile: yaml('data: a\ndata: b\n') })).toMatch(
    /^.*\.yaml is not valid YAML: Map keys must be unique.*\.$/,
  );
  expect(refusal({ configFile: yaml('- listen\n') })).toMatch(/must hold settings by name/);
  expect(refusal({ configFile: yaml('log.level: info\nlog:\n  level: debug\n') })).toMatch(/^log\.level stands twice/);
});
