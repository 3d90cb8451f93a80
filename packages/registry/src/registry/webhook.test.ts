import { expect, test } from 'vitest';
import { parseDigest } from '../oci/digest.ts';
import { parseRepositoryName, parseTag } from '../oci/name.ts';
import type { RegistryEvent } from './events.ts';
import { toWebhooks, type Webhook, type WebhookOptions } from './webhook.ts';

const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
const facts = { id: '0123456789abcdef0123456789abcdef', atMs: 1_750_000_000_999 } as const;
const act = { ...facts, repository: parseRepositoryName('acme/web/api'), by: 'josé' } as const;
const moved: RegistryEvent = { ...act, type: 'tag-moved', tag: parseTag('1.0'), from: undefined, to: digest };
const untagged: RegistryEvent = {
  ...act,
  type: 'manifest-pushed',
  tags: [],
  isNew: true,
  digest,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  sizeBytes: 500,
  artifactType: undefined,
  subject: undefined,
  annotations: undefined,
};
const deleted: RegistryEvent = { ...act, type: 'manifest-deleted', digest, isExpired: false };
const publicUrl = 'https://hub.example:8443/';
const dockerHub: WebhookOptions = { shape: 'docker-hub', publicUrl };
const harbor: WebhookOptions = { shape: 'harbor', publicUrl, secret: 'Bearer of-harbor' };
const github: WebhookOptions = { shape: 'github', publicUrl, secret: 'of-github' };

function only(event: RegistryEvent, options: WebhookOptions): Webhook {
  const [webhook, ...others] = toWebhooks(event, options);
  if (webhook === undefined || others.length > 0) throw new Error(`${event.type} has ${others.length + 1} webhooks.`);
  return webhook;
}

test('docker-hub: a tag that moved is a push, and the name is what docker pull takes', () => {
  const { headers, body } = only(moved, dockerHub);
  expect(headers).toEqual({ 'Content-Type': 'application/json', 'Webhook-Id': facts.id });
  expect(JSON.parse(body)).toEqual({
    push_data: { pushed_at: 1_750_000_000, pusher: 'josé', tag: '1.0' },
    repository: {
      name: 'web/api',
      namespace: 'acme',
      owner: 'acme',
      repo_name: 'hub.example:8443/acme/web/api',
      repo_url: 'https://hub.example:8443/acme/web/api',
      status: 'Active',
    },
  });
});

test('harbor: a tag that moved is PUSH_ARTIFACT', () => {
  const { headers, body } = only(moved, harbor);
  expect(headers).toEqual({
    'Content-Type': 'application/json',
    'Webhook-Id': facts.id,
    Authorization: 'Bearer of-harbor',
  });
  expect(JSON.parse(body)).toEqual({
    type: 'PUSH_ARTIFACT',
    occur_at: 1_750_000_000,
    operator: 'josé',
    event_data: {
      resources: [{ digest, tag: '1.0', resource_url: 'hub.example:8443/acme/web/api:1.0' }],
      repository: { name: 'web/api', namespace: 'acme', repo_full_name: 'acme/web/api' },
    },
  });
});

test('harbor: a new manifest without a tag and a deleted one have their digest in the place of the tag', () => {
  const resources = [{ digest, tag: digest, resource_url: `hub.example:8443/acme/web/api@${digest}` }];
  expect(JSON.parse(only(untagged, harbor).body)).toMatchObject({ type: 'PUSH_ARTIFACT', event_data: { resources } });
  expect(JSON.parse(only(deleted, harbor).body)).toMatchObject({ type: 'DELETE_ARTIFACT', event_data: { resources } });
});

test('harbor: pulls are one webhook an entry, with an id for each', () => {
  const pull = { repository: parseRepositoryName('web'), digest, count: 7 };
  const pulls = [
    { ...pull, tag: parseTag('1.0'), by: undefined },
    { ...pull, tag: undefined, by: 'bob' },
  ];
  const webhooks = toWebhooks({ ...facts, type: 'pulled', pulls }, harbor);
  expect(webhooks.map(({ headers }) => headers['Webhook-Id'])).toEqual([`${facts.id}-0`, `${facts.id}-1`]);
  const repository = { name: 'web', namespace: '', repo_full_name: 'web' };
  expect(webhooks.map(({ body }) => JSON.parse(body))).toEqual([
    {
      type: 'PULL_ARTIFACT',
      occur_at: 1_750_000_000,
      operator: '',
      event_data: { resources: [{ digest, tag: '1.0', resource_url: 'hub.example:8443/web:1.0' }], repository },
    },
    {
      type: 'PULL_ARTIFACT',
      occur_at: 1_750_000_000,
      operator: 'bob',
      event_data: {
        resources: [{ digest, tag: digest, resource_url: `hub.example:8443/web@${digest}` }],
        repository,
      },
    },
  ]);
});

