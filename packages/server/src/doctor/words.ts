import { STATUS_CODES } from 'node:http';
import { bad, clean, type Finding } from './finding.ts';
import { recognizeMaker } from './hops.ts';
import type { Probe, Reply } from './probe.ts';
import { type Fault, remediesFor } from './remedies.ts';

/** `413 Payload Too Large from nginx/1.26.0 (header Server)`: a status, the registry's own words where it speaks, and else who answered. */
export function describe(reply: Reply): string {
  const { status } = reply;
  const said = wordsOf(reply);
  const name = `${status} ${STATUS_CODES[status] ?? ''}`.trim();
  if (said !== undefined) return `${name}: ${said}`;
  const maker = recognizeMaker(reply);
  if (status < 400 || maker === undefined) return name;
  return `${name} from ${clean(maker.name)} (${maker.sign})`;
}

/** A failure at an answer that was not wanted; the hop that made it is named, and what to change there. */
export function refused(step: string, reply: Reply, { fault, probe }: { fault: Fault; probe: Probe }): Finding {
  const maker = recognizeMaker(reply);
  const isOwn = wordsOf(reply) !== undefined;
  if (isOwn) return bad(step, describe(reply), hintOf(reply, probe));
  const place = maker === undefined ? probe.hops : [maker];
  return bad(step, describe(reply), remediesFor(faultOf(reply.status) ?? fault, place));
}

/** What some statuses say of a hop, whatever was asked. */
function faultOf(status: number): Fault | undefined {
  if (status === 413) return 'body-size';
  if (status === 502 || status === 503 || status === 504) return 'upstream';
  return undefined;
}

/** What helps where the registry itself refuses. */
function hintOf({ status, headers }: Reply, { endpoint: { host } }: Probe): readonly string[] {
  const id = headers['x-request-id'];
  const why = typeof id === 'string' ? [`where the registry runs: moorage why ${clean(id)}`] : [];
  if (status === 401) return [`log in: moorage login ${host}, or --username NAME --password-stdin`, ...why];
  if (status === 403) return ['name a repository that you may push to: --repository NAME', ...why];
  return why;
}

/** Code and message of a registry's error document; undefined: it is none. */
export function wordsOf({ text }: Pick<Reply, 'text'>): string | undefined {
  const [first] = readErrors(text);
  if (first === undefined) return undefined;
  const { code, message } = first as Partial<Record<'code' | 'message', unknown>>;
  return typeof code === 'string' ? clean(`${code} ${typeof message === 'string' ? message : ''}`) : undefined;
}

function readErrors(text: string): readonly object[] {
  try {
    const { errors } = JSON.parse(text) as { errors?: unknown };
    return Array.isArray(errors) ? errors.filter((error) => typeof error === 'object' && error !== null) : [];
  } catch {
    return []; // a page, or nothing
  }
}
