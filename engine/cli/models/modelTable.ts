import { placeTitle } from '../../discovery/findModels.ts';
import { gigabytes } from '../../load/memoryPlan.ts';
import { quoted } from '../../sources/quoted.ts';
import type { ListedModel } from '../../wire/models.ts';
import { type Column, rowFormatter } from '../table.ts';

/** Prints models as a table, each with its path and, where it cannot be used, the reason. */
export function printModels(models: readonly ListedModel[]): void {
  const columns: Omit<Column<ListedModel>, 'width'>[] = [
    { title: 'name', text: ({ name }) => name },
    { title: 'kind', text: ({ kind }) => kind },
    { title: 'size', text: ({ bytes }) => gigabytes(bytes) },
    { title: 'memory', text: ({ memoryBytes }) => (memoryBytes === null ? '' : gigabytes(memoryBytes)) },
    { title: 'context', text: ({ contextLength }) => contextLength?.toLocaleString('en') ?? '' },
    { title: 'tokens/s', text: ({ tokensPerSecond: speed }) => (speed === null ? '' : `~${rounded(speed)}`) },
    { title: 'place', text: ({ place }) => placeTitle(place) },
    { title: 'licence', text: ({ licence }) => licence ?? '' },
    { title: 'hash', text: ({ hash }) => hash },
  ];
  const widest = columns.map((column) => ({
    ...column,
    width: models.reduce((most, model) => Math.max(most, column.text(model).length), 0),
  }));
  const row = rowFormatter(widest, 'table');
  for (const model of models) {
    console.log(row(model));
    if (model.place !== 'bundled') console.log(`    ${quoted(model.path, 4096)}`);
    if (model.problem !== null) console.log(`    cannot be used: ${model.problem}`);
  }
  console.log('\nMemory, context and speed are estimates for the CPU of this machine.');
}

function rounded(speed: number): string {
  return speed < 10 ? speed.toFixed(1) : Math.round(speed).toString();
}
