import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { refusalsFile } from '../data-files.ts';
import { ExitError } from '../exit-error.ts';
import { type Answer, addDataCommand, type DataOptions, onData, readDataSettings } from './data-command.ts';
import type { Data } from './open-data.ts';
import { align, isoTime } from './table.ts';

/** `moorage why` */
export function addWhyCommand(program: Command): void {
  addDataCommand(
    program,
    'why <request-id>',
    'Say of a refused request who asked what, which rule refused it, and what would allow it. Clients show the id (X-Request-Id), and the log has it.',
  ).action((requestId: string, options: DataOptions) =>
    onData(options, (data) => why(data, requestId, fileOf(options))),
  );
}

function fileOf(options: DataOptions): string {
  const { settings, directory } = readDataSettings(options);
  return refusalsFile(resolve(directory, settings.data));
}

async function why(data: Data, requestId: string, file: string): Promise<Answer> {
  if (!/^[0-9a-f-]{16,64}$/i.test(requestId)) {
    throw new ExitError('That is no request id: it is the X-Request-Id of an answer, 32 characters of 0-9 and a-f.');
  }
  const [{ openRefusals }, { explain }] = await Promise.all([
    import('../refusals/database.ts'),
    import('../refusals/explain.ts'),
  ]);
  const database = existsSync(file) ? openRefusals(file) : undefined;
  const refusal = database?.find(requestId);
  database?.close();
  if (refusal === undefined) {
    throw new ExitError(
      `Nothing is remembered of ${requestId}: refusals of the last seven days are, 10,000 at the most, and neither what was answered well nor the 401 that asks every client to log in. The log has every request.`,
    );
  }
  const { who, rule, allow } = await explain(refusal, data);
  const { method, target, status, code, message, atMs } = refusal;
  const rows = [
    ['when', isoTime(atMs)],
    ['who', who],
    ['asked', `${method} ${target}`],
    ['answer', `${status} ${code}: ${message}`],
    ['rule', rule],
    ...allow.map((line, index) => [index === 0 ? 'allows it' : '', line]),
  ];
  return { json: { ...refusal, time: isoTime(atMs), who, rule, allow }, lines: align(rows) };
}
