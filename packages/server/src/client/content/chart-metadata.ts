import { parse, YAMLError } from 'yaml';
import { z } from 'zod';
import { ExitError } from '../../exit-error.ts';

/** What is read of a Chart.yaml, or of a chart's config, at most. */
export const maxChartFileBytes = 2 ** 20;

/** Both become the name of a file, NAME-VERSION.tgz. */
const schema = z.looseObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,249}$/),
  version: z.string().regex(/^v?\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/),
  description: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

export type ChartMetadata = z.infer<typeof schema>;

/** A Chart.yaml, or a chart's config, as Helm reads it. Refuses with an `ExitError` that names `place` what is no YAML or lacks a name or a version. */
export function parseChartMetadata(text: string, place: string): ChartMetadata {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    if (!(error instanceof YAMLError || error instanceof ReferenceError)) throw error;
    throw new ExitError(`${place} is no YAML: ${error.message.split('\n', 1)[0]}`, { cause: error });
  }
  const result = schema.safeParse(asHelmReads(document));
  if (result.success) return result.data;
  const fields = [...new Set(result.error.issues.map(({ path }) => path[0] ?? 'content'))];
  throw new ExitError(`${place} is no chart's description: its ${fields.join(' and ')} must be as Helm wants them.`);
}

// The only fields of chart metadata that Helm decodes as booleans. It has no numbers: what looks like one, such as appVersion 1.2, is text.
const booleans = ['deprecated', 'enabled'];

function asHelmReads(value: unknown, key?: string): unknown {
  if (Array.isArray(value)) return value.map((item) => asHelmReads(item));
  if (value instanceof Object) {
    const entries = Object.entries(value).filter(([, field]) => field !== null);
    return Object.fromEntries(entries.map(([name, field]) => [name, asHelmReads(field, name)]));
  }
  if (typeof value === 'boolean' && key !== undefined && booleans.includes(key)) return value;
  return typeof value === 'boolean' || typeof value === 'number' ? String(value) : value;
}
