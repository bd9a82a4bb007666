/** ARCHITECTURE.md's tables as data: which folder may import what, and which files may reach outside. */
import { readFileSync } from 'node:fs';

/** One row of the table of folders. Names end in `/` for a folder with all below it, in `/*` for a folder's own files. */
export interface Folder {
  readonly names: readonly string[];
  readonly mayImport: readonly string[];
}

/** One row of the table of doors: what is reached for, as the row names it, and the files that may. */
export interface Door {
  readonly what: string;
  readonly files: readonly string[];
}

const text = readFileSync('ARCHITECTURE.md', 'utf8');

let folderRows: Folder[] | undefined;

/** The rows of `| folder | holds | may import |`. Throws if there is no such table. */
export function folderTable(): Folder[] {
  folderRows ??= rowsOf(['folder', 'holds', 'may import']).map(([names, , allowed]) => ({
    names: quoted(names!),
    mayImport: quoted(allowed!),
  }));
  return folderRows;
}

/** The rows of `| reaches for | files |`. Throws if there is no such table. */
export function doorTable(): Door[] {
  return rowsOf(['reaches for', 'files']).map(([what, list]) => ({ what: what!, files: quoted(list!) }));
}

/** The row that governs a file or folder: the one with the longest name that covers it. */
export function governing(table: readonly Folder[], path: string): Folder | undefined {
  const candidates = table.flatMap((row) =>
    row.names.filter((name) => covers(name, path)).map((name) => ({ row, name })),
  );
  return candidates.sort((a, b) => b.name.length - a.name.length)[0]?.row;
}

/** Whether `name` stands for `path`: `a/` for all below a, `a/*` for the files directly in it, `node:` for all of Node's. */
export function covers(name: string, path: string): boolean {
  if (name === path) return true;
  if (name.endsWith('/*')) return path.startsWith(name.slice(0, -1)) && !path.slice(name.length - 1).includes('/');
  if (name.endsWith('/') || name.endsWith(':')) return path.startsWith(name);
  return path.startsWith(`${name}/`) && !/\.\w+$/.test(name);
}

/** The cells of the table that has this head. Throws if there is none. */
export function rowsOf(head: string[]): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => cells(line).join('|') === head.join('|'));
  if (start < 0) throw new Error(`ARCHITECTURE.md has no table '${head.join(' | ')}'.`);
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'));
  return lines.slice(start + 2, end < 0 ? undefined : end).map(cells);
}

function cells(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** The texts in backticks; `a/{b,c}/` stands for `a/b/` and `a/c/`. */
export function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].flatMap((match) => expand(match[1]!));
}

function expand(name: string): string[] {
  const [, before, list, after] = /^(.*)\{([^}]*)\}(.*)$/.exec(name) ?? [];
  return list === undefined ? [name] : list.split(',').map((each) => `${before}${each}${after}`);
}
