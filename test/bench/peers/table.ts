/** Formats the figures of the engines as a table, with the ratios of ours to theirs. */
import { median } from '../../../engine/discovery/memoryBandwidth.ts';

export interface Row {
  /** The engine. It has several rows when it was measured with several settings. */
  readonly engine: string;
  readonly title: string;
  /** All figures of each measure, by the key of the measure. */
  readonly figures: Readonly<Record<string, readonly number[]>>;
  /** Memory bandwidth in bytes per second, measured around this row. */
  readonly bandwidth: number;
}

interface Measure {
  readonly key: string;
  /** Two lines of the table's head. */
  readonly title: readonly [string, string];
  readonly better: 'more' | 'less';
  readonly text: (value: number) => string;
}

const perSecond = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(1));

export const MEASURES: readonly Measure[] = [
  ...[64, 512, 2048].map((tokens) => speed('prefill', tokens)),
  ...[16, 512, 2048].map((tokens) => speed('decode at', tokens)),
  { key: 'load', title: ['load', 's'], better: 'less', text: (seconds) => seconds.toFixed(1) },
  { key: 'memory', title: ['memory', 'GB'], better: 'less', text: (bytes) => (bytes / 1e9).toFixed(2) },
];

/** The key of a prefill speed, or of the decode speed after a prompt. */
export function speedKey(kind: 'prefill' | 'decode at', tokens: number): string {
  return `${kind} ${tokens}`;
}

/** One line per row, then one line per other engine with the ratios of our figures to the best of its rows. */
export function formatTable(rows: readonly Row[], ours: string): string {
  const lines = rows.map((row) => [
    row.title,
    ...MEASURES.map(({ key, text }) => show(middle(row.figures[key]), text)),
    (row.bandwidth / 1e9).toFixed(1),
  ]);
  const head = [0, 1].map((line) => ['', ...MEASURES.map(({ title }) => title[line]!), ['bandwidth', 'GB/s'][line]!]);
  const measured = rows.some(({ engine }) => engine === ours);
  const rivals = measured ? [...new Set(rows.map(({ engine }) => engine))].filter((engine) => engine !== ours) : [];
  const ratios = rivals.map((engine) => [
    `${ours} / ${engine}`,
    ...MEASURES.map(({ key }) => show(ratio(rows, ours, engine, key), (value) => value.toFixed(2))),
    '',
  ]);
  return align([...head, ...lines, ...ratios]);
}

/** Ratio of our figure to the best of `engine`'s rows; undefined when either is missing. */
export function ratio(rows: readonly Row[], ours: string, engine: string, key: string): number | undefined {
  const [own, other] = [best(rows, ours, key), best(rows, engine, key)];
  return own === undefined || other === undefined ? undefined : own / other;
}

/** The best figure of a measure among an engine's settings. */
function best(rows: readonly Row[], engine: string, key: string): number | undefined {
  const values = rows.filter((row) => row.engine === engine).flatMap((row) => middle(row.figures[key]) ?? []);
  if (values.length === 0) return undefined;
  const { better } = MEASURES.find((measure) => measure.key === key)!;
  return better === 'more' ? Math.max(...values) : Math.min(...values);
}

function speed(kind: 'prefill' | 'decode at', tokens: number): Measure {
  return { key: speedKey(kind, tokens), title: [kind, String(tokens)], better: 'more', text: perSecond };
}

function middle(values: readonly number[] | undefined): number | undefined {
  return values && values.length > 0 ? median(values) : undefined;
}

function show(value: number | undefined, text: (value: number) => string): string {
  return value === undefined ? '-' : text(value);
}

/** Aligns the first column to the left, the others to the right. */
function align(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '),
    )
    .map((line) => line.trimEnd())
    .join('\n');
}
