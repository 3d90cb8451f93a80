import process from 'node:process';
import type { Reports, RequestReport } from '@moorage/registry';
import { type Logger, pino, stdTimeFunctions } from 'pino';
import type { Settings } from './settings.ts';

/** Where entries of the log go, each a line of JSON. */
export interface LogDestination {
  write(entry: string): void;
}

/** Stderr: JSON for machines, or one readable line an entry. */
export function openLog(settings: Pick<Settings, 'log.format'>): LogDestination {
  const format = settings['log.format'] ?? (process.stderr.isTTY ? 'text' : 'json');
  if (format === 'json') return pino.destination({ fd: 2, sync: false });
  return { write: (entry) => process.stderr.write(formatEntry(entry)) };
}

/** The log of a thread, whose entries go to `destination`. */
export function createLog(settings: Pick<Settings, 'log.level'>, destination: LogDestination): Logger {
  return pino(
    {
      level: settings['log.level'],
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

/** Logs one line for a request, at the level of `levelOf`. */
export function logRequest(log: Logger, report: RequestReport): void {
  const { requestId, method, target, status, durationMs, error } = report;
  const ms = Math.round(durationMs);
  log[levelOf(report)]({ requestId, method, path: target, status, ms, error: error?.message }, 'request');
}

/** Logs a fault with the request that met it; what happens beside requests, such as writing the audit, has none. */
export function logFault(
  log: Pick<Logger, 'error'>,
  ...[err, request]: Parameters<NonNullable<Reports['onError']>>
): void {
  if (request === undefined) {
    log.error({ err }, 'fault beside requests');
    return;
  }
  const { requestId, method, target } = request;
  log.error({ requestId, method, path: target, err }, 'fault');
}

/** How much a request matters: pulls and the question whether something is there are routine. */
export function levelOf({ method, status }: Pick<RequestReport, 'method' | 'status'>): 'debug' | 'info' | 'error' {
  if (status >= 500) return 'error';
  if (method === 'HEAD' && status === 404) return 'debug';
  return status >= 400 || (method !== 'GET' && method !== 'HEAD') ? 'info' : 'debug';
}

/** An entry of the log, one JSON object, as a line for people; the stack of an error follows on lines of its own. */
export function formatEntry(entry: string): string {
  const { time, level, msg, err, ...fields } = JSON.parse(entry);
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
  const line = [time.slice(11, 23), level.toUpperCase().padEnd(5), msg, ...pairs].join(' ');
  return `${line.replace(/\p{Cc}/gu, '?')}\n${err === undefined ? '' : `${err.stack}\n`}`;
}
