/** Figures as text: one definition of the columns serves lists, tables and Markdown. */

export interface Column<Row> {
  readonly title: string;
  /** Least width in characters; without it, that of the title. */
  readonly width?: number;
  text(row: Row): string;
}

/** A list gives every figure a line of its own, for rows of many figures. */
export type TableFormat = 'list' | 'table' | 'markdown';

/** Gives a function that turns one row after another into text. The text of the first row begins with the titles. */
export function rowFormatter<Row>(columns: readonly Column<Row>[], format: TableFormat): (row: Row) => string {
  if (format === 'list') return (row) => listText(columns, row);
  const cells = format === 'markdown' ? markdownCells : (texts: string[]) => alignedCells(columns, texts);
  const titles = [cells(columns.map(({ title }) => title))];
  if (format === 'markdown') titles.push(markdownCells(columns.map(() => '---')));
  return (row) => [...titles.splice(0), cells(columns.map((column) => column.text(row)))].join('\n');
}

/** Aligns whole lines of cells: the first column to the left, the others to the right. */
export function alignLines(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)));
  return lines.map((cells) => padded(cells, widths)).join('\n');
}

function listText<Row>(columns: readonly Column<Row>[], row: Row): string {
  const width = Math.max(...columns.map(({ title }) => title.length)) + 2;
  return columns.map((column) => `  ${column.title.padEnd(width)}${column.text(row)}`).join('\n');
}

function alignedCells<Row>(columns: readonly Column<Row>[], cells: readonly string[]): string {
  return padded(
    cells,
    columns.map(({ title, width = 0 }) => Math.max(width, title.length)),
  );
}

function padded(cells: readonly string[], widths: readonly number[]): string {
  const texts = cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[i]!)));
  return texts.join('  ').trimEnd();
}

function markdownCells(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