test('github: a tag that moved is a published package', () => {
  const { headers, body } = only(moved, github);
  expect(headers).toEqual({
    'Content-Type': 'application/json',
    'Webhook-Id': facts.id,
    'X-GitHub-Event': 'package',
    'X-GitHub-Delivery': facts.id,
    'X-Hub-Signature-256': expect.stringMatching(/^sha256=[0-9a-f]{64}$/),
  });
  expect(JSON.parse(body)).toEqual({
    action: 'published',
    package: {
      name: 'web/api',
      namespace: 'acme',
      ecosystem: 'CONTAINER',
      package_type: 'CONTAINER',
      html_url: 'https://hub.example:8443/acme/web/api',
      updated_at: '2025-06-15T15:06:40.999Z',
      owner: { login: 'acme' },
      package_version: {
        name: digest,
        version: digest,
        package_url: 'hub.example:8443/acme/web/api:1.0',
        container_metadata: { tag: { name: '1.0', digest } },
      },
      registry: { type: 'CONTAINER', url: 'https://hub.example:8443' },
    },
    sender: { login: 'josé' },
  });
});

/** As docs.github.com, "Validating webhook deliveries", tells JavaScript receivers to: by Web Crypto, over the bytes of the body. */
async function isSigned(body: string, header: string, secret: string): Promise<boolean> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['verify']);
  const signature = Uint8Array.from(header.replace('sha256=', '').match(/../g) ?? [], (byte) =>
    Number.parseInt(byte, 16),
  );
  return await crypto.subtle.verify('HMAC', key, signature, new TextEncoder().encode(body));
}

test('github: the signature is that of the exact body, as the documentation of GitHub verifies it', async () => {
  const example = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  expect(await isSigned('Hello, World!', example, "It's a Secret to Everybody")).toBe(true);
  const { headers, body } = only(moved, github);
  const header = headers['X-Hub-Signature-256'] ?? '';
  expect(await isSigned(body, header, 'of-github')).toBe(true);
  expect(await isSigned(`${body} `, header, 'of-github')).toBe(false);
  expect(await isSigned(body, header, 'of-somebody-else')).toBe(false);
});

test('without a secret nothing is signed', () => {
  expect(only(moved, { shape: 'harbor', publicUrl }).headers).not.toHaveProperty('Authorization');
  expect(only(moved, { shape: 'github', publicUrl }).headers).not.toHaveProperty('X-Hub-Signature-256');
});

test('a push is told once: by the tags that it moved, or as a new manifest without one', () => {
  const tagged: RegistryEvent = { ...untagged, tags: [parseTag('1.0')] };
  expect(toWebhooks(tagged, harbor)).toEqual([]);
  expect(toWebhooks({ ...untagged, isNew: false }, harbor)).toEqual([]);
});

test('what a shape has no word for makes no webhook', () => {
  const silent: readonly RegistryEvent[] = [
    { ...act, type: 'tag-deleted', tag: parseTag('1.0'), digest, isExpired: true },
    { ...act, type: 'blob-pushed', digest, sizeBytes: 1, mountedFrom: undefined },
    { ...act, type: 'blob-deleted', digest },
    { ...act, type: 'repository-removed' },
    { ...facts, type: 'pulled', pulls: [] },
  ];
  expect(silent.flatMap((event) => toWebhooks(event, harbor))).toEqual([]);
  for (const options of [dockerHub, github]) {
    expect([...silent, untagged, deleted].flatMap((event) => toWebhooks(event, options))).toEqual([]);
  }
});

test('a public URL that is none is refused', () => {
  expect(() => toWebhooks(moved, { shape: 'harbor', publicUrl: 'hub' })).toThrow(TypeError);
});

/** An image name without its tag or digest, as receivers get it out of a reference: the colon of a port is no tag's. */
const imageOf = (reference: string): string => reference.replace(/@.*$/, '').replace(/:[^:/]*$/, '');

// fluxcd/notification-controller, internal/server/receiver_handlers.go, `validate`.
test('Flux takes each shape as the Receiver type of its name', async () => {
  // dockerhub: a document that decodes, of which two fields are logged. Nothing is verified.
  const hub = JSON.parse(only(moved, dockerHub).body);
  expect([typeof hub.push_data.tag, typeof hub.repository.repo_url]).toEqual(['string', 'string']);
  // harbor: the header is the token, and the body is not looked at.
  expect(only(moved, harbor).headers['Authorization']).toBe('Bearer of-harbor');
  // github: go-github wants JSON and the signature; the event is compared with the list of the Receiver.
  const { headers, body } = only(moved, github);
  expect(headers['Content-Type']).toBe('application/json');
  expect(await isSigned(body, headers['X-Hub-Signature-256'] ?? '', 'of-github')).toBe(true);
  expect(headers['X-GitHub-Event']).toBe('package');
});

