import { ExitError } from '../exit-error.ts';

const units: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  KiB: 2 ** 10,
  MB: 1e6,
  MiB: 2 ** 20,
  GB: 1e9,
  GiB: 2 ** 30,
};

/** `50MiB`, `100 MB` or `1048576` in bytes, at least 1; else an `ExitError`. */
export function parseByteSize(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * (units[unit] ?? Number.NaN));
  if (number !== '' && Number.isSafeInteger(bytes) && bytes >= 1) return bytes;
  throw new ExitError(`${JSON.stringify(text)} is not a size: type a number and a unit, such as 50MiB.`);
}

/** Bytes for people: `12.3 MiB`. */
export function formatBytes(bytes: number): string {
  const [unit = 'B', size = 1] = (
    [
      ['GiB', 2 ** 30],
      ['MiB', 2 ** 20],
      ['KiB', 2 ** 10],
    ] as const
  ).find(([, least]) => bytes >= least) ?? ['B', 1];
  return `${size === 1 ? bytes : (bytes / size).toFixed(1)} ${unit}`;
}
