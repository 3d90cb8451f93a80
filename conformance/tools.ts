// The tools that the conformance runs use, at the versions that they were seen to work with.
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Programs built by `go install`: the name of the program and the package at its fixed version. */
export const goPrograms = [
  {
    name: 'conformance',
    path: 'github.com/opencontainers/distribution-spec/conformance',
    version: 'v0.0.0-20260831232431-97274622c111',
  },
  { name: 'crane', path: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.22.1' },
  { name: 'oras', path: 'oras.land/oras/cmd/oras', version: 'v1.3.6' },
  { name: 'regctl', path: 'github.com/regclient/regclient/cmd/regctl', version: 'v0.11.7' },
  { name: 'pebble', path: 'github.com/letsencrypt/pebble/v2/cmd/pebble', version: 'v2.10.1' },
  { name: 'registry', path: 'github.com/distribution/distribution/v3/cmd/registry', version: 'v3.1.2' },
  { name: 'helm', path: 'helm.sh/helm/v3/cmd/helm', version: 'v3.22.0' },
] as const;

/** Debian packages: each bears the name of its program. The distribution fixes their versions. */
export const debianPackages = ['skopeo', 'buildah', 'podman', 'curl', 'nginx', 'openssl'] as const;

/** Where `go install` puts a program. */
export const goProgramDirectory =
  process.env['GOBIN'] ?? join(process.env['GOPATH']?.split(delimiter)[0] ?? join(homedir(), 'go'), 'bin');

/** PATH with the Go programs first, so that the fixed versions win. */
export const toolPath = [goProgramDirectory, process.env['PATH']].join(delimiter);
