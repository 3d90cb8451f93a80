import { createHmac } from 'node:crypto';
import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/name.ts';
import type { RegistryEvent } from './events.ts';

/** How webhooks are to look, and where their receivers find the registry. */
export type WebhookOptions = {
  /** The registry as its clients reach it, such as `https://hub.example`; its host is the start of image names. */
  readonly publicUrl: string;
} & (
  | {
      readonly shape: 'docker-hub';
      /** Docker Hub signs nothing: put a secret into the receiver's URL. */
      readonly secret?: never;
    }
  | {
      readonly shape: 'harbor' | 'github';
      /** Harbor: the whole value of `Authorization`. GitHub: the key of the signature. Undefined: receivers cannot tell who sent it. */
      readonly secret?: string | undefined;
    }
);

/** A POST to a receiver; the body goes out as it is, in UTF-8, or its signature is wrong. */
export interface Webhook {
  /** `Webhook-Id` is the same each time the webhook is made of this event, and another for every other webhook. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The event as requests that receivers of Docker Hub's, Harbor's or GitHub's webhooks understand, in order; none where the shape has no word for it.
 *
 *  - A tag that moved is a push, in every shape. A push that moved no tag changes nothing that could be deployed, and is none.
 *  - Harbor's has more: a new manifest without a tag (pushed by its digest, as the platforms of an index are), a deleted manifest, and pulls, one webhook
 *    for each entry whatever its count.
 *
 *  Fields that the event does not know, such as whether the repository is public, are absent. Throws a TypeError where `publicUrl` is no URL. */
export function toWebhooks(event: RegistryEvent, options: WebhookOptions): readonly Webhook[] {
  const { host, origin } = new URL(options.publicUrl);
  switch (options.shape) {
    case 'docker-hub':
      return event.type === 'tag-moved' ? [dockerHubWebhook(event, { host, origin })] : [];
    case 'harbor':
      return harborActs(event).map((act) => harborWebhook(act, { host, secret: options.secret }));
    case 'github':
      return event.type === 'tag-moved' ? [githubWebhook(event, { host, origin, secret: options.secret })] : [];
  }
}

type TagMoved = RegistryEvent & { readonly type: 'tag-moved' };

/** https://docs.docker.com/docker-hub/repos/manage/webhooks/ */
function dockerHubWebhook(
  event: TagMoved,
  { host, origin }: { readonly host: string; readonly origin: string },
): Webhook {
  const { namespace, name } = nameParts(event.repository);
  const document = {
    push_data: { pushed_at: seconds(event.atMs), pusher: event.by ?? '', tag: event.tag },
    repository: {
      name,
      namespace,
      owner: namespace,
      // As `docker pull` takes it: without the host receivers would deploy what Docker Hub has under that name.
      repo_name: `${host}/${event.repository}`,
      repo_url: `${origin}/${event.repository}`,
      status: 'Active',
    },
  };
  return jsonWebhook(event.id, document);
}

/** Something that Harbor tells of an artifact. */
interface HarborAct {
  readonly id: string;
  readonly type: 'PUSH_ARTIFACT' | 'PULL_ARTIFACT' | 'DELETE_ARTIFACT';
  readonly atMs: number;
  readonly by: string | undefined;
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly tag?: string | undefined;
}

function harborActs(event: RegistryEvent): readonly HarborAct[] {
  switch (event.type) {
    case 'tag-moved':
      return [{ ...event, type: 'PUSH_ARTIFACT', digest: event.to }];
    case 'manifest-pushed':
      return event.isNew && event.tags.length === 0 ? [{ ...event, type: 'PUSH_ARTIFACT' }] : [];
    case 'manifest-deleted':
      return [{ ...event, type: 'DELETE_ARTIFACT' }];
    case 'pulled':
      return event.pulls.map((pull, index) => ({
        ...pull,
        id: `${event.id}-${index}`,
        type: 'PULL_ARTIFACT',
        atMs: event.atMs,
      }));
    case 'tag-deleted': // The artifact stays, and Harbor tells nobody either.
    case 'blob-pushed':
    case 'blob-deleted':
    case 'repository-removed':
      return [];
  }
}

/** https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/, format "Default". An artifact without a tag has its digest in
 *  the tag's place, as Harbor has it. */
function harborWebhook(
  act: HarborAct,
  { host, secret }: { readonly host: string; readonly secret: string | undefined },
): Webhook {
  const image = `${host}/${act.repository}`;
  const document = {
    type: act.type,
    occur_at: seconds(act.atMs),
    operator: act.by ?? '',
    event_data: {
      resources: [
        {
          digest: act.digest,
          tag: act.tag ?? act.digest,
          resource_url: act.tag === undefined ? `${image}@${act.digest}` : `${image}:${act.tag}`,
        },
      ],
      repository: { ...nameParts(act.repository), repo_full_name: act.repository },
    },
  };
  const { headers, body } = jsonWebhook(act.id, document);
  return { headers: secret === undefined ? headers : { ...headers, Authorization: secret }, body };
}

/** https://docs.github.com/en/webhooks/webhook-events-and-payloads#package, of a container. The event `registry_package` says the same under another key, and
 *  fewer receivers know it. */
function githubWebhook(
  event: TagMoved,
  { host, origin, secret }: { readonly host: string; readonly origin: string; readonly secret: string | undefined },
): Webhook {
  const { namespace, name } = nameParts(event.repository);
  const document = {
    action: 'published',
    package: {
      name,
      namespace,
      ecosystem: 'CONTAINER',
      package_type: 'CONTAINER',
      html_url: `${origin}/${event.repository}`,
      updated_at: new Date(event.atMs).toISOString(),
      owner: { login: namespace },
      package_version: {
        name: event.to,
        version: event.to,
        package_url: `${host}/${event.repository}:${event.tag}`,
        container_metadata: { tag: { name: event.tag, digest: event.to } },
      },
      registry: { type: 'CONTAINER', url: origin },
    },
    sender: { login: event.by ?? '' },
  };
  const { headers, body } = jsonWebhook(event.id, document);
  return {
    headers: {
      ...headers,
      'X-GitHub-Event': 'package',
      'X-GitHub-Delivery': event.id,
      ...(secret === undefined ? {} : { 'X-Hub-Signature-256': signature(body, secret) }),
    },
    body,
  };
}

/** https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries */
function signature(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

function jsonWebhook(id: string, document: object): Webhook {
  return { headers: { 'Content-Type': 'application/json', 'Webhook-Id': id }, body: JSON.stringify(document) };
}

/** The first part, which the three call an owner, namespace or project, and what follows it; a name of one part has no namespace. */
function nameParts(repository: RepositoryName): { readonly name: string; readonly namespace: string } {
  const slash = repository.indexOf('/');
  return { name: repository.slice(slash + 1), namespace: repository.slice(0, Math.max(slash, 0)) };
}

/** Whole ones: receivers in Go fail on a fraction. */
function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
