import { type CatalogueEntry, catalogue, knownBytes } from '../download/catalogue.ts';
import { type Column, rowFormatter } from './table.ts';

/** Prints what can be downloaded by name. Nothing is asked of a network: sizes that only the hub knows are left empty. */
export function printCatalogue(): void {
  const format = rowFormatter(COLUMNS, 'table');
  for (const entry of catalogue) console.log(format(entry));
}

const COLUMNS: readonly Column<CatalogueEntry>[] = [
  { title: 'name', width: Math.max(...catalogue.map(({ name }) => name.length)), text: ({ name }) => name },
  { title: 'size', width: 8, text: (entry) => sizeText(knownBytes(entry)) },
  {
    title: 'licence',
    width: Math.max(...catalogue.map(({ licence }) => licence.length)),
    text: ({ licence }) => licence,
  },
  { title: 'token', width: 6, text: ({ gated }) => (gated ? 'needed' : '') },
];

function sizeText(bytes: number | null): string {
  return bytes === null ? '' : `${(bytes / 1e9).toFixed(2)} GB`;
}
