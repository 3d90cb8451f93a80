import type { Credentials } from '../client/credentials/credentials.ts';
import type { Endpoint } from '../client/endpoint.ts';
import { pushScope } from '../client/registry/scopes.ts';
import { ExitError } from '../exit-error.ts';
import { lookAtApi } from './api.ts';
import { bad, type Findings, good } from './finding.ts';
import { lookAtLargeBodies } from './large-body.ts';
import { createProbe, type Probe } from './probe.ts';
import { reach } from './reach.ts';
import { remediesFor } from './remedies.ts';
import { lookAtSmallBlob } from './small-blob.ts';

/** What is looked at, and how. */
export interface DoctorOptions {
  readonly endpoint: Endpoint;
  readonly findCredentials: () => Promise<Credentials | undefined>;
  /** Pushed to; what was pushed is removed where that is allowed. */
  readonly repository: string;
  /** Of the large bodies. */
  readonly sizeBytes: number;
}

/** Does what clients do, step by step, and says of each what was seen and what to change. It ends where the next step would need this one. */
export async function* examine({ endpoint, findCredentials, repository, sizeBytes }: DoctorOptions): Findings {
  if (!(yield* reach(endpoint))) return;
  let hasCredentials = false;
  const probe = createProbe(endpoint, async () => {
    const found = await findCredentials();
    hasCredentials = found !== undefined;
    return found;
  });
  try {
    const scopes = [pushScope(repository)];
    if (!(yield* lookAtApi(probe)) || !(yield* lookAtToken(probe, scopes, () => hasCredentials))) return;
    const place = { probe, repository, scopes };
    if (yield* lookAtSmallBlob(place)) yield* lookAtLargeBodies(place, sizeBytes);
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    yield bad('connection', error.message, []);
  } finally {
    probe.close();
  }
}

/** What credentials come to: a token, where the registry gives tokens. */
async function* lookAtToken(probe: Probe, scopes: readonly string[], hasCredentials: () => boolean): Findings<boolean> {
  try {
    const { status } = await probe.ask({ method: 'GET', url: '/v2/', scopes });
    if (status === 200) yield good('login', 'what the registry wanted was shown, and is taken');
    else if (hasCredentials()) {
      const seen = `${status} to a login that was shown: it does not arrive, or is another registry's`;
      yield bad('login', seen, remediesFor('login', probe.hops));
    } else {
      yield bad('login', `${status}: nobody is logged in`, [
        `log in: moorage login ${probe.endpoint.host}, or --username NAME --password-stdin`,
      ]);
    }
    return status === 200;
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    yield bad('login', error.message, []);
    return false;
  }
}
