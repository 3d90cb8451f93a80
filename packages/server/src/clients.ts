import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where a client reaches the server. */
export interface Endpoint {
  readonly url: URL;
  /** Docker speaks plain HTTP to loopback addresses alone. */
  readonly loopback: boolean;
  /** Who logs in; undefined: nobody has to. */
  readonly user: string | undefined;
}

/** A client of registries, with the commands that a newcomer types. */
export interface Client {
  /** The command that logs the user in, and asks for the password. */
  login(endpoint: Endpoint): string;
  /** Commands that push something as `hello:1`, by who has logged in. */
  push(endpoint: Endpoint): readonly string[];
  /** The command that pulls; `reference` is `name:tag` or `name@digest`. */
  pull(endpoint: Endpoint, reference: string): string;
}

const plain = ({ url }: Endpoint, option: string) => (url.protocol === 'http:' ? ` ${option}` : '');

const clients: readonly (Client & { readonly program: string })[] = [
  {
    program: 'docker',
    login: ({ url, user }) => `docker login ${url.host} -u ${user}`,
    push: ({ url }) => [
      'docker pull alpine',
      `docker tag alpine ${url.host}/hello:1`,
      `docker push ${url.host}/hello:1`,
    ],
    pull: ({ url }, reference) => `docker pull ${url.host}/${reference}`,
  },
  {
    program: 'podman',
    login: (endpoint) =>
      `podman login${plain(endpoint, '--tls-verify=false')} ${endpoint.url.host} -u ${endpoint.user}`,
    push: (endpoint) => [
      'podman pull docker.io/library/alpine',
      `podman push${plain(endpoint, '--tls-verify=false')} docker.io/library/alpine ${endpoint.url.host}/hello:1`,
    ],
    pull: (endpoint, reference) =>
      `podman pull${plain(endpoint, '--tls-verify=false')} ${endpoint.url.host}/${reference}`,
  },
  {
    program: 'skopeo',
    login: (endpoint) =>
      `skopeo login${plain(endpoint, '--tls-verify=false')} ${endpoint.url.host} -u ${endpoint.user}`,
    push: (endpoint) => [
      `skopeo copy${plain(endpoint, '--dest-tls-verify=false')} docker://docker.io/library/alpine docker://${endpoint.url.host}/hello:1`,
    ],
    pull: (endpoint, reference) =>
      `skopeo copy${plain(endpoint, '--src-tls-verify=false')} docker://${endpoint.url.host}/${reference} dir:hello`,
  },
  {
    program: 'crane',
    login: ({ url, user }) => `crane auth login ${url.host} -u ${user} -p PASSWORD`,
    push: (endpoint) => [`crane copy${plain(endpoint, '--insecure')} alpine ${endpoint.url.host}/hello:1`],
    pull: (endpoint, reference) =>
      `crane pull${plain(endpoint, '--insecure')} ${endpoint.url.host}/${reference} hello.tar`,
  },
  {
    program: 'oras',
    login: (endpoint) => `oras login${plain(endpoint, '--plain-http')} ${endpoint.url.host} -u ${endpoint.user}`,
    push: (endpoint) => [
      'echo hello > hello.txt',
      `oras push${plain(endpoint, '--plain-http')} ${endpoint.url.host}/hello:1 hello.txt`,
    ],
    pull: (endpoint, reference) => `oras pull${plain(endpoint, '--plain-http')} ${endpoint.url.host}/${reference}`,
  },
];

const curlUser = ({ user }: Endpoint) => (user === undefined ? '' : ` -u ${user}`);

/** Pushes an index without entries, which is the smallest thing that can be pushed; keeps no login. */
const curl: Client = {
  login: (endpoint) => `curl${curlUser(endpoint)} ${endpoint.url.origin}/v2/`,
  push: (endpoint) => [
    `curl${curlUser(endpoint)} -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' -d '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}' ${endpoint.url.origin}/v2/hello/manifests/1`,
  ],
  pull: (endpoint, reference) =>
    `curl${curlUser(endpoint)} ${endpoint.url.origin}/v2/${reference.replace(/[:@]/, '/manifests/')}`,
};

/** The client that a newcomer most probably wants: the first known one in `searchPath` (`PATH`) that can talk to the endpoint, else curl. */
export function chooseClient(endpoint: Endpoint, searchPath: string): Client {
  const canTalk = (program: string) => program !== 'docker' || endpoint.loopback || endpoint.url.protocol === 'https:';
  return clients.find(({ program }) => canTalk(program) && isInstalled(program, searchPath)) ?? curl;
}

function isInstalled(program: string, searchPath: string): boolean {
  return searchPath.split(delimiter).some((directory) =>
    ['', '.exe'].some((extension) => {
      try {
        accessSync(join(directory, program + extension), constants.X_OK);
        return true;
      } catch {
        return false; // not there, or not for us
      }
    }),
  );
}
