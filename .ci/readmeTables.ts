/** README's tables of settings and commands from package.json. `npm run format` writes them; a test compares them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './nodeBinary.mjs';

interface Manifest {
  contributes: {
    commands: { command: string; title: string; category: string }[];
    configuration: { properties: Record<string, Setting> }[];
  };
}
interface Setting {
  default: unknown;
  description?: string;
  markdownDescription?: string;
  markdownDeprecationMessage?: string;
}

/** Returns the README with current tables. Throws if a mark is missing. */
export function withTables(readme: string): string {
  const texts = JSON.parse(read('package.nls.json')) as Record<string, string>;
  const { contributes } = JSON.parse(read('package.json')) as Manifest;
  const text = (key: string) => texts[key.replaceAll('%', '')] ?? key;
  const settings = contributes.configuration
    .flatMap(({ properties }) => Object.entries(properties))
    .filter(([, { markdownDeprecationMessage }]) => markdownDeprecationMessage === undefined)
    .map(([name, { default: value, description, markdownDescription }]) => [
      `\`${name}\``,
      `\`${JSON.stringify(value)}\``,
      text(markdownDescription ?? description ?? ''),
    ]);
  const commands = contributes.commands.map(({ command, title, category }) => [
    `${category}: ${text(title)}`,
    `\`${command}\``,
  ]);
  const filled = fill(readme, 'settings', table(['Setting', 'Default', 'Meaning'], settings));
  return fill(filled, 'commands', table(['Command', 'Identifier'], commands));
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function fill(readme: string, name: string, content: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [readme.indexOf(open), readme.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`README.md has no ${open} and ${close}.`);
  return `${readme.slice(0, start)}${open}\n${content}\n${readme.slice(end)}`;
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

if (import.meta.main) writeFileSync(join(root, 'README.md'), withTables(read('README.md')));
