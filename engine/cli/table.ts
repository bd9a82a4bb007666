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

function listText<Row>(columns: readonly Column<Row>[], row: Row): string {
  const width = Math.max(...columns.map(({ title }) => title.length)) + 2;
  const lines = columns.map(({ title, text }) => [title, text(row)] as const).filter(([, text]) => text !== '');
  return lines.map(([title, text]) => `  ${title.padEnd(width)}${text}`).join('\n');
}

/** The first column is aligned to the left, the others to the right. */
function alignedCells<Row>(columns: readonly Column<Row>[], cells: readonly string[]): string {
  const padded = columns.map(({ title, width = 0 }, i) => {
    const most = Math.max(width, title.length);
    return i === 0 ? cells[i]!.padEnd(most) : cells[i]!.padStart(most);
  });
  return padded.join('  ').trimEnd();
}

function markdownCells(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
