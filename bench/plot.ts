import type { Result } from './measure.ts';
import { isCost, middle } from './report.ts';

const barHeight = 14;
const rowGap = 10;
const labelWidth = 250;
const chartWidth = 560;
const decades = { from: -2, to: 2 };
/** Told apart without colours too: the first is the darkest, and each bar has its name. */
const colours = ['#0b5394', '#c27ba0', '#93a8ac', '#e69138', '#6aa84f', '#8e7cc3'];

/**
 * Draws a run: for every row each server's median as a multiple of `base`'s, on a logarithmic scale, to the right of the line of 1 where it is better. Time and memory are
 * turned over, so that right is better for them, too. Rows that `base` was not measured at are left out.
 */
export function drawPlot(results: readonly Result[], base: string): string {
  const measured = results.filter(({ samples }) => samples.length > 0);
  const servers = [...new Set(measured.map(({ server }) => server))].filter((server) => server !== base);
  const rows = [...new Set(measured.filter(({ server }) => server === base).map(({ row }) => row))];
  let top = 60;
  const parts: string[] = [];
  for (const row of rows) {
    const bars = servers.flatMap((server, index) => {
      const factor = factorTo(base, measured, { row, server });
      return factor === undefined ? [] : [{ factor, colour: colours[index % colours.length] ?? 'black', server }];
    });
    parts.push(text([labelWidth - 10, top + (bars.length * barHeight) / 2 + 4], row, 'end'));
    for (const bar of bars) {
      parts.push(drawBar(top, bar));
      top += barHeight;
    }
    top += rowGap;
  }
  const legend = servers.map((server, index) => drawLegend(index, server));
  return wrap(top, [...drawGrid(top, base), ...legend, ...parts]);
}

function factorTo(
  base: string,
  results: readonly Result[],
  wanted: { readonly row: string; readonly server: string },
): number | undefined {
  const find = (name: string) => results.find(({ row, server }) => row === wanted.row && server === name);
  const [own, other] = [find(wanted.server), find(base)];
  if (own === undefined || other === undefined) return undefined;
  const ratio = middle(own) / middle(other);
  return isCost(own.unit) ? 1 / ratio : ratio;
}

function xOf(factor: number): number {
  const exponent = Math.min(decades.to, Math.max(decades.from, Math.log10(factor)));
  return labelWidth + ((exponent - decades.from) / (decades.to - decades.from)) * chartWidth;
}

function drawBar(
  top: number,
  bar: { readonly factor: number; readonly colour: string; readonly server: string },
): string {
  const [from, to] = [xOf(1), xOf(bar.factor)];
  const x = Math.min(from, to);
  const label = `${bar.factor >= 10 ? bar.factor.toFixed(0) : bar.factor.toFixed(2)} ×`;
  const side = to >= from ? text([to + 4, top + 10], label, 'start') : text([to - 4, top + 10], label, 'end');
  return `<rect x="${x.toFixed(1)}" y="${top}" width="${Math.max(1, Math.abs(to - from)).toFixed(1)}" height="${barHeight - 2}" fill="${bar.colour}"><title>${escapeText(bar.server)}</title></rect>${side}`;
}

function drawGrid(bottom: number, base: string): string[] {
  const lines: string[] = [];
  for (let exponent = decades.from; exponent <= decades.to; exponent += 1) {
    const x = xOf(10 ** exponent).toFixed(1);
    lines.push(
      `<line x1="${x}" x2="${x}" y1="48" y2="${bottom}" stroke="#ccc" stroke-width="${exponent === 0 ? 2 : 1}"/>`,
    );
    lines.push(text([Number(x), 42], exponent === 0 ? base : `${10 ** exponent} ×`, 'middle'));
  }
  return lines;
}

function drawLegend(index: number, server: string): string {
  const x = labelWidth + index * 130;
  return `<rect x="${x}" y="8" width="12" height="12" fill="${colours[index % colours.length]}"/>${text([x + 18, 18], server, 'start')}`;
}

function text([x, y]: readonly [number, number], content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escapeText(content)}</text>`;
}

function wrap(height: number, parts: readonly string[]): string {
  const width = labelWidth + chartWidth + 60;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11"><title>Registries compared, row by row</title>`,
    '<rect width="100%" height="100%" fill="white"/>',
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function escapeText(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
