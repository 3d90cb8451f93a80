/** The lines for people that tell how clients learn to trust a certificate that signs itself. */
export function trustText(
  host: string,
  { path, fingerprint }: { readonly path: string; readonly fingerprint: string },
): readonly string[] {
  const lines = trustLines(host, path);
  const width = Math.max(...lines.map(([client]) => client.length));
  return [
    `Nobody but this server has signed its certificate, so each client has to be given ${path}`,
    `(SHA-256 ${fingerprint}):`,
    ...lines.map(([client, line]) => `  ${client.padEnd(width)}  ${line}`),
  ];
}

/** What each client is told so that it trusts a certificate, a file at `path`, for a registry at `host`, which is what clients write before the name of a repository.
 *  The files are those of Linux; docs/tls.md has the other systems. */
export function trustLines(host: string, path: string): readonly (readonly [client: string, line: string])[] {
  const certificate = quote(path);
  return [
    ['docker', into(`sudo `, `/etc/docker/certs.d/${host}`, certificate)],
    ['podman, skopeo, buildah', into('', `~/.config/containers/certs.d/${host}`, certificate)],
    ['crane', `export SSL_CERT_FILE=${certificate}`],
    ['oras', `oras … --ca-file ${certificate}`],
    ['helm', `helm … --ca-file ${certificate}`],
    ['regctl', `regctl registry set ${host} --cacert "$(cat ${certificate})"`],
    [
      'containerd',
      `/etc/containerd/certs.d/${host}/hosts.toml: [host."https://${host}"] with ca = ${JSON.stringify(path)}`,
    ],
    ['BuildKit', `buildkitd.toml: [registry."${host}"] with ca = [${JSON.stringify(path)}]`],
    ['node', `export NODE_EXTRA_CA_CERTS=${certificate}`],
    ['curl', `curl --cacert ${certificate} https://${host}/v2/`],
  ];
}

/** The commands that put a certificate where a client of docker's kind looks for the ones of a host. */
function into(become: string, directory: string, certificate: string): string {
  return `${become}mkdir -p ${directory} && ${become}cp ${certificate} ${directory}/ca.crt`;
}

/** As one word of a shell. */
function quote(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