// argoproj-labs/argocd-image-updater, pkg/webhook/harbor.go: JSON, the whole header, PUSH_ARTIFACT, the tag of the first resource, the repository's full name, and the
// host of resource_url. pkg/argocd/argocd.go compares host and name with the image's. argoproj/argo-cd, util/webhook/harbor.go, reads the same and makes oci://host/name.
test('Argo CD and its Image Updater find registry, repository and tag in the shape of Harbor', () => {
  const { headers, body } = only(moved, harbor);
  const { type, event_data: data } = JSON.parse(body);
  expect(headers['Content-Type']).toContain('application/json');
  expect(headers['Authorization']).toBe('Bearer of-harbor');
  expect(type).toBe('PUSH_ARTIFACT');
  const { host } = new URL(`https://${data.resources[0].resource_url}`);
  expect({ host, name: data.repository.repo_full_name, tag: data.resources[0].tag }).toEqual({
    host: 'hub.example:8443',
    name: 'acme/web/api',
    tag: '1.0',
  });
});

// argocd-image-updater, pkg/webhook/ghcr.go, and argo-cd, util/webhook/ghcr.go: the event `package` alone, published, a container in any case, owner, name and tag;
// both take the registry for ghcr.io, so that images of another are never matched.
test('Argo CD and its Image Updater read the shape of GitHub, too', () => {
  const { headers, body } = only(moved, github);
  const { action, package: published } = JSON.parse(body);
  expect([headers['X-GitHub-Event'], action, published.package_type.toLowerCase()]).toEqual([
    'package',
    'published',
    'container',
  ]);
  expect(`${published.owner.login}/${published.name}`).toBe('acme/web/api');
  expect(published.package_version.container_metadata.tag.name).toBe('1.0');
});

// keel-hq/keel, pkg/http: whole seconds; harbor_webhook_trigger.go parses resource_url, dockerhub_webhook_trigger.go wants repo_name and tag,
// github_webhook_trigger.go an ecosystem CONTAINER, name, namespace and tag.
test('Keel finds image and tag', () => {
  const harborDocument = JSON.parse(only(moved, harbor).body);
  expect(Number.isInteger(harborDocument.occur_at)).toBe(true);
  expect(imageOf(harborDocument.event_data.resources[0].resource_url)).toBe('hub.example:8443/acme/web/api');
  const hub = JSON.parse(only(moved, dockerHub).body);
  expect(Number.isInteger(hub.push_data.pushed_at)).toBe(true);
  expect([hub.repository.repo_name, hub.push_data.tag]).toEqual(['hub.example:8443/acme/web/api', '1.0']);
  const { package: published } = JSON.parse(only(moved, github).body);
  expect([published.ecosystem, published.namespace, published.name]).toEqual(['CONTAINER', 'acme', 'web/api']);
});

// akuity/kargo, pkg/webhook/external: harbor.go refuses all but PUSH_ARTIFACT and reads resource_url and tag; dockerhub.go reads repo_name and tag; github.go wants the
// signature, `published`, a package_type of CONTAINER, and reads package_url and the tag. Each name is normalized as a reference.
test('Kargo finds image and tag in every shape', () => {
  const { resources } = JSON.parse(only(moved, harbor).body).event_data;
  const hub = JSON.parse(only(moved, dockerHub).body);
  const { package_version: version, package_type: type } = JSON.parse(only(moved, github).body).package;
  expect(type).toBe('CONTAINER');
  expect([resources[0].resource_url, hub.repository.repo_name, version.package_url].map(imageOf)).toEqual(
    Array(3).fill('hub.example:8443/acme/web/api'),
  );
  expect([resources[0].tag, hub.push_data.tag, version.container_metadata.tag.name]).toEqual(Array(3).fill('1.0'));
});

// argoproj/argo-events, pkg/eventsources: webhook.go wants `Bearer` and its authSecret; the source "github" a signature, and passes event and delivery on from the headers.
test('Argo Events authenticates Harbor by a bearer token, and GitHub by its signature', async () => {
  expect(only(moved, harbor).headers['Authorization']?.replace(/^Bearer /, '')).toBe('of-harbor');
  const { headers, body } = only(moved, github);
  expect(await isSigned(body, headers['X-Hub-Signature-256'] ?? '', 'of-github')).toBe(true);
  expect([headers['X-GitHub-Event'], headers['X-GitHub-Delivery']]).toEqual(['package', facts.id]);
});
